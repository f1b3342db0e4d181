/* SPDX-License-Identifier: Apache-2.0
 *
 * See batch.h.
 */
#include "broker/batch.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* "SET", "uN", '#' and 8 digits, 3 digits, each behind its length. */
#define PIXEL_BYTES_MAX (4 + 3 + 10 + 4)
#define TAIL "\3GET\2u8"
#define TAIL_BYTES (sizeof TAIL - 1)

struct batch {
    uint64_t from;
    size_t count, max;
    unsigned bits;
    uint8_t *records;
    uint32_t *indices; /* of each record's pixel */
    uint8_t *text;     /* the chunks, one behind the other */
    size_t text_size;
    size_t *starts; /* of each chunk in text; one more than chunks */
    bool sealed;
};

batch_t *batch_new(size_t max)
{
    batch_t *self = mem_zalloc(1, sizeof *self);
    size_t chunks = max / BATCH_CHUNK_PIXELS + 1;
    self->max = max;
    self->records = mem_zalloc(max, RECORD_BYTES);
    self->indices = mem_zalloc(max, sizeof *self->indices);
    self->text = mem_alloc(max * PIXEL_BYTES_MAX + chunks * TAIL_BYTES);
    self->starts = mem_zalloc(chunks + 1, sizeof *self->starts);
    return self;
}

void batch_destroy(batch_t **self_p)
{
    batch_t *self = *self_p;
    if (!self)
        return;
    free(self->records);
    free(self->indices);
    free(self->text);
    free(self->starts);
    free(self);
    *self_p = NULL;
}

void batch_begin(batch_t *self, uint64_t seq, unsigned bits)
{
    self->from = seq;
    self->bits = bits;
    self->count = self->text_size = 0;
    self->sealed = false;
}

static uint8_t *s_put_number(uint8_t *at, uint32_t value)
{
    char digits[10];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        *at++ = (uint8_t)digits[--count];
    return at;
}

/* A word of the form [prefix] number behind its length. */
static uint8_t *s_put_word(uint8_t *at, const char *prefix, uint32_t value)
{
    uint8_t *length = at++;
    while (*prefix)
        *at++ = (uint8_t)*prefix++;
    at = s_put_number(at, value);
    *length = (uint8_t)(at - length - 1);
    return at;
}

static void s_end_chunk(batch_t *self)
{
    memcpy(self->text + self->text_size, TAIL, TAIL_BYTES);
    self->text_size += TAIL_BYTES;
}

void batch_add(batch_t *self, const record_t *record, uint32_t index)
{
    assert(!batch_full(self) && record->seq == batch_to(self) + 1);
    if (self->count % BATCH_CHUNK_PIXELS == 0) {
        if (self->count)
            s_end_chunk(self);
        self->starts[self->count / BATCH_CHUNK_PIXELS] = self->text_size;
    }
    record_encode(self->records + self->count * RECORD_BYTES, record);
    self->indices[self->count++] = index;
    uint8_t *at = self->text + self->text_size;
    memcpy(at, self->bits == 4 ? "\3SET\2u4" : "\3SET\2u8", 7);
    at = s_put_word(at + 7, "#", index);
    at = s_put_word(at, "", record->color);
    self->text_size = (size_t)(at - self->text);
}

size_t batch_count(const batch_t *self)
{
    return self->count;
}

bool batch_full(const batch_t *self)
{
    return self->count == self->max;
}

uint64_t batch_from(const batch_t *self)
{
    return self->from;
}

uint64_t batch_to(const batch_t *self)
{
    return self->from + self->count;
}

const uint8_t *batch_records(const batch_t *self)
{
    return self->records;
}

void batch_seal(batch_t *self)
{
    assert(self->count && !self->sealed);
    s_end_chunk(self);
    self->starts[batch_chunks(self)] = self->text_size;
    self->sealed = true;
}

size_t batch_chunks(const batch_t *self)
{
    return (self->count + BATCH_CHUNK_PIXELS - 1) / BATCH_CHUNK_PIXELS;
}

batch_chunk_t batch_chunk(const batch_t *self, size_t i)
{
    assert(self->sealed && i < batch_chunks(self));
    size_t before = i * BATCH_CHUNK_PIXELS;
    size_t pixels = self->count - before < BATCH_CHUNK_PIXELS
                        ? self->count - before
                        : BATCH_CHUNK_PIXELS;
    return (batch_chunk_t){.words = (uint32_t)(pixels * 4 + 2),
                           .bytes = self->text + self->starts[i],
                           .size = self->starts[i + 1] - self->starts[i]};
}

void batch_undo(const batch_t *self, board_t *board)
{
    for (size_t i = self->count; i--;) {
        record_t record = record_decode(self->records + i * RECORD_BYTES);
        board_set(board, self->indices[i], record.previous_color);
    }
}

void batch_redo(const batch_t *self, board_t *board)
{
    for (size_t i = 0; i < self->count; i++) {
        record_t record = record_decode(self->records + i * RECORD_BYTES);
        board_set(board, self->indices[i], record.color);
    }
}

void batch_touch(const batch_t *self, touched_t *set)
{
    for (size_t i = 0; i < self->count; i++)
        touched_add(set, self->indices[i]);
}
