/* SPDX-License-Identifier: Apache-2.0
 *
 * See shared_budget.h. What the leader says is a sum with this worker's part in
 * it. That part is known (`told`), whichever second's sum it comes back in.
 */
#include "edge/shared_budget.h"

#include "common/bus_taken.h"
#include "common/hkdf.h"
#include "common/mem.h"
#include "common/siphash.h"
#include "edge/bucket.h"
#include "edge/edge.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define TELL_MS 1000
#define SWEEP_MS 10000
/* What was told comes back by then, or is lost. */
#define ECHO_MS 5000
/* Of the budget: below that an address is not worth telling. */
#define SHARE 64
#define KEY_INFO "stipple addresses of a budget"

typedef struct {
    uint64_t key;
    uint64_t full_at_us; /* see bucket.h */
    uint64_t told_at_ms;
    uint32_t untold, told; /* taken here; told may still come back */
    bool queued;
    UT_hash_handle hh;
} entry_t;

struct shared_budget {
    edge_t *edge;
    shared_tell_fn tell;
    void *context;
    uint64_t limit; /* per minute; 0: none */
    siphash_key_t hash;
    entry_t *entries;
    uint64_t queue[BUS_TAKEN_MAX]; /* keys, to be told */
    size_t queue_count;
    bus_taken_t rows[BUS_TAKEN_MAX];
    uint64_t tell_at_ms, sweep_at_ms;
};

shared_budget_t *shared_budget_new(struct edge *edge, shared_tell_fn tell,
                                   void *context)
{
    shared_budget_t *self = mem_zalloc(1, sizeof *self);
    const key_list_t *secrets = &edge->config->keys.anonymous;
    uint8_t key[HKDF_BYTES];
    self->edge = edge;
    self->tell = tell;
    self->context = context;
    /* Without a secret nobody gets an identity. */
    self->limit = secrets->count
                      ? (uint64_t)edge->config->sessions_per_address_cluster
                      : 0;
    hkdf(key, secrets->bytes[0], KEY_BYTES, KEY_INFO);
    memcpy(&self->hash, key, sizeof self->hash);
    return self;
}

static void s_remove(shared_budget_t *self, entry_t *entry)
{
    HASH_DEL(self->entries, entry);
    free(entry);
}

void shared_budget_destroy(shared_budget_t **self_p)
{
    shared_budget_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    entry_t *entry, *next;
    HASH_ITER(hh, self->entries, entry, next)
    {
        s_remove(self, entry);
    }
    free(self);
}

static entry_t *s_find(const shared_budget_t *self, uint64_t key)
{
    entry_t *entry;
    HASH_FIND(hh, self->entries, &key, sizeof key, entry);
    return entry;
}

/* Finds or creates; NULL, counted, if the table is full. */
static entry_t *s_require(shared_budget_t *self, uint64_t key)
{
    entry_t *entry = s_find(self, key);
    if (entry)
        return entry;
    if (HASH_COUNT(self->entries) >= SHARED_ADDRESSES_MAX) {
        edge_count(self->edge, EDGE_SHARED_UNCOUNTED);
        return NULL;
    }
    entry = mem_zalloc(1, sizeof *entry);
    entry->key = key;
    HASH_ADD(hh, self->entries, key, sizeof entry->key, entry);
    return entry;
}

/* How much of a minute's budget is out, in time. */
static uint64_t s_level_us(const entry_t *entry, uint64_t now_ms)
{
    uint64_t now_us = now_ms * 1000;
    return entry->full_at_us > now_us ? entry->full_at_us - now_us : 0;
}

static void s_enqueue(shared_budget_t *self, entry_t *entry, uint64_t now_ms)
{
    if (entry->queued || self->queue_count == BUS_TAKEN_MAX ||
        s_level_us(entry, now_ms) < BUCKET_MINUTE_US / SHARE)
        return;
    entry->queued = true;
    self->queue[self->queue_count++] = entry->key;
}

