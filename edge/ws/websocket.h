/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection that speaks WebSocket (RFC 6455): its handshake's answer, its
 * frames, its end. Beside the session it keeps a place in a frame that the
 * kernel did not take whole.
 */
#ifndef EDGE_WS_WEBSOCKET_H
#define EDGE_WS_WEBSOCKET_H

#include "edge/connection.h"
#include "edge/edge.h"
#include "edge/stream.h"
#include "edge/ws/frame.h"

/* Says 101 for the handshake with that Sec-WebSocket-Key and opens a session.
 * Takes over the stream, whose holder is gone then, and the connection. `rest`
 * came behind the handshake. */
void websocket_open(edge_t *edge, stream_t *stream, connection_t *connection,
                    const upgrade_t *upgrade, const char *key, const char *rest,
                    size_t size);

/* For send_ring_new: what a connection's posted frame came to. */
void websocket_posted(void *websocket, frame_t *frame, ssize_t sent);

/* Whether that is a Sec-WebSocket-Key: 16 bytes in base64. */
bool websocket_is_key(const char *text);

#endif
