/* SPDX-License-Identifier: Apache-2.0
 *
 * A TCP connection, with or without TLS, that never blocks once it is open.
 * With TLS the server's certificate must be valid for the host that was asked
 * for.
 */
#ifndef PERSISTER_CASSANDRA_CQL_SOCKET_H
#define PERSISTER_CASSANDRA_CQL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cql_socket cql_socket_t;

typedef struct {
    const char *host; /* a name or an address */
    const char *port;
    bool tls;
    const char *ca_file; /* PEM; NULL: the system's authorities */
} cql_address_t;

/* Connects, blocking until clock_mono_ms() is deadline_ms. NULL, with one
 * sentence in `why`, where that does not succeed; *refused is set where trying
 * again will not help: a certificate that does not fit, an unreadable ca_file.
 */
cql_socket_t *cql_socket_open(const cql_address_t *address,
                              uint64_t deadline_ms, bool *refused, char *why,
                              size_t why_size);
void cql_socket_close(cql_socket_t **self_p);

/* For poll(): the descriptor, and the events to wait for; `writing` where there
 * is something to write. */
int cql_socket_fd(const cql_socket_t *self);
short cql_socket_events(const cql_socket_t *self, bool writing);

/* Bytes moved; 0 where it would block; -1 where the connection is gone. */
int cql_socket_read(cql_socket_t *self, void *bytes, size_t size);
int cql_socket_write(cql_socket_t *self, const void *bytes, size_t size);

#endif
