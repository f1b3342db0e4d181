/* SPDX-License-Identifier: Apache-2.0
 *
 * How many a worker lets in: sockets, WebSocket sessions, and handshakes per
 * second. What one address may take of them is address_limits.h's.
 *
 * Sockets are bounded by the descriptors that the process may have, less a
 * reserve for its own; sessions by the setting max_connections as well. There
 * is always room for some sockets more than sessions, so that who finds the
 * edge full is told so, and HTTP is answered.
 */
#ifndef EDGE_ADMISSION_H
#define EDGE_ADMISSION_H

#include "edge/connection.h"
#include "edge/edge.h"

typedef struct admission admission_t;

/* Borrows edge. `files` is the number of descriptors that the process may
 * have. */
admission_t *admission_new(edge_t *edge, uint64_t files);
/* Safe on NULL. */
void admission_destroy(admission_t **self_p);

/* A socket of that peer was accepted: its connection, counted, or NULL where
 * there are too many, of all or of that address; it is to be closed then. */
connection_t *admission_socket(admission_t *self, const address_t *peer);

typedef enum {
    ADMIT_OK = 0,
    ADMIT_NOT_READY, /* no mirror yet, or draining: 503 */
    ADMIT_STORM,     /* more handshakes per second than the setting: 503 */
} admit_t;

/* Takes one token for a WebSocket handshake; *retry_ms is for Retry-After. A
 * full edge admits: the session is then closed with 1013 at once. */
admit_t admission_handshake(admission_t *self, uint32_t *retry_ms);

/* More WebSocket sessions than the limit: the newest is to be closed. */
bool admission_is_full(const admission_t *self);

uint64_t admission_sessions_max(const admission_t *self);

#endif
