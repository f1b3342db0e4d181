/* SPDX-License-Identifier: Apache-2.0
 *
 * See bans.h.
 */
#include "broker/bans.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

void bans_fini(bans_t *self)
{
    free(self->slots);
    *self = (bans_t){0};
}

/* The user's slot, or the empty one where it would go. */
static uint64_t *s_slot(const bans_t *self, uint64_t user)
{
    size_t i = (size_t)siphash(self->key, &user, sizeof user) & self->mask;
    while (self->slots[i] && self->slots[i] != user)
        i = (i + 1) & self->mask;
    return &self->slots[i];
}

void bans_set(bans_t *self, const uint64_t *users, size_t count)
{
    size_t slots = 2;
    assert(users || !count);
    bans_fini(self);
    if (!count)
        return;
    while (slots < count * 2)
        slots *= 2;
    self->slots = mem_zalloc(slots, sizeof *self->slots);
    self->mask = slots - 1;
    self->key = siphash_key();
    for (size_t i = 0; i < count; i++) {
        uint64_t *slot = users[i] ? s_slot(self, users[i]) : NULL;
        self->count += slot ? !*slot : !self->zero;
        if (slot)
            *slot = users[i];
        else
            self->zero = true;
    }
}

bool bans_has(const bans_t *self, uint64_t user)
{
    if (!user || !self->slots)
        return !user && self->zero;
    return *s_slot(self, user) == user;
}
