/* SPDX-License-Identifier: Apache-2.0
 *
 * See repeats.h. Two sets of hashes; the older one is dropped as a whole.
 */
#include "broker/repeats.h"

#include "common/mem.h"

#include <stdlib.h>

#define SLOTS (REPEATS_MAX)
#define HALF (REPEATS_MAX / 2)

void repeats_init(repeats_t *self)
{
    *self = (repeats_t){.key = siphash_key()};
}

void repeats_fini(repeats_t *self)
{
    free(self->slots[0]);
    free(self->slots[1]);
    *self = (repeats_t){0};
}

/* Edges that do not count copies only say which are not the first. */
static unsigned s_copy(const bus_place_t *place)
{
    unsigned copy = bus_copy(place->ticket);
    return copy ? copy : !!(place->flags & BUS_PLACE_RESENT);
}

static uint64_t s_hash(const repeats_t *self, const bus_place_t *place,
                       unsigned copy)
{
    uint64_t words[3] = {bus_ticket(place->ticket), place->user,
                         (uint64_t)copy << 32 | place->request};
    uint64_t hash = siphash(self->key, words, sizeof words);
    return hash ? hash : 1;
}

static uint64_t *s_slot(uint64_t *slots, uint64_t hash)
{
    size_t i = (size_t)hash & (SLOTS - 1);
    while (slots[i] && slots[i] != hash)
        i = (i + 1) & (SLOTS - 1);
    return &slots[i];
}

void repeats_age(repeats_t *self)
{
    free(self->slots[1]);
    self->slots[1] = self->slots[0];
    self->slots[0] = NULL;
    self->count = 0;
}

static void s_add(repeats_t *self, uint64_t hash)
{
    if (self->count == HALF)
        repeats_age(self);
    if (!self->slots[0])
        self->slots[0] = mem_zalloc(SLOTS, sizeof **self->slots);
    uint64_t *slot = s_slot(self->slots[0], hash);
    self->count += !*slot;
    *slot = hash;
}

void repeats_add(repeats_t *self, const bus_place_t *place)
{
    for (unsigned older = 0; older < s_copy(place); older++)
        s_add(self, s_hash(self, place, older));
}

bool repeats_has(const repeats_t *self, const bus_place_t *place)
{
    if (!self->slots[0] && !self->slots[1])
        return false;
    uint64_t hash = s_hash(self, place, s_copy(place));
    for (int i = 0; i < 2; i++)
        if (self->slots[i] && *s_slot(self->slots[i], hash) == hash)
            return true;
    return false;
}
