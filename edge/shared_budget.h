/* SPDX-License-Identifier: Apache-2.0
 *
 * Anonymous identities that one address may take of the whole cluster
 * (sessions_per_address_cluster), beside what one worker gives it
 * (address_limits.h).
 *
 * Each worker has a bucket per address and decides alone, at once. Each second
 * it tells the leader who took a noticeable share, the leader tells all workers
 * the sums, and each takes what the others gave out of its own bucket, which
 * may go into debt. So in the long run an address gets what the setting says;
 * within the two seconds until the workers have heard of each other each may
 * give what its own bucket holds, which is then paid back, for at most
 * SHARED_DEBT_MS. Without a leader each worker goes by what it knows itself.
 *
 * At most SHARED_ADDRESSES_MAX addresses are remembered; beyond that a new one
 * is not counted here, and the setting of one worker still holds.
 */
#ifndef EDGE_SHARED_BUDGET_H
#define EDGE_SHARED_BUDGET_H

#include "edge/address_limits.h"

struct edge;

#define SHARED_ADDRESSES_MAX 65536
#define SHARED_DEBT_MS 1800000

typedef struct shared_budget shared_budget_t;

/* Sends to the leader: 0, or -1 if there is none now. */
typedef int (*shared_tell_fn)(void *context, const void *bytes, size_t size);

/* Borrows edge, whose config is there. */
shared_budget_t *shared_budget_new(struct edge *edge, shared_tell_fn tell,
                                   void *context);
/* Safe on NULL. */
void shared_budget_destroy(shared_budget_t **self_p);

/* Takes one identity of that address: 0, or the ms to wait. */
uint32_t shared_budget_take(shared_budget_t *self, const address_t *address,
                            uint64_t now_ms);

/* Tells the leader, each second. */
void shared_budget_tick(shared_budget_t *self, uint64_t now_ms);

/* Rows of bus_taken.h: what all workers told, this one as well. Malformed ones
 * are counted and dropped. */
void shared_budget_hear(shared_budget_t *self, const void *rows, size_t size,
                        uint64_t now_ms);

#endif
