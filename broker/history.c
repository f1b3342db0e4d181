/* SPDX-License-Identifier: Apache-2.0
 *
 * See history.h. Chunk c holds the seqs base + c × CHUNK_RECORDS and on; chunks
 * are freed from the front as a whole once their last record is trimmed.
 */
#include "broker/history.h"

#include "common/cursor.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_RECORDS 16384u
/* A chain is kept at least each so many records (and at the end of whatever was
 * appended at once), from which those between are computed. */
#define KNOWN_EACH 256u
/* Ticks that are remembered, and how far they are apart at least. */
#define TICKS 64u
#define TICK_MS (HISTORY_RECENT_MS / 60)

/* What is known of a place in the history. */
typedef struct {
    position_t at;
    uint64_t newest_ms; /* of the records up to here */
} known_t;

typedef struct {
    uint64_t mono_ms, next;
} tick_t;

struct history {
    uint8_t **chunks;
    size_t count, room; /* chunks in use, and room for pointers */
    uint64_t base;      /* seq of chunk 0's first place */
    uint64_t first, next;
    position_t head; /* next − 1, and the chain there */
    known_t *known;  /* ascending; the first is at first − 1 */
    uint64_t newest_ms;
    size_t known_count, known_room;
    tick_t ticks[TICKS]; /* a ring, ascending; tick n is at n % TICKS */
    size_t ticked, expired;
    uint64_t recent;
};

history_t *history_new(void)
{
    history_t *self = mem_zalloc(1, sizeof *self);
    history_reset(self, (position_t){0});
    return self;
}

void history_destroy(history_t **self_p)
{
    if (*self_p) {
        history_reset(*self_p, (position_t){0});
        free((*self_p)->chunks);
        free((*self_p)->known);
        free(*self_p);
        *self_p = NULL;
    }
}

static void s_know(history_t *self, position_t at)
{
    if (self->known_count == self->known_room) {
        self->known_room = self->known_room ? self->known_room * 2 : 64;
        self->known =
            mem_realloc(self->known, self->known_room, sizeof *self->known);
    }
    self->known[self->known_count++] = (known_t){at, self->newest_ms};
}

void history_reset(history_t *self, position_t before)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->chunks[i]);
    self->count = 0;
    self->base = self->first = self->next = before.seq + 1;
    self->head = before;
    self->newest_ms = 0;
    self->known_count = 0;
    self->ticked = self->expired = 0;
    self->recent = 0;
    s_know(self, before);
}

static void s_add_chunk(history_t *self)
{
    if (self->count == self->room) {
        self->room = self->room ? self->room * 2 : 16;
        self->chunks =
            mem_realloc(self->chunks, self->room, sizeof *self->chunks);
    }
    self->chunks[self->count++] = mem_alloc(CHUNK_RECORDS * RECORD_BYTES);
}

static void s_store(history_t *self, const uint8_t *records, size_t count)
{
    while (count) {
        size_t place = (size_t)(self->next - self->base) % CHUNK_RECORDS;
        size_t chunk = (size_t)(self->next - self->base) / CHUNK_RECORDS;
        if (chunk == self->count)
            s_add_chunk(self);
        size_t part = CHUNK_RECORDS - place;
        if (part > count)
            part = count;
        reader_t r = reader_of(records, RECORD_BYTES);
        assert(read_u64(&r) == self->next);
        memcpy(self->chunks[chunk] + place * RECORD_BYTES, records,
               part * RECORD_BYTES);
        self->next += part;
        records += part * RECORD_BYTES;
        count -= part;
    }
}

static uint64_t s_placed_at_ms(const uint8_t *record)
{
    reader_t r = reader_of(record + 8, 8);
    return read_u64(&r);
}

void history_append_to(history_t *self, const uint8_t *records, size_t count,
                       chain_t chain)
{
    s_store(self, records, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t placed_at_ms = s_placed_at_ms(records + i * RECORD_BYTES);
        if (placed_at_ms > self->newest_ms)
            self->newest_ms = placed_at_ms;
    }
    self->head = (position_t){self->next - 1, chain};
    if (self->head.seq >=
        self->known[self->known_count - 1].at.seq + KNOWN_EACH)
        s_know(self, self->head);
}

void history_append(history_t *self, const uint8_t *records, size_t count)
{
    while (count) {
        size_t part = count < KNOWN_EACH ? count : KNOWN_EACH;
        chain_t chain = chain_extend(self->head.chain, records, part);
        history_append_to(self, records, part, chain);
        records += part * RECORD_BYTES;
        count -= part;
    }
}

position_t history_head(const history_t *self)
{
    assert(self->head.seq + 1 == self->next);
    return self->head;
}

