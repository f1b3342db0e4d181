/* SPDX-License-Identifier: Apache-2.0
 *
 * See diff.h.
 */
#include "common/diff.h"

#include "common/cursor.h"

size_t diff_bound(uint32_t count)
{
    return DIFF_HEAD_MAX_BYTES + (size_t)count * DIFF_PIXEL_MAX_BYTES;
}

size_t diff_encode(uint8_t *bytes, size_t size, uint64_t from, uint64_t to,
                   const touched_t *set, const board_t *board)
{
    writer_t w = writer_of(bytes, size);
    unsigned bits = board_bits(board);
    write_u64(&w, from);
    write_u64(&w, to);
    write_varint(&w, touched_count(set));
    uint32_t expected = 0; /* the index that a gap of 0 means */
    for (uint32_t i = 0; touched_next(set, &i); i++) {
        uint64_t gap = i - expected;
        write_varint(&w, gap << bits | board_get(board, i));
        expected = i + 1;
    }
    return w.full ? 0 : (size_t)(w.at - bytes);
}

int diff_open(diff_t *self, const void *body, size_t size, uint32_t pixels,
              unsigned bits)
{
    reader_t r = reader_of(body, size);
    uint64_t from = read_u64(&r);
    uint64_t to = read_u64(&r);
    uint64_t count = read_varint(&r);
    if (r.bad || from > to || count > pixels)
        return -1;
    *self = (diff_t){.from = from,
                     .to = to,
                     .count = (uint32_t)count,
                     .left = (uint32_t)count,
                     .pixels = pixels,
                     .bits = bits,
                     .index = -1,
                     .at = r.at,
                     .end = r.end};
    return 0;
}

int diff_next(diff_t *self, uint32_t *index, uint8_t *color)
{
    if (!self->left)
        return self->at == self->end ? 0 : -1;
    reader_t r = {.at = self->at, .end = self->end};
    uint64_t value = read_varint(&r);
    uint64_t gap = value >> self->bits;
    if (r.bad || gap >= self->pixels ||
        (uint64_t)(self->index + 1) + gap >= self->pixels)
        return -1;
    self->index += 1 + (int64_t)gap;
    self->at = r.at;
    self->left--;
    *index = (uint32_t)self->index;
    *color = (uint8_t)(value & ((1u << self->bits) - 1));
    return 1;
}

bool diff_valid(const diff_t *self)
{
    diff_t walk = *self;
    uint32_t index;
    uint8_t color;
    int result;
    while ((result = diff_next(&walk, &index, &color)) == 1)
        ;
    return result == 0;
}
