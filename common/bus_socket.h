/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place where ZeroMQ sockets are made, with the options that are off by
 * default and must be set before bind or connect: heartbeats, message size,
 * reconnect back-off, high-water marks, no linger; and CURVE.
 *
 * A broker has one base endpoint; its four sockets derive from it:
 *     tcp://HOST:PORT   ports PORT … PORT + 3
 *     ipc://PATH        PATH.ingress, PATH.feed, PATH.journal, PATH.control
 * A persister's query endpoint is used as it stands.
 *
 * CURVE: the server's key pair is HMAC-SHA-256 of a fixed word under the
 * cluster's secret. A client must know the server's public key to speak at all,
 * and that key is never sent in clear, so one shared secret authenticates both
 * sides.
 */
#ifndef COMMON_BUS_SOCKET_H
#define COMMON_BUS_SOCKET_H

#include <czmq.h>

typedef enum {
    BUS_INGRESS,
    BUS_FEED,
    BUS_JOURNAL,
    BUS_CONTROL,
    BUS_QUERY,
} bus_channel_t;

#define BUS_ENDPOINT_MAX 256

typedef struct {
    const char *secret; /* the cluster's; NULL: no CURVE */
    size_t secret_size;
    const char *curve; /* "auto", "on" or "off" */
} bus_security_t;

/* The channel's endpoint under `base`; -1 where base is malformed. */
int bus_endpoint(char endpoint[BUS_ENDPOINT_MAX], const char *base,
                 bus_channel_t channel);

/* ROUTER for ingress, control, query; PUB for feed; PUSH for journal. NULL,
 * with a line in the log, where it cannot bind. */
zsock_t *bus_bind(const char *base, bus_channel_t channel,
                  const bus_security_t *security);

/* DEALER for ingress, control, query; SUB (all topics) for feed; PULL for
 * journal. NULL where the endpoint is malformed. */
zsock_t *bus_connect(const char *base, bus_channel_t channel,
                     const bus_security_t *security);

#endif
