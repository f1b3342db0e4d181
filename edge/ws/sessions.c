/* SPDX-License-Identifier: Apache-2.0
 *
 * See sessions.h.
 */
#include "edge/ws/sessions.h"

#include "common/mem.h"
#include "edge/ws/agenda.h"

#include <assert.h>
#include <stdlib.h>

struct sessions {
    walk_t walk;
    agenda_t paced;
    size_t json_count;
    member_t **dirty; /* NULL if one left since */
    size_t dirty_count, dirty_capacity;
    bool attend;
};

sessions_t *sessions_new(void)
{
    sessions_t *self = mem_zalloc(1, sizeof *self);
    walk_init(&self->walk);
    return self;
}

void sessions_destroy(sessions_t **self_p)
{
    sessions_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    walk_fini(&self->walk);
    agenda_fini(&self->paced);
    free(self->dirty);
    free(self);
}

void sessions_add(sessions_t *self, member_t *member)
{
    assert(!member->dirty && !member->paced);
    walk_add(&self->walk, &member->node);
    self->json_count += member->json;
}

static void s_forget_dirty(sessions_t *self, const member_t *member)
{
    for (size_t i = 0; i < self->dirty_count; i++)
        if (self->dirty[i] == member)
            self->dirty[i] = NULL;
}

void sessions_remove(sessions_t *self, member_t *member)
{
    if (member->paced)
        agenda_remove(&self->paced, &member->node);
    else
        walk_remove(&self->walk, &member->node);
    assert(!member->json || self->json_count);
    self->json_count -= member->json;
    if (member->dirty)
        s_forget_dirty(self, member);
    member->dirty = member->paced = false;
}

size_t sessions_count(const sessions_t *self)
{
    return self->walk.count + self->paced.count;
}

bool sessions_speak(const sessions_t *self, bool json)
{
    return json ? self->json_count : sessions_count(self) > self->json_count;
}

void sessions_dirty(sessions_t *self, member_t *member)
{
    if (member->dirty)
        return;
    member->dirty = true;
    if (self->dirty_count == self->dirty_capacity) {
        self->dirty_capacity =
            self->dirty_capacity ? self->dirty_capacity * 2 : 64;
        self->dirty =
            mem_realloc(self->dirty, self->dirty_capacity, sizeof *self->dirty);
    }
    self->dirty[self->dirty_count++] = member;
}

void sessions_flush(sessions_t *self, sessions_visit_fn flush, void *context)
{
    for (size_t i = 0; i < self->dirty_count; i++) {
        member_t *member = self->dirty[i];
        if (!member)
            continue;
        member->dirty = false;
        flush(context, member);
    }
    self->dirty_count = 0;
}

void sessions_attend(sessions_t *self)
{
    self->attend = true;
}

bool sessions_need_visit(const sessions_t *self)
{
    return self->attend;
}

void sessions_start_round(sessions_t *self)
{
    self->attend = false;
    walk_start(&self->walk);
}

bool sessions_in_round(const sessions_t *self)
{
    return walk_running(&self->walk);
}

size_t sessions_passed(const sessions_t *self)
{
    return self->walk.visited;
}

size_t sessions_to_pass(const sessions_t *self)
{
    return self->walk.size;
}

/* What a walk calls for one of its nodes. */
typedef struct {
    sessions_visit_fn visit;
    void *context;
} call_t;

static void s_visit(void *context, walk_node_t *node)
{
    const call_t *call = context;
    call->visit(call->context, (member_t *)node);
}

bool sessions_visit(sessions_t *self, size_t count, sessions_visit_fn visit,
                    void *context)
{
    call_t call = {visit, context};
    return walk_slice(&self->walk, count, s_visit, &call);
}

/* Not due before it is told again. */
#define NEVER_MS UINT64_MAX

void sessions_pace(sessions_t *self, member_t *member, uint64_t due_ms)
{
    if (member->paced) {
        agenda_move(&self->paced, &member->node, due_ms);
        return;
    }
    walk_remove(&self->walk, &member->node);
    agenda_add(&self->paced, &member->node, due_ms);
    member->paced = true;
}

void sessions_unpace(sessions_t *self, member_t *member)
{
    if (!member->paced)
        return;
    agenda_remove(&self->paced, &member->node);
    walk_add(&self->walk, &member->node);
    member->paced = false;
}

void sessions_hurry(sessions_t *self)
{
    agenda_move_all(&self->paced, 0);
}

uint64_t sessions_due_ms(const sessions_t *self)
{
    const agenda_entry_t *first = agenda_first(&self->paced);
    return first ? first->due_ms : NEVER_MS;
}

void sessions_visit_due(sessions_t *self, uint64_t now_ms, size_t count,
                        sessions_visit_fn visit, void *context)
{
    for (; count && sessions_due_ms(self) <= now_ms; count--) {
        member_t *member = (member_t *)agenda_first(&self->paced)->node;
        agenda_move(&self->paced, &member->node, NEVER_MS);
        visit(context, member);
    }
}

void sessions_pick(sessions_t *self, size_t count,
                   bool (*visit)(member_t *member))
{
    for (size_t i = self->walk.size; i-- && count;) {
        member_t *member = (member_t *)self->walk.nodes[i];
        if (member)
            count -= visit(member);
    }
    for (size_t i = self->paced.count; i-- && count;)
        count -= visit((member_t *)self->paced.entries[i].node);
}

void sessions_each(sessions_t *self, sessions_visit_fn visit, void *context)
{
    for (size_t i = 0; i < self->walk.size; i++)
        if (self->walk.nodes[i])
            visit(context, (member_t *)self->walk.nodes[i]);
    for (size_t i = 0; i < self->paced.count; i++)
        visit(context, (member_t *)self->paced.entries[i].node);
}
