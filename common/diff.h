/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a DIFF (docs/protocol.md), the same bytes on the brokers' feed
 * and on every client's socket:
 *
 *     u64 from · u64 to · varint count · count × varint (gap << bits) | color
 *
 * ascending by pixel index; gap = index − index before − 1, the first counted
 * from −1. Pure: no allocation, no I/O.
 */
#ifndef COMMON_DIFF_H
#define COMMON_DIFF_H

#include "common/board.h"
#include "common/touched.h"

#include <stdbool.h>

/* from, to, count */
#define DIFF_HEAD_MAX_BYTES (8 + 8 + 10)
/* A gap below 2^26 and 8 bits of colour fit five groups of 7 bits. */
#define DIFF_PIXEL_MAX_BYTES 5

/* Bytes that diff_encode needs at most for `count` pixels. */
size_t diff_bound(uint32_t count);

/* Writes the net diff: every index in `set` with its colour on `board`, the
 * state at `to`. Returns the bytes written; 0 if `size` is too small. */
size_t diff_encode(uint8_t *bytes, size_t size, uint64_t from, uint64_t to,
                   const touched_t *set, const board_t *board);

/* A decoder's place in a body. Plain value; `body` stays borrowed. */
typedef struct {
    uint64_t from, to;
    uint32_t count;  /* pixels in all */
    uint32_t left;   /* pixels not yet read */
    uint32_t pixels; /* of the board: every index is below */
    unsigned bits;
    int64_t index; /* of the pixel read last; −1 before the first */
    const uint8_t *at, *end;
} diff_t;

/* Reads the head of a body for a board of `pixels` × `bits`. -1 if it is
 * malformed: from > to, more pixels than the board has, truncated. */
int diff_open(diff_t *self, const void *body, size_t size, uint32_t pixels,
              unsigned bits);

/* The next pixel: 1 and its values; 0 at the clean end; -1 if malformed
 * (index past the board, bytes missing or left over). */
int diff_next(diff_t *self, uint32_t *index, uint8_t *color);

/* True if every pixel can be read; does not move `self`. */
bool diff_valid(const diff_t *self);

#endif
