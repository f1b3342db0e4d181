/* SPDX-License-Identifier: Apache-2.0
 *
 * See board.h. Pixels stay packed: a 1000 × 1000 board of 4 bits is 500 KB, so
 * it lives in the second-level cache, and serving it costs no conversion.
 */
#include "common/board.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct board {
    uint32_t width, height;
    uint32_t pixels; /* width × height */
    uint32_t digest; /* of `bytes` as they stand */
    unsigned bits;   /* 4 or 8 */
    size_t size;     /* of `bytes` */
    uint8_t bytes[];
};

board_t *board_new(uint32_t width, uint32_t height, unsigned bits)
{
    if (!width || !height || width > BOARD_SIDE_MAX || height > BOARD_SIDE_MAX)
        return NULL;
    if ((uint64_t)width * height > BOARD_PIXELS_MAX)
        return NULL;
    if (bits != 4 && bits != 8)
        return NULL;
    uint32_t pixels = width * height;
    size_t size = ((size_t)pixels * bits + 7) / 8;
    board_t *self = mem_zalloc(1, sizeof *self + size);
    self->width = width;
    self->height = height;
    self->pixels = pixels;
    self->bits = bits;
    self->size = size;
    return self;
}

void board_destroy(board_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

uint32_t board_width(const board_t *self)
{
    return self->width;
}

uint32_t board_height(const board_t *self)
{
    return self->height;
}

unsigned board_bits(const board_t *self)
{
    return self->bits;
}

uint32_t board_pixels(const board_t *self)
{
    return self->pixels;
}

uint32_t board_digest(const board_t *self)
{
    return self->digest;
}

const uint8_t *board_bytes(const board_t *self)
{
    return self->bytes;
}

size_t board_size_bytes(const board_t *self)
{
    return self->size;
}

/* What one pixel adds to the digest. */
static uint32_t s_share(uint32_t index, uint8_t color)
{
    return color ? fmix32(index * 256u + color) : 0;
}

/* How far left the pixel's half of its byte stands: even indices high. */
static unsigned s_shift(uint32_t index)
{
    return index & 1 ? 0 : 4;
}

uint8_t board_get(const board_t *self, uint32_t index)
{
    assert(index < self->pixels);
    if (self->bits == 8)
        return self->bytes[index];
    return (uint8_t)(self->bytes[index / 2] >> s_shift(index) & 15);
}

uint8_t board_set(board_t *self, uint32_t index, uint8_t color)
{
    assert(index < self->pixels && color >> self->bits == 0);
    uint8_t before = board_get(self, index);
    if (self->bits == 8) {
        self->bytes[index] = color;
    } else {
        uint8_t *byte = &self->bytes[index / 2];
        unsigned shift = s_shift(index);
        *byte = (uint8_t)((*byte & ~(15u << shift)) | (unsigned)color << shift);
    }
    self->digest ^= s_share(index, before) ^ s_share(index, color);
    return before;
}

void board_prefetch(const board_t *self, uint32_t index)
{
    if (index < self->pixels)
        __builtin_prefetch(&self->bytes[self->bits == 8 ? index : index / 2]);
}

int board_load(board_t *self, const void *bytes, size_t size)
{
    if (size != self->size)
        return -1;
    memcpy(self->bytes, bytes, size);
    if (self->bits == 4 && self->pixels & 1)
        self->bytes[size - 1] &= 0xf0;
    uint32_t digest = 0;
    for (uint32_t i = 0; i < self->pixels; i++)
        digest ^= s_share(i, board_get(self, i));
    self->digest = digest;
    return 0;
}

void board_clear(board_t *self)
{
    memset(self->bytes, 0, self->size);
    self->digest = 0;
}
