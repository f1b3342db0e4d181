/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may speak on which of a process's bound sockets. libzmq asks this guard
 * about the key of every CURVE client (ZAP, RFC 27) before anything of that
 * client reaches a socket. One thread of its own: it owns a table that nobody
 * changes, and answers handshakes however busy the process is.
 *
 * A stranger is turned away without a reason (ZAP's status 300): libzmq's
 * client then tries again, while after a 400 it would give up for good, and
 * with it an edge that once reached the wrong broker.
 */
#ifndef COMMON_BUS_GUARD_H
#define COMMON_BUS_GUARD_H

#include "common/bus_socket.h"

typedef struct bus_guard bus_guard_t;

/* Lets in what `security` accepts for each channel. NULL if `security` has no
 * keys: then there is nothing to guard. One per process at a time. */
bus_guard_t *bus_guard_new(const bus_security_t *security);
void bus_guard_destroy(bus_guard_t **self_p);

/* Whose message this is, by the key of the connection that it came through.
 * ROLES if that connection is not under CURVE: then whoever reaches the socket
 * has every role. */
role_t bus_guard_role(zmq_msg_t *message);

/* True if the message comes from that role, or if nobody can tell. */
bool bus_guard_is(zmq_msg_t *message, role_t role);

#endif
