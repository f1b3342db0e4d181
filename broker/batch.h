/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of one commit, packed, and the placements' pixels in the
 * form that the commit script takes fastest: chunks of length-prefixed words,
 *
 *     3 SET  2 u4  n #index  n colour   … for each pixel
 *     3 GET  2 u8
 *
 * which struct.unpack turns into the arguments of one BITFIELD (at most 1,990
 * pixels a chunk: Lua's stack holds 8,000 values). The GET swallows the
 * position that struct.unpack returns last. Buffers are reused: no allocation
 * once it is made.
 */
#ifndef BROKER_BATCH_H
#define BROKER_BATCH_H

#include "common/board.h"
#include "common/chain.h"
#include "common/record.h"
#include "common/touched.h"

#include <stdbool.h>

#define BATCH_CHUNK_PIXELS 1990u

typedef struct batch batch_t;

/* One part of the pixels: BITFIELD's words. */
typedef struct {
    uint32_t words;
    const uint8_t *bytes;
    size_t size;
} batch_chunk_t;

/* Holds at most `max` records. */
batch_t *batch_new(size_t max);
void batch_destroy(batch_t **self_p);

/* Empties it; what comes follows `from`, for a board of `bits`. */
void batch_begin(batch_t *self, position_t from, unsigned bits);

/* The next placement, at pixel `index`; record->seq is batch_next(). */
void batch_add(batch_t *self, const record_t *record, uint32_t index);
/* The next control record, which has no pixel. */
void batch_add_control(batch_t *self, const record_t *record);

size_t batch_count(const batch_t *self);
bool batch_full(const batch_t *self);
uint64_t batch_next(const batch_t *self); /* seq of the next placement */
const uint8_t *batch_records(const batch_t *self); /* packed */
/* Its control records, which lie in one piece, and how many (0: none). */
const uint8_t *batch_controls(const batch_t *self, size_t *count);

/* Closes the chunks and the chain; call after the last batch_add. */
void batch_seal(batch_t *self);
/* The history before its first record; behind its last, once it is sealed. */
position_t batch_from(const batch_t *self);
position_t batch_to(const batch_t *self);
size_t batch_chunks(const batch_t *self);
batch_chunk_t batch_chunk(const batch_t *self, size_t i);

/* Takes the batch's pixels off the board, last first; puts them back on. */
void batch_undo(const batch_t *self, board_t *board);
void batch_redo(const batch_t *self, board_t *board);
/* Adds its pixels to `set`. */
void batch_touch(const batch_t *self, touched_t *set);

#endif
