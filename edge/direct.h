/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket without TLS that the edge holds itself: its handshake's answer,
 * its frames, its end. Beside the session it keeps a descriptor and what the
 * kernel did not take of a frame.
 */
#ifndef EDGE_DIRECT_H
#define EDGE_DIRECT_H

#include "edge/connection.h"
#include "edge/edge.h"
#include "edge/poller.h"

/* Says 101 for the handshake with that Sec-WebSocket-Key and opens a session.
 * Takes over the item's socket, which is gone then, and the connection. */
void direct_open(edge_t *edge, poller_t *poller, poller_item_t *item,
                 connection_t *connection, const upgrade_t *upgrade,
                 const char *key);

#endif
