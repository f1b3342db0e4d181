/* SPDX-License-Identifier: Apache-2.0
 *
 * See persisters.h.
 */
#include "broker/persisters.h"

#include <assert.h>
#include <string.h>

static bool s_alive(const persister_t *persister, uint64_t now_ms)
{
    return persister->heard_at_ms &&
           now_ms - persister->heard_at_ms <= PERSISTER_QUIET_MS;
}

/* The instance's place, else a place that is free or of one gone quiet. */
static persister_t *s_place(persisters_t *self, uint64_t instance,
                            uint64_t now_ms)
{
    persister_t *place = NULL;
    for (size_t i = 0; i < PERSISTERS_MAX; i++) {
        persister_t *at = &self->table[i];
        if (at->heard_at_ms && at->word.instance == instance)
            return at;
        if (!place && !s_alive(at, now_ms))
            place = at;
    }
    return place;
}

persister_t *persisters_hear(persisters_t *self, const bus_persister_t *word,
                             const void *identity, size_t size, uint64_t now_ms)
{
    assert(size <= PERSISTER_IDENTITY_MAX);
    persister_t *place = s_place(self, word->instance, now_ms);
    if (!place)
        return NULL;
    place->word = *word;
    place->heard_at_ms = now_ms ? now_ms : 1;
    memcpy(place->identity, identity, size);
    place->identity_size = size;
    return place;
}

void persister_relate(persister_t *persister, const history_view_t *mine)
{
    history_view_t store = {
        .head = {persister->word.checkpoint, persister->word.chain}};
    if (persister->heard_at_ms)
        persister->relation = history_relate(mine, &store, NULL);
}

/* What it says it holds is what was committed here, as far as can be told. */
static bool s_confirms(const persister_t *persister)
{
    return persister->relation != HISTORY_FORKED &&
           persister->relation != HISTORY_BEHIND;
}

static bool s_may(const persister_t *persister, uint64_t seq, uint64_t now_ms)
{
    return s_alive(persister, now_ms) && persister->word.checkpoint <= seq;
}

/* Who is to be granted when nobody is: one that thinks it is, else `asker`. */
static const persister_t *s_choose(const persisters_t *self,
                                   const persister_t *asker, uint64_t seq,
                                   uint64_t now_ms)
{
    for (size_t i = 0; i < PERSISTERS_MAX; i++)
        if (self->table[i].word.active && s_may(&self->table[i], seq, now_ms))
            return &self->table[i];
    return s_may(asker, seq, now_ms) ? asker : NULL;
}

bool persisters_grant(persisters_t *self, const persister_t *asker,
                      uint64_t seq, uint64_t now_ms)
{
    const persister_t *granted = persisters_granted(self, now_ms);
    if (!granted || granted->word.checkpoint > seq)
        granted = s_choose(self, asker, seq, now_ms);
    self->granted = granted ? granted->word.instance : 0;
    if (granted && s_confirms(granted) &&
        granted->word.checkpoint > self->checkpoint)
        self->checkpoint = granted->word.checkpoint;
    return granted == asker;
}

void persisters_forget_grant(persisters_t *self)
{
    self->granted = self->checkpoint = 0;
    self->ahead = false;
}

void persisters_recall(persisters_t *self, uint64_t seq, uint64_t now_ms)
{
    for (size_t i = 0; i < PERSISTERS_MAX; i++) {
        const persister_t *at = &self->table[i];
        if (at->word.active && s_may(at, seq, now_ms) && s_confirms(at) &&
            at->word.checkpoint > self->checkpoint)
            self->checkpoint = at->word.checkpoint;
    }
}

const persister_t *persisters_furthest(const persisters_t *self,
                                       uint64_t now_ms)
{
    const persister_t *best = NULL;
    for (size_t i = 0; i < PERSISTERS_MAX; i++) {
        const persister_t *at = &self->table[i];
        if (s_alive(at, now_ms) &&
            (!best || at->word.checkpoint > best->word.checkpoint))
            best = at;
    }
    return best;
}

const persister_t *persisters_granted(const persisters_t *self, uint64_t now_ms)
{
    for (size_t i = 0; self->granted && i < PERSISTERS_MAX; i++)
        if (self->table[i].word.instance == self->granted &&
            s_alive(&self->table[i], now_ms))
            return &self->table[i];
    return NULL;
}

uint64_t persisters_kept(const persisters_t *self, uint64_t now_ms)
{
    const persister_t *granted = persisters_granted(self, now_ms);
    if (granted && !s_confirms(granted))
        return 0;
    return granted && granted->word.checkpoint < self->checkpoint
               ? granted->word.checkpoint
               : self->checkpoint;
}

size_t persisters_count(const persisters_t *self, uint64_t now_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < PERSISTERS_MAX; i++)
        count += s_alive(&self->table[i], now_ms);
    return count;
}

uint32_t persisters_epoch(const persisters_t *self)
{
    uint32_t epoch = 0;
    for (size_t i = 0; i < PERSISTERS_MAX; i++)
        if (self->table[i].word.epoch > epoch)
            epoch = self->table[i].word.epoch;
    return epoch;
}
