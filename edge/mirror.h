/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge's copy of the board: pixels, seq, epoch, digest and the canvas's
 * settings, and a ring of what recent diffs touched (ring.h). Fed with what
 * the brokers say; tells the feeder when it must ask for a sync. No I/O.
 */
#ifndef EDGE_MIRROR_H
#define EDGE_MIRROR_H

#include "common/board.h"
#include "common/bus.h"
#include "common/canvas.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mirror mirror_t;

typedef enum {
    MIRROR_OK = 0,  /* applied, or old news: nothing to do */
    MIRROR_BEHIND,  /* something is missing: sync from seq and epoch */
    MIRROR_DAMAGED, /* own pixels are wrong: sync from 0, 0 */
    MIRROR_LOST,    /* applied, and it is another history */
    MIRROR_BAD,     /* malformed; ignored */
} mirror_result_t;

/* Empty: no board yet. Remembers at most ring_pixels touched pixels. */
mirror_t *mirror_new(size_t ring_pixels);
void mirror_destroy(mirror_t **self_p);

/* Holds a board that was level with the leader's when last compared. */
bool mirror_synced(const mirror_t *self);

/* NULL before the first board. Borrowed; the pointer itself may change with
 * any call that feeds (another size). */
const board_t *mirror_board(const mirror_t *self);
/* Settings; NULL before the first board. Borrowed. */
const canvas_t *mirror_canvas(const mirror_t *self);
uint64_t mirror_seq(const mirror_t *self);
chain_t mirror_chain(const mirror_t *self);
uint32_t mirror_epoch(const mirror_t *self);
/* Counts changes of the canvas settings, so that copies know their age. */
uint32_t mirror_canvas_version(const mirror_t *self);
/* Clients from there on can be brought to seq by a diff. */
uint64_t mirror_oldest(const mirror_t *self);
/* Counts the times that history was lost: whoever holds a seq of before must
 * drop it (RESYNC 3). */
uint32_t mirror_history(const mirror_t *self);

/* What a client's SINCE (or since=) comes to. */
typedef enum {
    SINCE_LEVEL,   /* it is at seq */
    SINCE_DIFF,    /* a net diff brings it there */
    SINCE_TOO_OLD, /* RESYNC 1 */
    SINCE_NEWER,   /* wait, then RESYNC 2 */
} since_t;

since_t mirror_since(const mirror_t *self, uint64_t since);

/* The body of the net diff for `since` that mirror_since called SINCE_DIFF (the
 * caller's, free), and the seq it really starts from in *from (≤ since). NULL
 * if it would have more than `most` pixels or be larger than the board:
 * RESYNC 1. */
uint8_t *mirror_diff(mirror_t *self, uint64_t since, uint32_t most,
                     uint64_t *from, size_t *size);
/* The `from` that mirror_diff(since) would start from: equal ones share one
 * diff. `since` must be SINCE_DIFF. */
uint64_t mirror_diff_from(const mirror_t *self, uint64_t since);

/* Feeding, for uplink.c. */
mirror_result_t mirror_on_diff(mirror_t *self, const bus_body_t *diff);
/* A range from before mirror_oldest extends what can be served. */
mirror_result_t mirror_on_range(mirror_t *self, const bus_body_t *range);
mirror_result_t mirror_on_board(mirror_t *self, const bus_board_t *board);
mirror_result_t mirror_on_beat(mirror_t *self, const bus_beat_t *beat);
mirror_result_t mirror_on_canvas(mirror_t *self, const bus_body_t *canvas);

#endif
