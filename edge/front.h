/* SPDX-License-Identifier: Apache-2.0
 *
 * The door: every socket that is accepted without TLS. Requests of the common
 * kind (request_head.h) are answered here, and WebSockets held (direct.h); a
 * connection that asks for anything else goes to libwebsockets (guest.h) with
 * nothing read, for good.
 */
#ifndef EDGE_FRONT_H
#define EDGE_FRONT_H

#include "edge/connection.h"
#include "edge/edge.h"

struct guest;
struct uv_loop_s;

typedef struct front front_t;

/* NULL, with a line in the log, where the kernel gives no epoll set. */
front_t *front_new(edge_t *edge, struct guest *guest, struct uv_loop_s *loop);
/* Closes everything; a turn of the loop is needed before front_destroy. */
void front_close(front_t *self);
/* Safe on NULL. */
void front_destroy(front_t **self_p);

/* Serves that accepted socket; takes both. */
void front_admit(front_t *self, int fd, connection_t *connection);

/* Once a turn, and once in a while. */
void front_reap(front_t *self);
void front_expire(front_t *self);

#endif
