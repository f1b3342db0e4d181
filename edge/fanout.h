/* SPDX-License-Identifier: Apache-2.0
 *
 * The sessions, and bringing them to the mirror's seq: a round each tick,
 * walked in slices, always in the same order: everyone's turn comes once a
 * tick, at even distances. One net diff is encoded for all of a slice who are
 * where it was brought last; laggards and newcomers with an equal start share
 * theirs while seq stands still.
 */
#ifndef EDGE_FANOUT_H
#define EDGE_FANOUT_H

#include "edge/edge.h"
#include "edge/session.h"

typedef struct fanout fanout_t;

fanout_t *fanout_new(edge_t *edge);
void fanout_destroy(fanout_t **self_p);

void fanout_add(fanout_t *self, session_t *session);
void fanout_remove(fanout_t *self, session_t *session);
uint32_t fanout_count(const fanout_t *self);

/* Starts a round if one is due. Returns the ms until the next look; 0 while a
 * round is running: call fanout_slice from the next turns. */
uint64_t fanout_poll(fanout_t *self);
/* Part of a round. True while it goes on. */
bool fanout_slice(fanout_t *self);

/* Someone needs a visit with the next tick even if nothing changes. */
void fanout_attend(fanout_t *self);

/* The frame of the net diff since → mirror's seq, borrowed until the mirror
 * moves; *to is its end. NULL where it is larger than the board. `since` must
 * be SINCE_DIFF. */
const frame_t *fanout_diff(fanout_t *self, bool json, uint64_t since,
                           uint64_t *to);
/* The NOTICE of the present settings, borrowed. */
const frame_t *fanout_notice(fanout_t *self, bool json);

/* To be flushed at the turn's end, so that a turn's replies are one write. */
void fanout_dirty(fanout_t *self, session_t *session);
void fanout_flush(fanout_t *self);

/* Closes up to `count` sessions with 1012. */
void fanout_drain(fanout_t *self, unsigned count);

#endif
