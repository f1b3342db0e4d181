/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's loop: libuv, with the public sockets (poller.h) and ZeroMQ's
 * descriptors; the listener; the drain.
 */
#ifndef EDGE_SERVER_H
#define EDGE_SERVER_H

#include "edge/connection.h"
#include "edge/edge.h"

typedef struct server server_t;

/* Listens. NULL, with a line in the log, where it cannot. */
server_t *server_new(edge_t *edge);
void server_destroy(server_t **self_p);

/* The worker's libuv loop, for jobs on its thread pool (board_renderings.c). */
struct uv_loop_s *server_loop(server_t *self);

/* Runs until SIGTERM or SIGINT and the drain that follows. */
void server_run(server_t *self);

#endif
