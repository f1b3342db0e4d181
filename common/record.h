/* SPDX-License-Identifier: Apache-2.0
 *
 * One accepted placement as the log keeps it: 40 bytes, little-endian,
 *
 *     seq u64 · placed_at_ms u64 · user u64 · request u32 · x u16 · y u16 ·
 *     color u8 · previous_color u8 · flags u16 · reserved u32 (0)
 *
 * the same in Redis, on the journal and in the store's blobs. What operators do
 * stands between the placements in records of the same size: RECORD_CONTROL,
 * common/control.h.
 */
#ifndef COMMON_RECORD_H
#define COMMON_RECORD_H

#include "common/chain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_BYTES 40

enum {
    RECORD_KEYLESS = 1 << 0,  /* request was made up by the edge: it serves a
                                 re-send after fail-over, never a client */
    RECORD_UNDO = 1 << 1,     /* a player's, of their last placement */
    RECORD_ROLLBACK = 1 << 2, /* operator actions */
    RECORD_FILL = 1 << 3,
    RECORD_CONTROL = 1 << 4, /* no placement: a part of an operator's action */
    RECORD_CONTROL_FIRST = 1
                           << 5, /* … its first; bits 8 … 15: how many follow */
};

typedef struct {
    uint64_t seq;
    uint64_t placed_at_ms; /* since 1970 */
    uint64_t user;         /* first 8 bytes of SHA-256(sub), big-endian */
    uint32_t request;
    uint16_t x, y;
    uint8_t color;
    uint8_t previous_color; /* what the pixel showed at seq − 1 */
    uint16_t flags;
} record_t;

/* Whether it is a part of an operator's action: it touches no pixel and is
 * nobody's placement. */
static inline bool record_is_control(const record_t *record)
{
    return record->flags & RECORD_CONTROL;
}

/* Whether it counts as its user's last placement: operators have no cooldown.
 */
static inline bool record_is_players(const record_t *record)
{
    return !(record->flags & (RECORD_CONTROL | RECORD_ROLLBACK));
}

/* `bytes` holds RECORD_BYTES. */
void record_encode(uint8_t *bytes, const record_t *record);
record_t record_decode(const uint8_t *bytes);

/* Decodes `size` bytes of packed records into at most `max` and returns how
 * many; -1 if size is no multiple of RECORD_BYTES, exceeds max records, or
 * their seq do not run on without a gap from `first_seq` (0: any start). */
int records_decode(const void *bytes, size_t size, uint64_t first_seq,
                   record_t *records, size_t max);

/* chain_extend for records that are not packed. */
chain_t records_chain(chain_t before, const record_t *records, size_t count);

#endif
