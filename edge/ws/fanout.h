/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings the sessions to the mirror's seq: a round each tick, walked in slices,
 * always in the same order: everyone's turn comes once a tick, at even
 * distances. One net diff is encoded for all of a slice who are where it was
 * brought last; laggards and newcomers share theirs (ws/frames.h).
 */
#ifndef EDGE_WS_FANOUT_H
#define EDGE_WS_FANOUT_H

#include "edge/edge.h"
#include "edge/ws/session.h"

typedef struct fanout fanout_t;

fanout_t *fanout_new(edge_t *edge);
void fanout_destroy(fanout_t **self_p);

/* Visits the paced that are due, and starts a round if one is. Returns the ms
 * until the next look; 0 while a round is running or more are due: call
 * fanout_slice from the next turns. */
uint64_t fanout_poll(fanout_t *self);
/* Part of a round. True while it goes on. */
bool fanout_slice(fanout_t *self);

/* Flushes those that are dirty, once at a turn's end. */
void fanout_flush(fanout_t *self);

/* Closes up to `count` sessions with 1012. */
void fanout_drain(fanout_t *self, unsigned count);

#endif
