/* SPDX-License-Identifier: Apache-2.0
 *
 * See agenda.h.
 */
#include "edge/ws/agenda.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

void agenda_fini(agenda_t *self)
{
    free(self->entries);
    *self = (agenda_t){0};
}

static void s_put(agenda_t *self, size_t at, agenda_entry_t entry)
{
    self->entries[at] = entry;
    entry.node->index = (uint32_t)at;
}

/* Moves the entry at `at` to where its time belongs. */
static void s_settle(agenda_t *self, size_t at)
{
    agenda_entry_t entry = self->entries[at];
    while (at && self->entries[(at - 1) / 2].due_ms > entry.due_ms) {
        s_put(self, at, self->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child = 2 * at + 1; child < self->count; child = 2 * at + 1) {
        if (child + 1 < self->count &&
            self->entries[child + 1].due_ms < self->entries[child].due_ms)
            child++;
        if (self->entries[child].due_ms >= entry.due_ms)
            break;
        s_put(self, at, self->entries[child]);
        at = child;
    }
    s_put(self, at, entry);
}

void agenda_add(agenda_t *self, walk_node_t *node, uint64_t due_ms)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 16;
        self->entries =
            mem_realloc(self->entries, self->capacity, sizeof *self->entries);
    }
    self->entries[self->count] = (agenda_entry_t){due_ms, node};
    s_settle(self, self->count++);
}

static size_t s_place(const agenda_t *self, const walk_node_t *node)
{
    size_t at = node->index;
    assert(at < self->count && self->entries[at].node == node);
    return at;
}

void agenda_remove(agenda_t *self, walk_node_t *node)
{
    size_t at = s_place(self, node);
    self->count--;
    if (at == self->count)
        return;
    self->entries[at] = self->entries[self->count];
    s_settle(self, at);
}

void agenda_move(agenda_t *self, walk_node_t *node, uint64_t due_ms)
{
    size_t at = s_place(self, node);
    self->entries[at].due_ms = due_ms;
    s_settle(self, at);
}

void agenda_move_all(agenda_t *self, uint64_t due_ms)
{
    for (size_t i = 0; i < self->count; i++)
        self->entries[i].due_ms = due_ms;
}

const agenda_entry_t *agenda_first(const agenda_t *self)
{
    return self->count ? &self->entries[0] : NULL;
}
