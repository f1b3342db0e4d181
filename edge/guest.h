/* SPDX-License-Identifier: Apache-2.0
 *
 * libwebsockets as a guest on our loop: TLS, and whatever front.h passes on.
 * Its context without a listener, and its protocol table, which hands HTTP to
 * http.c and WebSockets to session.c.
 */
#ifndef EDGE_GUEST_H
#define EDGE_GUEST_H

#include "edge/connection.h"
#include "edge/edge.h"

struct lws;
struct uv_loop_s;

typedef struct guest guest_t;

/* NULL, with a line in the log, where its TLS files are wrong. */
guest_t *guest_new(edge_t *edge, struct uv_loop_s *loop);

/* Serves that accepted socket; takes both. */
void guest_adopt(guest_t *self, int fd, connection_t *connection);

/* Whether libwebsockets 4.1 would not find each field of these heads: behind a
 * name that is the beginning of one it knows (`X: 1`), it takes the next line
 * for a part of that name. A Content-Length may so be hidden from it. */
bool guest_misreads(const char *bytes, size_t size);

/* Whose callback this is. */
edge_t *guest_edge(struct lws *wsi);
/* NULL where the socket was not adopted yet. */
connection_t *guest_connection(struct lws *wsi);

/* Closes every socket; turns of the loop then do it. The rest of the guest is
 * left to the end of the process: libwebsockets 4.1 frees the loop's handles
 * that lie in its context before libuv could close them. */
void guest_leave(guest_t *self);

#endif
