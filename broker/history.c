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

struct history {
    uint8_t **chunks;
    size_t count, room; /* chunks in use, and room for pointers */
    uint64_t base;      /* seq of chunk 0's first place */
    uint64_t first, next;
};

history_t *history_new(void)
{
    history_t *self = mem_zalloc(1, sizeof *self);
    history_reset(self, 1);
    return self;
}

void history_destroy(history_t **self_p)
{
    if (*self_p) {
        history_reset(*self_p, 1);
        free((*self_p)->chunks);
        free(*self_p);
        *self_p = NULL;
    }
}

void history_reset(history_t *self, uint64_t next)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->chunks[i]);
    self->count = 0;
    self->base = self->first = self->next = next;
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

void history_append(history_t *self, const uint8_t *records, size_t count)
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

void history_trim(history_t *self, uint64_t upto)
{
    if (upto >= self->next)
        upto = self->next - 1;
    if (upto < self->first)
        return;
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

uint64_t history_since(const history_t *self, uint64_t since_ms)
{
    uint64_t low = self->first, high = self->next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (history_get(self, middle).placed_at_ms < since_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
