/* SPDX-License-Identifier: Apache-2.0
 *
 * One broker as the edge sees it: a DEALER for placements and syncs, a SUB for
 * its feed, and what its beats said last. Also the way to receive from a
 * ZeroMQ socket within a budget.
 */
#ifndef EDGE_LINK_H
#define EDGE_LINK_H

#include "common/bus.h"
#include "common/bus_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    zsock_t *ingress;
    zsock_t *feed;
    uint32_t epoch;    /* of its last beat; 0 before the first */
    uint64_t heard_ms; /* when that came */
    uint32_t lease_ms;
    uint32_t online;
} link_t;

/* -1, with a line in the log, where the endpoint is malformed. */
int link_open(link_t *self, const char *base, const bus_security_t *security);
void link_close(link_t *self);

/* A leader is believed for its lease and 2 s. */
bool link_alive(const link_t *self, uint64_t now_ms);

/* Without blocking. 0, or -1 where the socket takes nothing now (no peer, or
 * its high-water mark). */
int link_send(zsock_t *socket, const void *bytes, size_t size);

/* Called with one message, borrowed for the call. */
typedef void (*link_message_fn)(void *context, link_t *link,
                                const uint8_t *bytes, size_t size);

/* Receives up to `budget` messages. True where the budget ran out, so that
 * more may wait and no wake-up is due: ZMQ_FD is edge-triggered. */
bool link_drain(link_t *self, zsock_t *socket, unsigned budget,
                link_message_fn on_message, void *context);

#endif
