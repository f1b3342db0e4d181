/* SPDX-License-Identifier: Apache-2.0
 *
 * See pixel_cache.h. A table of sets of WAYS slots each, by a hash of the
 * pixel.
 */
#include "edge/http/pixel_cache.h"

#include "common/board.h"
#include "common/clock.h"
#include "common/mem.h"

#include <stdlib.h>

#define WAYS 8
#define LIFE_MS 1000
/* The store is behind the board, or was when it was asked. */
#define STALE_LIFE_MS 100

typedef struct {
    uint32_t pixel; /* x << 16 | y */
    bool asking, known;
    uint64_t asked_ms;
    bus_answer_t answer;
    waiting_t *waiters;
    waiting_t *called; /* those whose answer is there */
} slot_t;

struct pixel_cache {
    pixel_ask_fn ask;
    void *context;
    slot_t slots[PIXEL_CACHE_SLOTS];
};

pixel_cache_t *pixel_cache_new(pixel_ask_fn ask, void *context)
{
    pixel_cache_t *self = mem_zalloc(1, sizeof *self);
    self->ask = ask;
    self->context = context;
    return self;
}

void pixel_cache_destroy(pixel_cache_t **self_p)
{
    pixel_cache_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < PIXEL_CACHE_SLOTS; i++)
        while (self->slots[i].waiters)
            waiting_leave(self->slots[i].waiters);
    free(self);
}

void pixel_cache_cancel(pixel_waiter_t *waiter)
{
    waiting_leave(&waiter->link);
}

/* The pixel's slot, or the one that was asked longest ago; NULL if all are
 * under way for others. */
static slot_t *s_slot(pixel_cache_t *self, uint32_t pixel)
{
    slot_t *set =
        &self->slots[fmix32(pixel) % (PIXEL_CACHE_SLOTS / WAYS) * WAYS];
    slot_t *oldest = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        slot_t *slot = &set[i];
        if ((slot->asking || slot->known) && slot->pixel == pixel)
            return slot;
        if (!slot->asking && (!oldest || slot->asked_ms < oldest->asked_ms))
            oldest = slot;
    }
    if (oldest)
        oldest->known = false;
    return oldest;
}

static bool s_is_good(const slot_t *slot, uint8_t color)
{
    uint8_t told =
        slot->answer.status == BUS_FOUND ? slot->answer.record.color : 0;
    return slot->known &&
           clock_mono_ms() <
               slot->asked_ms + (told == color ? LIFE_MS : STALE_LIFE_MS);
}

static void s_on_answer(void *context, const bus_answer_t *answer)
{
    slot_t *slot = context;
    slot->asking = false;
    slot->known = answer->status != BUS_STORE_FAILED;
    slot->answer = *answer;
    waiting_move(&slot->called, &slot->waiters);
    while (slot->called) {
        pixel_waiter_t *waiter = (pixel_waiter_t *)slot->called;
        pixel_cache_cancel(waiter);
        waiter->on_answer(waiter, answer);
    }
}

bool pixel_cache_would_ask(pixel_cache_t *self, uint16_t x, uint16_t y,
                           uint8_t color)
{
    const slot_t *slot = s_slot(self, (uint32_t)x << 16 | y);
    return slot && !slot->asking && !s_is_good(slot, color);
}

const bus_answer_t *pixel_cache_get(pixel_cache_t *self, uint16_t x, uint16_t y,
                                    uint8_t color, pixel_waiter_t *waiter)
{
    static const bus_answer_t failed = {.status = BUS_STORE_FAILED};
    slot_t *slot = s_slot(self, (uint32_t)x << 16 | y);
    if (!slot)
        return &failed;
    if (!slot->asking && s_is_good(slot, color))
        return &slot->answer;
    waiting_join(&slot->waiters, &waiter->link);
    if (slot->asking)
        return NULL;
    slot->pixel = (uint32_t)x << 16 | y;
    slot->asking = true;
    slot->asked_ms = clock_mono_ms();
    self->ask(self->context, x, y, s_on_answer, slot);
    return NULL;
}