uint32_t shared_budget_take(shared_budget_t *self, const address_t *address,
                            uint64_t now_ms)
{
    const address_t one = address_key(address);
    entry_t *entry =
        self->limit
            ? s_require(self, siphash(self->hash, one.bytes, sizeof one.bytes))
            : NULL;
    if (!entry)
        return 0;
    uint32_t wait_ms = bucket_spend(&entry->full_at_us, now_ms, self->limit, 1);
    if (wait_ms) {
        edge_count(self->edge, EDGE_SHARED_REFUSED);
        return wait_ms;
    }
    entry->untold++;
    s_enqueue(self, entry, now_ms);
    return 0;
}

/* What is worth telling of an entry: what came back meanwhile is nobody's
 * business any more. */
static uint32_t s_part(const shared_budget_t *self, const entry_t *entry,
                       uint64_t now_ms)
{
    uint64_t level =
        (s_level_us(entry, now_ms) * self->limit + BUCKET_MINUTE_US - 1) /
        BUCKET_MINUTE_US;
    return entry->untold < level ? entry->untold : (uint32_t)level;
}

static void s_told(entry_t *entry, uint32_t part, uint64_t now_ms)
{
    entry->told += part;
    entry->told_at_ms = now_ms;
    entry->untold = 0;
    entry->queued = false;
}

static void s_tell(shared_budget_t *self, uint64_t now_ms)
{
    uint8_t bytes[BUS_TAKEN_BOUND];
    size_t count = 0;
    for (size_t i = 0; i < self->queue_count; i++) {
        bus_taken_t row = {.key = self->queue[i]};
        row.count = s_part(self, s_find(self, row.key), now_ms);
        if (row.count)
            self->rows[count++] = row;
    }
    if (count && self->tell(self->context, bytes,
                            bus_put_taken(bytes, self->rows, count)) < 0)
        return; /* no leader now: with what comes until there is one */
    for (size_t i = 0; i < self->queue_count; i++) {
        entry_t *entry = s_find(self, self->queue[i]);
        s_told(entry, s_part(self, entry, now_ms), now_ms);
    }
    self->queue_count = 0;
}

static void s_forget_echo(entry_t *entry, uint64_t now_ms)
{
    if (now_ms > entry->told_at_ms + ECHO_MS)
        entry->told = 0;
}

static void s_sweep(shared_budget_t *self, uint64_t now_ms)
{
    entry_t *entry, *next;
    HASH_ITER(hh, self->entries, entry, next)
    {
        s_forget_echo(entry, now_ms);
        if (!entry->queued && !entry->told && !s_level_us(entry, now_ms))
            s_remove(self, entry);
    }
}

void shared_budget_tick(shared_budget_t *self, uint64_t now_ms)
{
    if (now_ms >= self->tell_at_ms && self->queue_count) {
        self->tell_at_ms = now_ms + TELL_MS;
        s_tell(self, now_ms);
    }
    if (now_ms >= self->sweep_at_ms) {
        self->sweep_at_ms = now_ms + SWEEP_MS;
        s_sweep(self, now_ms);
    }
}

/* Others took so much: it is missing here, whether it is there or not. */
static void s_owe(const shared_budget_t *self, entry_t *entry, uint32_t count,
                  uint64_t now_ms)
{
    uint64_t now_us = now_ms * 1000, most_us = SHARED_DEBT_MS * 1000ull;
    uint64_t owed_us =
        s_level_us(entry, now_ms) + count * BUCKET_MINUTE_US / self->limit;
    entry->full_at_us = now_us + (owed_us < most_us ? owed_us : most_us);
}

void shared_budget_hear(shared_budget_t *self, const void *rows, size_t size,
                        uint64_t now_ms)
{
    int count = bus_decode_taken_rows(self->rows, rows, size);
    for (int i = 0; i < count && self->limit; i++) {
        uint32_t others = self->rows[i].count;
        entry_t *entry = s_require(self, self->rows[i].key);
        if (!entry)
            continue;
        s_forget_echo(entry, now_ms);
        uint32_t own = entry->told < others ? entry->told : others;
        entry->told -= own;
        others -= own;
        if (others)
            s_owe(self, entry, others, now_ms);
    }
    if (count < 0)
        edge_count(self->edge, EDGE_BUS_BAD);
}
