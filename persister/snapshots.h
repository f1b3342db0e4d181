/* SPDX-License-Identifier: Apache-2.0
 *
 * The board at the checkpoint, and which of the snapshots taken from it stay.
 * Pure: no store, no clock.
 */
#ifndef PERSISTER_SNAPSHOTS_H
#define PERSISTER_SNAPSHOTS_H

#include "common/board.h"
#include "common/canvas.h"
#include "common/policy.h"
#include "common/record.h"
#include "persister/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of `count` snapshots, in ascending order of taken_at_ms, stay at
 * now_ms: the first of each minute for an hour, of each hour for a day, of each
 * day for ever; and always the newest. Stable: what is dropped now would never
 * have been kept later. */
void snapshot_keep(const uint64_t *taken_at_ms, size_t count, uint64_t now_ms,
                   bool *keep);

/* The snapshot's canvas and board, checked: canvas_from_json accepts its text,
 * the pixels fit that size and have its digest, a policy follows or nothing.
 * NULL if any does not. `canvas` and `policy` may be NULL. */
board_t *snapshot_board(const store_snapshot_t *snapshot, canvas_t *canvas,
                        policy_t *policy);

/* A snapshot of `board` and `policy` (NULL: none). The caller frees it
 * (store_snapshot_free). */
store_snapshot_t snapshot_of(const board_t *board, const policy_t *policy,
                             const canvas_t *canvas, position_t at,
                             uint64_t now_ms);

/* Puts records on the board; control records touch nothing. Returns how many
 * disagree with it: lie off it (then left out), or their previous_color is not
 * what it shows; *seq, untouched if none does, is the first such. */
size_t board_replay(board_t *board, const record_t *records, size_t count,
                    uint64_t *seq);

#endif
