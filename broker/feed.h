/* SPDX-License-Identifier: Apache-2.0
 *
 * The feed: what every edge hears from the leader. Collects the pixels that
 * commits touched, and sends one net diff for all of them when asked. The
 * board it is shown must be the one at the committed seq.
 */
#ifndef BROKER_FEED_H
#define BROKER_FEED_H

#include "broker/batch.h"
#include "broker/tally.h"
#include "common/bus.h"
#include "common/canvas.h"

#include <czmq.h>

typedef struct feed feed_t;

/* Borrows the bound PUB socket. */
feed_t *feed_new(zsock_t *socket);
void feed_destroy(feed_t **self_p);

/* A lead begins: the next diff starts from `seq` on a board of `pixels`. */
void feed_begin(feed_t *self, uint64_t seq, uint32_t pixels);

/* A batch was committed. */
void feed_add(feed_t *self, const batch_t *batch);

/* The net diff since the one before, if the seq has advanced. */
void feed_publish(feed_t *self, uint32_t epoch, position_t at,
                  const board_t *board);
void feed_beat(feed_t *self, const bus_beat_t *beat);
void feed_canvas(feed_t *self, const canvas_t *canvas);
/* What an operator did: control records, packed. At once. */
void feed_policy(feed_t *self, uint32_t epoch, const uint8_t *records,
                 size_t count);

/* What edges took of a shared budget; nothing is sent if there is none. */
void feed_taken(feed_t *self, uint32_t epoch, const tally_t *taken);

#endif
