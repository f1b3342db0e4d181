/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of one accepted socket: the wsi's opaque data from accept
 * until it is destroyed. http.c fills `upgrade` when it lets a handshake pass
 * (LWS_CALLBACK_HTTP_CONFIRM_UPGRADE); session.c takes it when the session is
 * established.
 */
#ifndef EDGE_CONNECTION_H
#define EDGE_CONNECTION_H

#include "common/token.h"
#include "edge/address.h"

#include <stdbool.h>
#include <stdint.h>

/* The outcome of a handshake's checks. */
typedef struct {
    uint64_t since;
    identity_t identity; /* where player */
    bool json;           /* the subprotocol */
    bool player;         /* came with a good token */
} upgrade_t;

typedef struct {
    address_t address;    /* of the peer, or what a trusted proxy says of it */
    bool counted;         /* address_limits_open was called for `address` */
    uint64_t place_at_us; /* bucket of place_rate for PUT, see bucket.h */
    upgrade_t *upgrade;   /* owned; NULL but between handshake and session */
} connection_t;

#endif
