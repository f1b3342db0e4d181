/* SPDX-License-Identifier: Apache-2.0
 *
 * What bus.c (connections) and sock.c (sockets) know of each other.
 */
#ifndef TESTS_SIM_BUS_PARTS_H
#define TESTS_SIM_BUS_PARTS_H

#include "tests/sim/bus.h"

void queue_put(queue_t *self, message_t *message);
message_t *queue_take(queue_t *self);
void queue_clear(queue_t *self);

conn_t *conn_find(uint64_t number);
conn_t *conn_first(void);
void conn_send(conn_t *self, int side, message_t *message);
void conn_pump(conn_t *self, int side);
bool conn_has_room(const conn_t *self, int side, const sock_t *from);
/* That end sees the connection end; the other one is told, if the path is
 * good. */
void conn_end_down(conn_t *self, int side, const char *why);
void conn_abandon(conn_t *self, int side, bool crashed);
void conns_reset(void);

void link_begin(link_t *link);
void link_retry(link_t *link);

/* A message came for the socket. */
void sock_take_in(sock_t *self, message_t *message);
void sock_forget_conn(sock_t *self, const conn_t *conn);
void sock_drop_unread(sock_t *self, const conn_t *conn);
sock_t *sock_bound(const process_t *process, unsigned port);
bool sock_keys_fit(const sock_t *connected, const sock_t *bound);
/* The link, if it still is and makes that attempt. */
link_t *link_find(link_t *link, uint64_t attempt);

#endif
