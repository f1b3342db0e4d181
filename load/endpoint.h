/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an edge listens, from a URL as people write it: http:// or ws://, a
 * host, a port (80 where none stands). TLS is not spoken here: a load tester
 * in front of a TLS edge would measure itself.
 */
#ifndef LOAD_ENDPOINT_H
#define LOAD_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ENDPOINT_HOST_BYTES 300
#define ENDPOINTS_MAX 64

typedef struct {
    struct sockaddr_storage address;
    socklen_t address_size;
    char host[ENDPOINT_HOST_BYTES]; /* with its port, for `Host:` */
} endpoint_t;

/* Resolves one URL. -1 with the reason in *why (static text). */
int endpoint_parse(endpoint_t *self, const char *url, const char **why);

/* True for 127.0.0.0/8 and ::1. */
bool endpoint_is_loopback(const endpoint_t *self);

/* A non-blocking TCP socket on its way to the endpoint, from 127.0.0.(1 +
 * source) where the endpoint is IPv4 loopback and source is not 0, and with a
 * receive buffer of that size where it is not 0: it has to be set before the
 * window is told. -1 with errno set. */
int endpoint_connect(const endpoint_t *self, unsigned source,
                     int receive_bytes);

#endif
