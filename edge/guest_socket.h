/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket that libwebsockets holds, as a socket.
 */
#ifndef EDGE_GUEST_SOCKET_H
#define EDGE_GUEST_SOCKET_H

#include "edge/socket.h"

struct lws;

typedef struct {
    socket_t socket;
    struct lws *wsi;
} guest_socket_t;

void guest_socket_init(guest_socket_t *self, struct lws *wsi);

/* Closes any connection of libwebsockets', after the present callback. */
void guest_socket_kill(struct lws *wsi);

#endif
