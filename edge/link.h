/* SPDX-License-Identifier: Apache-2.0
 *
 * One broker as the edge sees it: a DEALER for placements and syncs, a SUB for
 * its feed. Also the way to receive from a ZeroMQ socket within a budget.
 */
#ifndef EDGE_LINK_H
#define EDGE_LINK_H

#include "common/bus.h"
#include "common/bus_socket.h"
#include "edge/leadership.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    zsock_t *ingress;
    zsock_t *feed;
} link_t;

typedef struct {
    link_t table[LEADERSHIP_BROKERS_MAX];
    size_t count;
} links_t;

/* A link to each of the base endpoints in `list`. -1, logged, if one is
 * malformed, or if there are none or too many. */
int links_open(links_t *self, const char *list, const bus_security_t *security);
/* Also after a failure. */
void links_close(links_t *self);

/* Says to a broker that is not followed how far this edge is. If it leads in an
 * epoch below that it is deposed, or Redis has forgotten that epoch: it has to
 * look, and begin a higher one; until then nobody here listens to it. If it is
 * to lead, it has to know before it begins. An epoch of 0 says nothing. */
void link_tell(const link_t *self, bus_sync_t position);
/* Each second: the viewers here to every broker, and `position` to all but the
 * leader's link (NULL: nobody leads). */
void links_report(const links_t *self, uint32_t viewers, const link_t *leader,
                  bus_sync_t position);

/* Their descriptors, at most `max`; returns how many. */
size_t links_fds(const links_t *self, int *fds, size_t max);

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
