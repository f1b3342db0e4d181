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
#define NO_PIXEL UINT32_MAX

struct batch {
    position_t from, to;
    size_t count, max;
    size_t pixels;               /* of `count` */
    size_t controls, control_at; /* how many of `count`, and where they begin */
    unsigned bits;
    uint8_t *records;
    uint32_t *indices; /* of each record's pixel, or NO_PIXEL */
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

void batch_begin(batch_t *self, position_t from, unsigned bits)
{
    self->from = from;
    self->bits = bits;
    self->count = self->text_size = 0;
    self->pixels = self->controls = 0;
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

static void s_add_record(batch_t *self, const record_t *record, uint32_t index)
{
    record_encode(self->records + self->count * RECORD_BYTES, record);
    self->indices[self->count++] = index;
}

void batch_add_control(batch_t *self, const record_t *record)
{
    assert(!batch_full(self) && record->seq == batch_next(self));
    assert(!self->controls || self->control_at + self->controls == self->count);
    if (!self->controls++)
        self->control_at = self->count;
    s_add_record(self, record, NO_PIXEL);
}

void batch_add(batch_t *self, const record_t *record, uint32_t index)
{
    assert(!batch_full(self) && record->seq == batch_next(self));
    if (self->pixels % BATCH_CHUNK_PIXELS == 0) {
        if (self->pixels)
            s_end_chunk(self);
        self->starts[self->pixels / BATCH_CHUNK_PIXELS] = self->text_size;
    }
    self->pixels++;
    s_add_record(self, record, index);
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

uint64_t batch_next(const batch_t *self)
{
    return self->from.seq + self->count + 1;
}

position_t batch_from(const batch_t *self)
{
    return self->from;
}

position_t batch_to(const batch_t *self)
{
    assert(self->sealed);
    return self->to;
}

const uint8_t *batch_records(const batch_t *self)
{
    return self->records;
}

const uint8_t *batch_controls(const batch_t *self, size_t *count)
{
    *count = self->controls;
    return self->records +
           (self->controls ? self->control_at : 0) * RECORD_BYTES;
}

void batch_seal(batch_t *self)
{
    assert(self->count && !self->sealed);
    if (self->pixels)
        s_end_chunk(self);
    self->starts[batch_chunks(self)] = self->text_size;
    self->to = (position_t){
        self->from.seq + self->count,
        chain_extend(self->from.chain, self->records, self->count)};
    self->sealed = true;
}

size_t batch_chunks(const batch_t *self)
{
    return (self->pixels + BATCH_CHUNK_PIXELS - 1) / BATCH_CHUNK_PIXELS;
}

batch_chunk_t batch_chunk(const batch_t *self, size_t i)
{
    assert(self->sealed && i < batch_chunks(self));
    size_t before = i * BATCH_CHUNK_PIXELS;
    size_t pixels = self->pixels - before < BATCH_CHUNK_PIXELS
                        ? self->pixels - before
                        : BATCH_CHUNK_PIXELS;
    return (batch_chunk_t){.words = (uint32_t)(pixels * 4 + 2),
                           .bytes = self->text + self->starts[i],
                           .size = self->starts[i + 1] - self->starts[i]};
}

void batch_undo(const batch_t *self, board_t *board)
{
    for (size_t i = self->count; i--;) {
        record_t record = record_decode(self->records + i * RECORD_BYTES);
        if (self->indices[i] != NO_PIXEL)
            board_set(board, self->indices[i], record.previous_color);
    }
}

void batch_redo(const batch_t *self, board_t *board)
{
    for (size_t i = 0; i < self->count; i++) {
        record_t record = record_decode(self->records + i * RECORD_BYTES);
        if (self->indices[i] != NO_PIXEL)
            board_set(board, self->indices[i], record.color);
    }
}

void batch_touch(const batch_t *self, touched_t *set)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->indices[i] != NO_PIXEL)
            touched_add(set, self->indices[i]);
}
