/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge's side of the bus (docs/bus.md): a DEALER and a SUB to each broker,
 * a DEALER to the persisters. Knows who leads, feeds the mirror, batches
 * placements per loop turn, sends what is unanswered again (leadership.h),
 * times out. Owns the ZeroMQ sockets; knows no event loop: server.c polls its
 * descriptors and calls uplink_turn.
 *
 * Callbacks run inside uplink_turn, never inside the call that asked.
 */
#ifndef EDGE_UPLINK_H
#define EDGE_UPLINK_H

#include "common/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct uplink uplink_t;
struct edge;

/* Called exactly once for each placement that was not cancelled: the broker's
 * verdict, or `unavailable` (no leader, 6 s without an answer, queue full). */
typedef void (*uplink_verdict_fn)(void *context, const bus_place_t *place,
                                  const bus_verdict_t *verdict);

/* NULL, logged, if an endpoint is malformed. */
uplink_t *uplink_new(struct edge *edge);
void uplink_destroy(uplink_t **self_p);

/* Hands one placement to the leader with this turn's batch. `place->ticket` is
 * ignored; returns the ticket for uplink_cancel. It always takes: if too many
 * wait, the answer is `unavailable` in the next turn. Bounds, colour and rates
 * are the caller's to check. A PUT without a key: draw place->request at random
 * and set BUS_PLACE_KEYLESS. */
uint64_t uplink_place(uplink_t *self, const bus_place_t *place,
                      uplink_verdict_fn on_verdict, void *context);

/* What of the cooldown remains for this user, by the leader's memory: the
 * verdict is `ok` with seq 0 and remaining_ms, or `unavailable`. */
uint64_t uplink_cooldown(uplink_t *self, uint64_t user,
                         uplink_verdict_fn on_verdict, void *context);

/* The callback will not be called (the placement may still happen). Unknown
 * and finished tickets are ignored. */
void uplink_cancel(uplink_t *self, uint64_t ticket);

/* Hands a message to the leader, at once. 0; -1 if there is none, or it takes
 * nothing now. */
int uplink_tell(uplink_t *self, const void *bytes, size_t size);

/* Where the store is asked. Borrowed. */
struct lookup *uplink_lookup(const uplink_t *self);

/* Why the edge's board may not be the leader's: a sentence for people (static
 * text). NULL if it is in step, or was when last compared, a moment ago. */
const char *uplink_fault(const uplink_t *self);

/* A broker that leads was heard within lease_ms + 2 s. */
bool uplink_has_leader(const uplink_t *self);
/* Viewers on the whole cluster, by the leader's beat. */
uint32_t uplink_online(const uplink_t *self);

/* Descriptors to poll for readability; edge-triggered by nature, see
 * docs/architecture.md. Returns how many (at most `max`). */
size_t uplink_fds(const uplink_t *self, int *fds, size_t max);

/* Sends what waits, receives within a budget. True if more waits: call
 * again soon without sleeping. Call after each wake and before each sleep. */
bool uplink_turn(uplink_t *self);

/* Timeouts, retries, the report of that many viewers: call at least every
 * 50 ms. */
void uplink_tick(uplink_t *self, uint32_t viewers);

#endif
