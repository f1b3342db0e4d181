/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of one accepted socket, from accept until it is closed,
 * whoever holds it.
 */
#ifndef EDGE_CONNECTION_H
#define EDGE_CONNECTION_H

#include "common/token.h"
#include "edge/address_limits.h"

#include <stdbool.h>
#include <stdint.h>

/* For the first request to come. */
#define CONNECTION_FIRST_S 10
/* Between requests: longer than any load balancer before us keeps a connection
 * that it may use again (an ALB of ours 120 s), or it would meet our close. */
#define CONNECTION_IDLE_S 150

/* The outcome of a handshake's checks. */
typedef struct {
    uint64_t since;
    address_t address;   /* of the client, for what it may cost */
    identity_t identity; /* where player */
    bool json;           /* the subprotocol */
    bool player;         /* came with a good token */
} upgrade_t;

typedef struct {
    address_t address;    /* of the peer, or what a trusted proxy says of it */
    uint64_t place_at_us; /* bucket of place_rate for PUT, see bucket.h */
} connection_t;

struct edge;

/* Counts it. NULL where that address has too many. */
connection_t *connection_new(struct edge *edge, const address_t *address);
/* Safe on NULL. */
void connection_destroy(connection_t **self_p, struct edge *edge);

/* For who needs no more of it than its count: frees it, and leaves that, … */
void connection_leave_count(connection_t **self_p);
/* … until the connection of that address ends. */
void connection_uncount(struct edge *edge, const address_t *address);

#endif