/* The last place in `known` at or below seq. */
static size_t s_known_at(const history_t *self, uint64_t seq)
{
    size_t low = 0, high = self->known_count - 1;
    assert(self->known[0].at.seq <= seq);
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (self->known[middle].at.seq <= seq)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static chain_t s_extend_to(const history_t *self, position_t from, uint64_t seq)
{
    while (from.seq < seq) {
        size_t count;
        const uint8_t *records =
            history_slice(self, from.seq + 1, (size_t)(seq - from.seq), &count);
        from.chain = chain_extend(from.chain, records, count);
        from.seq += count;
    }
    return from.chain;
}

chain_t history_chain(const history_t *self, uint64_t seq)
{
    if (seq + 1 < self->first || seq >= self->next)
        return CHAIN_UNKNOWN;
    if (seq == self->head.seq)
        return self->head.chain;
    return s_extend_to(self, self->known[s_known_at(self, seq)].at, seq);
}

static chain_t s_chain_at(void *context, uint64_t seq)
{
    return history_chain(context, seq);
}

history_view_t history_view(const history_t *self)
{
    return (history_view_t){.head = self->head,
                            .chain_at = s_chain_at,
                            .context = (void *)(uintptr_t)self};
}

void history_learn(history_t *self, position_t at)
{
    assert(at.seq + 1 >= self->first && at.seq < self->next);
    for (size_t i = 0; i < self->known_count; i++) {
        position_t *known = &self->known[i].at;
        known->chain = CHAIN_UNKNOWN;
        if (known->seq < at.seq)
            continue;
        at = (position_t){known->seq, s_extend_to(self, at, known->seq)};
        *known = at;
    }
    self->head.chain = s_extend_to(self, at, self->head.seq);
}

/* What is before `first` is gone: the first known place is the one before it.
 */
static void s_forget_known(history_t *self, position_t before)
{
    size_t gone = s_known_at(self, before.seq);
    self->known_count -= gone;
    memmove(self->known, self->known + gone,
            self->known_count * sizeof *self->known);
    self->known[0].at = before;
}

void history_trim(history_t *self, uint64_t upto)
{
    if (upto >= self->next)
        upto = self->next - 1;
    if (upto < self->first)
        return;
    s_forget_known(self, (position_t){upto, history_chain(self, upto)});
    self->first = upto + 1;
    size_t gone = (size_t)(self->first - self->base) / CHUNK_RECORDS;
    if (!gone)
        return;
    if (gone > self->count)
        gone = self->count;
    for (size_t i = 0; i < gone; i++)
        free(self->chunks[i]);
    self->count -= gone;
    memmove(self->chunks, self->chunks + gone,
            self->count * sizeof *self->chunks);
    self->base += (uint64_t)gone * CHUNK_RECORDS;
}

uint64_t history_first(const history_t *self)
{
    return self->first;
}

uint64_t history_next(const history_t *self)
{
    return self->next;
}

const uint8_t *history_slice(const history_t *self, uint64_t from, size_t max,
                             size_t *count)
{
    assert(from >= self->first && from < self->next && max);
    size_t place = (size_t)(from - self->base) % CHUNK_RECORDS;
    size_t chunk = (size_t)(from - self->base) / CHUNK_RECORDS;
    uint64_t held = self->next - from;
    size_t part = CHUNK_RECORDS - place;
    if (part > held)
        part = (size_t)held;
    *count = part < max ? part : max;
    return self->chunks[chunk] + place * RECORD_BYTES;
}

size_t history_copy(const history_t *self, uint64_t from, size_t max,
                    uint8_t *bytes)
{
    size_t copied = 0;
    while (copied < max && from >= self->first && from < self->next) {
        size_t part;
        const uint8_t *records = history_slice(self, from, max - copied, &part);
        memcpy(bytes + copied * RECORD_BYTES, records, part * RECORD_BYTES);
        copied += part;
        from += part;
    }
    return copied;
}

record_t history_get(const history_t *self, uint64_t seq)
{
    size_t count;
    return record_decode(history_slice(self, seq, 1, &count));
}

/* The place in `known` up to which every record is older than since_ms. */
static size_t s_known_before(const history_t *self, uint64_t since_ms)
{
    size_t low = 0, high = self->known_count - 1;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (self->known[middle].newest_ms < since_ms)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

uint64_t history_since(const history_t *self, uint64_t since_ms)
{
    uint64_t seq = self->known[s_known_before(self, since_ms)].at.seq + 1;
    while (seq < self->next) {
        size_t count;
        const uint8_t *records = history_slice(self, seq, SIZE_MAX, &count);
        for (size_t i = 0; i < count; i++)
            if (s_placed_at_ms(records + i * RECORD_BYTES) >= since_ms)
                return seq + i;
        seq += count;
    }
    return seq;
}

void history_cap_times(history_t *self, uint64_t now_ms)
{
    for (size_t i = self->known_count;
         i-- && self->known[i].newest_ms > now_ms;)
        self->known[i].newest_ms = now_ms;
    if (self->newest_ms > now_ms)
        self->newest_ms = now_ms;
}

void history_tick(history_t *self, uint64_t mono_ms)
{
    const tick_t *last = &self->ticks[(self->ticked - 1) % TICKS];
    if (!self->ticked || mono_ms - last->mono_ms >= TICK_MS)
        self->ticks[self->ticked++ % TICKS] = (tick_t){mono_ms, self->next};
    assert(self->ticked - self->expired <= TICKS);
    while (self->expired < self->ticked) {
        const tick_t *oldest = &self->ticks[self->expired % TICKS];
        if (mono_ms - oldest->mono_ms < HISTORY_RECENT_MS)
            break;
        self->recent = oldest->next;
        self->expired++;
    }
}

uint64_t history_recent(const history_t *self)
{
    return self->recent;
}
