/* SPDX-License-Identifier: Apache-2.0
 *
 * See users.h.
 */
#include "broker/users.h"

#include "common/backoff.h"
#include "common/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SLOTS 1024u

struct users {
    last_placement_t *slots; /* seq 0: empty */
    size_t mask;             /* slots − 1, a power of two */
    size_t count;            /* slots in use, at most 5/8 of them */
    uint64_t salt;           /* so that nobody can choose colliding users */
};

_Static_assert(sizeof(last_placement_t) == 32, "two users a cache line");

/* Empty slots; users come at random. */
static last_placement_t *s_new_slots(size_t count)
{
    return mem_zalloc_random(count * sizeof(last_placement_t));
}

users_t *users_new(void)
{
    users_t *self = mem_zalloc(1, sizeof *self);
    self->mask = LEAST_SLOTS - 1;
    self->slots = s_new_slots(LEAST_SLOTS);
    self->salt = random_u64() | 1;
    return self;
}

void users_destroy(users_t **self_p)
{
    if (*self_p) {
        free((*self_p)->slots);
        free(*self_p);
        *self_p = NULL;
    }
}

static inline size_t s_home(const users_t *self, uint64_t user)
{
    uint64_t h = (user ^ self->salt) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    h *= self->salt;
    return (size_t)(h >> 24) & self->mask;
}

/* The user's slot, or the empty one where it would go. */
static last_placement_t *s_slot(const users_t *self, uint64_t user)
{
    size_t i = s_home(self, user);
    while (self->slots[i].seq && self->slots[i].user != user)
        i = (i + 1) & self->mask;
    return &self->slots[i];
}

const last_placement_t *users_find(users_t *self, uint64_t user,
                                   uint64_t now_ms)
{
    last_placement_t *slot = s_slot(self, user);
    if (slot->placed_at_ms > now_ms)
        slot->placed_at_ms = now_ms;
    return slot->seq ? slot : NULL;
}

void users_prefetch(const users_t *self, uint64_t user)
{
    __builtin_prefetch(&self->slots[s_home(self, user)]);
}

static bool s_is_kept(const last_placement_t *slot, keep_t keep)
{
    return slot->seq &&
           (slot->placed_at_ms >= keep.since_ms || slot->seq >= keep.since_seq);
}

/* A new table with room for as many again as are not expired. */
static void s_rebuild(users_t *self, keep_t keep)
{
    last_placement_t *old = self->slots;
    size_t old_mask = self->mask, kept = 0;
    for (size_t i = 0; i <= old_mask; i++)
        kept += s_is_kept(&old[i], keep);
    size_t slots = LEAST_SLOTS;
    while (slots < kept * 3)
        slots *= 2;
    self->mask = slots - 1;
    self->slots = s_new_slots(slots);
    self->count = kept;
    for (size_t i = 0; i <= old_mask; i++)
        if (s_is_kept(&old[i], keep))
            *s_slot(self, old[i].user) = old[i];
    free(old);
}

void users_put(users_t *self, const record_t *record, keep_t keep)
{
    assert(record->seq);
    last_placement_t *slot = s_slot(self, record->user);
    if (!slot->seq) {
        if ((self->count + 1) * 8 > (self->mask + 1) * 5) {
            s_rebuild(self, keep);
            slot = s_slot(self, record->user);
        }
        self->count++;
    }
    *slot = (last_placement_t){.user = record->user,
                               .placed_at_ms = record->placed_at_ms,
                               .seq = record->seq,
                               .request = record->request,
                               .flags = record->flags};
}

size_t users_count(const users_t *self)
{
    return self->count;
}

void users_clear(users_t *self)
{
    free(self->slots);
    self->mask = LEAST_SLOTS - 1;
    self->slots = s_new_slots(LEAST_SLOTS);
    self->count = 0;
}
