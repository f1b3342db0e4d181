/* SPDX-License-Identifier: Apache-2.0
 *
 * The public port as a plain socket: several workers share it with
 * SO_REUSEPORT.
 */
#ifndef EDGE_LISTENER_H
#define EDGE_LISTENER_H

#include <stdint.h>
#include <sys/socket.h>

/* Listens, non-blocking; "" is every address, IPv4 and IPv6. -1, with a line
 * in the log, where it cannot. */
int listener_open(const char *host, uint16_t port);

#define LISTENER_EXHAUSTED (-2)

/* The next connection, non-blocking, without Nagle's delay; -1: none waits;
 * LISTENER_EXHAUSTED: one does, but there are no descriptors left. */
int listener_accept(int listener, struct sockaddr_storage *peer);

/* Raises this process's soft limit of descriptors to the hard one, and returns
 * it. */
uint64_t listener_raise_files(void);

#endif
