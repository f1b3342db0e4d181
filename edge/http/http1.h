/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection that speaks HTTP/1.1 or 1.0, from its first byte: the one way
 * into the edge, with and without TLS.
 */
#ifndef EDGE_HTTP_HTTP1_H
#define EDGE_HTTP_HTTP1_H

#include "edge/connection.h"
#include "edge/edge.h"
#include "edge/poller.h"

struct tls;

/* Serves that accepted socket, over TLS unless `tls` is NULL; takes both. */
void http1_open(edge_t *edge, poller_t *poller, struct tls *tls, int fd,
                connection_t *connection);

#endif
