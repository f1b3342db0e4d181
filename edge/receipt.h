/* SPDX-License-Identifier: Apache-2.0
 *
 * The newest acceptance that this edge has passed on to a client. Whoever leads
 * next has to hold it. If Redis has lost it, and the old leader died before its
 * feed brought it here, then nobody else can say that it is lost: so a new
 * leader is told of it, for some seconds, and compares. Pure.
 */
#ifndef EDGE_RECEIPT_H
#define EDGE_RECEIPT_H

#include "common/bus.h"

#include <stdbool.h>
#include <stdint.h>

#define RECEIPT_TELL_MS 10000u

/* Zeros: nothing was accepted. */
typedef struct {
    bus_acked_t newest;
    bus_acked_t told; /* what the leader is told … */
    uint64_t told_until_ms;
} receipt_t;

/* A client is told that verdict on its placement; others than acceptances are
 * passed over. `epoch` is the one that is followed, `of_leader`: by the broker
 * that it came from. */
void receipt_take(receipt_t *self, uint32_t epoch, const bus_place_t *place,
                  const bus_verdict_t *verdict, bool of_leader,
                  uint64_t now_ms);

/* Another leads now. */
void receipt_new_leader(receipt_t *self, uint64_t now_ms);

/* What the leader has to be told now; NULL: nothing. */
const bus_acked_t *receipt_due(const receipt_t *self, uint64_t now_ms);

/* The highest seq that a client was told of here. */
static inline uint64_t receipt_seq(const receipt_t *self)
{
    return self->newest.seq;
}

#endif
