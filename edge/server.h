/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's loop: libuv, with the public sockets (front.h, guest.h) and
 * ZeroMQ's descriptors; the listener; the drain.
 */
#ifndef EDGE_SERVER_H
#define EDGE_SERVER_H

#include "edge/connection.h"
#include "edge/edge.h"

typedef struct server server_t;

/* Listens. NULL, with a line in the log, where it cannot. */
server_t *server_new(edge_t *edge);
void server_destroy(server_t **self_p);

/* The worker's libuv loop, for jobs on its thread pool (board_cache.c). */
struct uv_loop_s *server_loop(server_t *self);

/* Runs until SIGTERM or SIGINT and the drain that follows. */
void server_run(server_t *self);

/* More WebSocket sessions than the limit: the newest is to be closed. */
bool server_is_full(const server_t *self);

typedef enum {
    ADMIT_OK = 0,
    ADMIT_NOT_READY, /* no mirror yet, or draining: 503 */
    ADMIT_STORM,     /* more handshakes a second than the setting: 503 */
} admit_t;

/* Takes one token for a WebSocket handshake; *retry_ms is for Retry-After. A
 * full edge admits: the session is then closed with 1013 at once. */
admit_t server_admit(server_t *self, uint32_t *retry_ms);

#endif
