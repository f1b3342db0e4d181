/* SPDX-License-Identifier: Apache-2.0
 *
 * See past_cache.h. A table of sets of WAYS slots each, by a hash of the
 * question.
 */
#include "edge/http/past_cache.h"

#include "common/board.h"
#include "common/clock.h"
#include "common/mem.h"
#include "edge/http/lookup_json.h"

#include <stdlib.h>

#define WAYS 8

typedef struct {
    bus_type_t type; /* 0: empty */
    bus_query_t query;
    bool asking, known;
    uint64_t asked_ms;
    past_body_t body;
    waiting_t *waiters;
    waiting_t *called; /* those whose answer is there */
    past_cache_t *cache;
} slot_t;

struct past_cache {
    past_ask_fn ask;
    void *context;
    size_t bytes;
    size_t hand; /* where making room goes on */
    slot_t slots[PAST_CACHE_SLOTS];
};

past_cache_t *past_cache_new(past_ask_fn ask, void *context)
{
    past_cache_t *self = mem_zalloc(1, sizeof *self);
    self->ask = ask;
    self->context = context;
    for (size_t i = 0; i < PAST_CACHE_SLOTS; i++)
        self->slots[i].cache = self;
    return self;
}

static void s_forget(slot_t *slot)
{
    if (slot->body.body)
        slot->cache->bytes -= slot->body.body->size;
    blob_unref(&slot->body.body);
    slot->known = false;
}

void past_cache_destroy(past_cache_t **self_p)
{
    past_cache_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < PAST_CACHE_SLOTS; i++) {
        while (self->slots[i].waiters)
            waiting_leave(self->slots[i].waiters);
        s_forget(&self->slots[i]);
    }
    free(self);
}

void past_cache_cancel(past_waiter_t *waiter)
{
    waiting_leave(&waiter->link);
}

/* --- Slots ---------------------------------------------------------------- */

static uint32_t s_hash(bus_type_t type, const bus_query_t *query)
{
    const uint64_t words[] = {(uint64_t)type, query->from, query->to,
                              (uint64_t)query->x << 32 | query->y, query->max};
    uint32_t hash = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        hash = fmix32(fmix32(hash ^ (uint32_t)words[i]) ^
                      (uint32_t)(words[i] >> 32));
    return hash;
}

static bool s_is(const slot_t *slot, bus_type_t type, const bus_query_t *query)
{
    const bus_query_t *mine = &slot->query;
    return (slot->asking || slot->known) && slot->type == type &&
           mine->x == query->x && mine->y == query->y &&
           mine->from == query->from && mine->to == query->to &&
           mine->max == query->max && mine->width == query->width &&
           mine->height == query->height && mine->bits == query->bits;
}

/* The question's slot, or the one that was asked longest ago; NULL if all are
 * under way for others. */
static slot_t *s_slot(past_cache_t *self, bus_type_t type,
                      const bus_query_t *query)
{
    slot_t *set =
        &self->slots[s_hash(type, query) % (PAST_CACHE_SLOTS / WAYS) * WAYS];
    slot_t *oldest = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        slot_t *slot = &set[i];
        if (s_is(slot, type, query))
            return slot;
        if (!slot->asking && (!oldest || slot->asked_ms < oldest->asked_ms))
            oldest = slot;
    }
    return oldest;
}

static bool s_is_good(const slot_t *slot, bus_type_t type,
                      const bus_query_t *query)
{
    uint64_t life_ms = type == BUS_SNAPSHOTS ? 5000 : 1000;
    bool lasts = type == BUS_PAST_DIFF && slot->body.status == BUS_FOUND;
    return slot->known && s_is(slot, type, query) &&
           (lasts || clock_mono_ms() < slot->asked_ms + life_ms);
}

/* Makes room for what came, which itself stays. */
static void s_make_room(past_cache_t *self, const slot_t *newest)
{
    for (size_t i = 0; i < PAST_CACHE_SLOTS && self->bytes > PAST_CACHE_BYTES;
         i++) {
        slot_t *slot = &self->slots[self->hand++ % PAST_CACHE_SLOTS];
        if (slot != newest && !slot->asking)
            s_forget(slot);
    }
}

/* --- Answers -------------------------------------------------------------- */

static blob_t *s_body(const slot_t *slot, const bus_page_t *page)
{
    if (page->status != BUS_FOUND)
        return NULL;
    return slot->type == BUS_HISTORY     ? lookup_json_history(page)
           : slot->type == BUS_SNAPSHOTS ? lookup_json_snapshots(page)
                                         : blob_of(page->bytes, page->size);
}

static void s_on_page(void *context, const bus_page_t *page)
{
    slot_t *slot = context;
    s_forget(slot);
    slot->asking = false;
    slot->known = page->status != BUS_STORE_FAILED;
    slot->body =
        (past_body_t){.status = page->status, .body = s_body(slot, page)};
    if (slot->body.body)
        slot->cache->bytes += slot->body.body->size;
    s_make_room(slot->cache, slot);
    past_body_t body = {page->status, slot->body.body};
    if (body.body)
        blob_ref(body.body); /* whoever is called may ask again */
    waiting_move(&slot->called, &slot->waiters);
    while (slot->called) {
        past_waiter_t *waiter = (past_waiter_t *)slot->called;
        past_cache_cancel(waiter);
        waiter->on_body(waiter, &body);
    }
    blob_unref(&body.body);
}

bool past_cache_would_ask(past_cache_t *self, bus_type_t type,
                          const bus_query_t *query)
{
    const slot_t *slot = s_slot(self, type, query);
    return slot && !slot->asking && !s_is_good(slot, type, query);
}

const past_body_t *past_cache_get(past_cache_t *self, bus_type_t type,
                                  const bus_query_t *query,
                                  past_waiter_t *waiter)
{
    static const past_body_t failed = {.status = BUS_STORE_FAILED};
    slot_t *slot = s_slot(self, type, query);
    if (!slot)
        return &failed;
    if (!slot->asking && s_is_good(slot, type, query))
        return &slot->body;
    waiting_join(&slot->waiters, &waiter->link);
    if (slot->asking)
        return NULL;
    s_forget(slot);
    slot->type = type;
    slot->query = *query;
    slot->asking = true;
    slot->asked_ms = clock_mono_ms();
    self->ask(self->context, type, query, s_on_page, slot);
    return NULL;
}
