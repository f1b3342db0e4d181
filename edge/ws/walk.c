/* SPDX-License-Identifier: Apache-2.0
 *
 * See walk.h.
 */
#include "edge/ws/walk.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

void walk_init(walk_t *self)
{
    *self = (walk_t){0};
}

void walk_fini(walk_t *self)
{
    free(self->nodes);
    *self = (walk_t){0};
}

void walk_add(walk_t *self, walk_node_t *node)
{
    if (self->size == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 64;
        self->nodes =
            mem_realloc(self->nodes, self->capacity, sizeof *self->nodes);
    }
    node->index = (uint32_t)self->size;
    self->nodes[self->size++] = node;
    self->count++;
}

static void s_move_last_to(walk_t *self, size_t index)
{
    walk_node_t *last = self->nodes[--self->size];
    if (index == self->size)
        return;
    self->nodes[index] = last;
    last->index = (uint32_t)index;
}

void walk_remove(walk_t *self, walk_node_t *node)
{
    size_t index = node->index;
    assert(index < self->size && self->nodes[index] == node);
    self->count--;
    if (self->total)
        self->nodes[index] = NULL; /* closed up when the round is over */
    else
        s_move_last_to(self, index);
}

void walk_start(walk_t *self)
{
    assert(!self->total);
    self->visited = 0;
    self->total = self->size;
}

bool walk_running(const walk_t *self)
{
    return self->total;
}

static void s_finish(walk_t *self)
{
    self->total = 0;
    if (self->count == self->size)
        return;
    for (size_t i = 0; i < self->size;) {
        while (self->size && !self->nodes[self->size - 1])
            self->size--;
        if (i >= self->size)
            break;
        if (!self->nodes[i])
            s_move_last_to(self, i);
        i++;
    }
}

bool walk_slice(walk_t *self, size_t count, walk_visit_fn visit, void *context)
{
    for (; self->visited < self->total && count; count--) {
        walk_node_t *node = self->nodes[self->visited++];
        if (node)
            visit(context, node);
    }
    if (self->visited < self->total)
        return true;
    if (self->total)
        s_finish(self);
    return false;
}
