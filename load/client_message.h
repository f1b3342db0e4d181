/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge's messages mean to a client. Apart from client.c, which moves
 * their bytes.
 */
#ifndef LOAD_CLIENT_MESSAGE_H
#define LOAD_CLIENT_MESSAGE_H

#include "load/client.h"

/* One frame of the edge. May end the connection. */
void client_message(client_t *self, const ws_frame_t *frame,
                    const uint8_t *payload, uint64_t now_us);

/* Ends the connection, for `code`, and sets the time of the next. */
void client_lose(client_t *self, unsigned code);

#endif
