/* SPDX-License-Identifier: Apache-2.0
 *
 * See resent.h.
 */
#include "broker/resent.h"

#include "common/mem.h"
#include "common/siphash.h"

#include <assert.h>
#include <stdlib.h>

#define WAYS 8
#define MEMO 64
#define LINES (RESENT_RECORDS_MAX / 4) /* a power of two; half full */

/* One line of the cache, so a question and the record that answers it later are
 * one access to memory. Where two keys have one print, the log itself tells
 * them apart; so what is empty or outdated need not be marked. */
typedef struct {
    uint32_t prints[WAYS];
    uint32_t seqs[WAYS]; /* the low half */
} line_t;

/* A key is hashed once for its prefetch, its question and its record. */
typedef struct {
    resent_key_t key;
    uint64_t hash;
} hashed_t;

struct resent {
    line_t *lines; /* NULL: no index yet */
    hashed_t memo[MEMO];
    siphash_key_t key;    /* users choose their request numbers */
    uint64_t next;        /* every record before this seq is in */
    bool asked;           /* since the last rest */
    uint64_t asked_at_ms; /* mono, or a second later */
};

resent_t *resent_new(void)
{
    resent_t *self = mem_zalloc(1, sizeof *self);
    self->key = siphash_key();
    /* The memo's zeroed keys are someone's too: the first place's. */
    self->memo[0].hash =
        siphash(self->key, (uint64_t[]){0, 0}, 2 * sizeof(uint64_t));
    return self;
}

void resent_destroy(resent_t **self_p)
{
    if (*self_p) {
        free((*self_p)->lines);
        free(*self_p);
        *self_p = NULL;
    }
}

void resent_clear(resent_t *self)
{
    free(self->lines);
    self->lines = NULL;
    self->next = 0;
    self->asked = false;
    self->asked_at_ms = 0;
}

void resent_rest(resent_t *self, uint64_t mono_ms)
{
    if (self->asked)
        self->asked_at_ms = mono_ms;
    self->asked = false;
    if (self->lines && mono_ms - self->asked_at_ms > RESENT_WINDOW_MS)
        resent_clear(self);
}

static bool s_equal(const resent_key_t *a, const resent_key_t *b)
{
    return a->user == b->user && a->request == b->request &&
           a->keyless == b->keyless;
}

static uint64_t s_hash(resent_t *self, const resent_key_t *key)
{
    hashed_t *memo = &self->memo[(key->user ^ key->request) % MEMO];
    uint64_t words[2] = {key->user, (uint64_t)key->request << 1 | key->keyless};
    if (!s_equal(&memo->key, key))
        *memo = (hashed_t){*key, siphash(self->key, words, sizeof words)};
    return memo->hash;
}

static line_t *s_line(const resent_t *self, uint64_t hash)
{
    return &self->lines[(hash >> 32) % LINES];
}

void resent_prefetch(resent_t *self, const resent_key_t *key)
{
    if (self->lines)
        __builtin_prefetch(s_line(self, s_hash(self, key)), 1);
}

static resent_key_t s_key(const record_t *record)
{
    return (resent_key_t){.user = record->user,
                          .request = record->request,
                          .keyless = record->flags & RECORD_KEYLESS};
}

/* In the place of the oldest in its line. */
static void s_add(resent_t *self, const uint8_t *bytes)
{
    record_t record = record_decode(bytes);
    if (!record_is_players(&record))
        return;
    resent_key_t key = s_key(&record);
    uint64_t hash = s_hash(self, &key);
    line_t *line = s_line(self, hash);
    uint32_t seq = (uint32_t)record.seq;
    size_t oldest = 0;
    for (size_t i = 1; i < WAYS; i++)
        if (seq - line->seqs[i] > seq - line->seqs[oldest])
            oldest = i;
    line->prints[oldest] = (uint32_t)hash;
    line->seqs[oldest] = seq;
}

/* Where the index begins: a minute back, but not too many records. */
static uint64_t s_begin(const history_t *history)
{
    uint64_t from = history_recent(history), next = history_next(history);
    if (from < history_first(history))
        from = history_first(history);
    return next - from > RESENT_RECORDS_MAX ? next - RESENT_RECORDS_MAX : from;
}

static void s_follow(resent_t *self, const history_t *history)
{
    if (!self->lines || self->next < history_first(history))
        self->next = s_begin(history);
    if (!self->lines)
        self->lines = mem_zalloc_random(LINES * sizeof *self->lines);
    while (self->next < history_next(history)) {
        size_t count;
        const uint8_t *bytes =
            history_slice(history, self->next, SIZE_MAX, &count);
        for (size_t i = 0; i < count; i++)
            s_add(self, bytes + i * RECORD_BYTES);
        self->next += count;
    }
}

static const uint8_t *s_in_batch(const batch_t *batch, uint64_t seq)
{
    return batch_records(batch) +
           (seq - batch_from(batch).seq - 1) * RECORD_BYTES;
}

static void s_follow_batch(resent_t *self, const batch_t *batch)
{
    assert(self->next > batch_from(batch).seq);
    for (; self->next < batch_next(batch); self->next++)
        s_add(self, s_in_batch(batch, self->next));
}

/* Whether that seq is a record of this key, of the last minute. */
static bool s_is(const history_t *history, const batch_t *batch, uint64_t seq,
                 const resent_key_t *key)
{
    record_t record;
    if (seq < history_recent(history))
        return false;
    if (seq >= history_first(history) && seq < history_next(history))
        record = history_get(history, seq);
    else if (batch && seq > batch_from(batch).seq && seq < batch_next(batch))
        record = record_decode(s_in_batch(batch, seq));
    else
        return false;
    resent_key_t its = s_key(&record);
    return s_equal(&its, key);
}

uint64_t resent_find(resent_t *self, const history_t *history,
                     const batch_t *batch, const resent_key_t *key)
{
    self->asked = true;
    s_follow(self, history);
    if (batch)
        s_follow_batch(self, batch);
    uint64_t hash = s_hash(self, key), found = 0;
    const line_t *line = s_line(self, hash);
    for (size_t i = 0; i < WAYS; i++) {
        if (line->prints[i] != (uint32_t)hash)
            continue;
        uint64_t seq =
            self->next - (uint32_t)((uint32_t)self->next - line->seqs[i]);
        if (seq > found && s_is(history, batch, seq, key))
            found = seq;
    }
    return found;
}
