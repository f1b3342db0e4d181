/* SPDX-License-Identifier: Apache-2.0
 *
 * The canvas itself: width × height pixels of 4 or 8 bits, packed row by row,
 * high bits first (as Redis `BITFIELD … SET u4 #i` lays them out), with its
 * digest kept up in O(1) a pixel. The digest of docs/protocol.md: XOR over all
 * pixels of colour ≠ 0 of fmix32(index × 256 + colour); a blank board has 0.
 */
#ifndef COMMON_BOARD_H
#define COMMON_BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Coordinates are u16 on the wire; memory bounds the area (64 Mi pixels). */
#define BOARD_SIDE_MAX 65535u
#define BOARD_PIXELS_MAX (64u << 20)

typedef struct board board_t;

/* MurmurHash3's 32-bit finaliser (Austin Appleby, public domain). */
static inline uint32_t fmix32(uint32_t h)
{
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    return h ^ h >> 16;
}

/* Returns a blank board, or NULL if a side or bits (4 or 8) is out of range. */
board_t *board_new(uint32_t width, uint32_t height, unsigned bits);
void board_destroy(board_t **self_p);

uint32_t board_width(const board_t *self);
uint32_t board_height(const board_t *self);
unsigned board_bits(const board_t *self);
uint32_t board_pixels(const board_t *self); /* width × height */
uint32_t board_digest(const board_t *self);

/* Packed pixels, borrowed until the board is destroyed; the last half byte of
 * an odd number of 4-bit pixels is 0. */
const uint8_t *board_bytes(const board_t *self);
size_t board_size_bytes(const board_t *self);

/* index < board_pixels(). */
uint8_t board_get(const board_t *self, uint32_t index);

/* Sets one pixel and returns its colour before. color < 2^bits. */
uint8_t board_set(board_t *self, uint32_t index, uint8_t color);

/* Brings the pixel's cache line near; any index. */
void board_prefetch(const board_t *self, uint32_t index);

/* Replaces all pixels by `size` packed bytes and computes the digest anew.
 * -1, board unchanged, if size does not fit the board. */
int board_load(board_t *self, const void *bytes, size_t size);

/* Every pixel 0. */
void board_clear(board_t *self);

#endif
