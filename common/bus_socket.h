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
 * CURVE by the keys of a role (role_keys.h). A server has its role's key pair;
 * a client knows the public half. A client's own key is drawn for the one
 * broker that it means, and bus_guard.h lets in only keys drawn for the names
 * of this broker: a client that reaches another broker at that address gets
 * nowhere, tries again and finds the right one when it is back.
 */
#ifndef COMMON_BUS_SOCKET_H
#define COMMON_BUS_SOCKET_H

#include "common/endpoints.h"
#include "common/role_keys.h"

#include <czmq.h>

typedef enum {
    BUS_INGRESS,
    BUS_FEED,
    BUS_JOURNAL,
    BUS_CONTROL,
    BUS_QUERY,
} bus_channel_t;

#define BUS_ENDPOINT_MAX ENDPOINT_MAX

typedef struct {
    const role_keys_t *keys; /* NULL: no CURVE */
    const char *curve;       /* "auto", "on" or "off" */
    const char *names;       /* of a broker: base endpoints that others use */
} bus_security_t;

/* Reads a role's key file into `keys`, which `security` then lends out; without
 * a path (NULL, "") there are none. -1, logged, if the file is unusable. */
int bus_security_load(bus_security_t *self, role_keys_t *keys, role_t role,
                      const char *path);

/* "ingress", "feed", "journal", "control", "query" */
const char *bus_channel_word(bus_channel_t channel);

/* The channel's endpoint under `base`; -1 if base is malformed, or if one of
 * the four ports behind it would be above 65535. */
int bus_endpoint(char endpoint[BUS_ENDPOINT_MAX], const char *base,
                 bus_channel_t channel);

/* What a broker that is bound to `bind` is known as: `advertise`, or `bind`
 * itself if that is empty. NULL, logged, if the bus is encrypted and `bind` is
 * every address, which is nobody's name. */
const char *bus_names(const char *bind, const char *advertise,
                      const char *curve);

/* ROUTER for ingress, control, query; PUB for feed; PUSH for journal. NULL,
 * logged, if it cannot bind. Under CURVE a bus_guard_t must stand. */
zsock_t *bus_bind(const char *base, bus_channel_t channel,
                  const bus_security_t *security);

/* DEALER for ingress, control, query; SUB (all topics) for feed; PULL for
 * journal. NULL, logged, if the endpoint is malformed or the keys do not open
 * it. */
zsock_t *bus_connect(const char *base, bus_channel_t channel,
                     const bus_security_t *security);
/* Connects a query socket to one more persister. -1, logged, as above. */
int bus_connect_also(zsock_t *socket, const char *base,
                     const bus_security_t *security);

#endif
