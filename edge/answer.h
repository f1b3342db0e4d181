/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing an exchange's answer to its connection: the head and the first of the
 * body in one send(), the rest in pieces as the socket takes them; from a file
 * where the body has one and TLS is off. At most one piece is ever copied for a
 * reader that stops.
 */
#ifndef EDGE_ANSWER_H
#define EDGE_ANSWER_H

#include "edge/exchange.h"

struct lws;

/* Room for a head, one piece and libwebsockets' own. */
#define ANSWER_BUFFER_BYTES (65536 + 8192)

typedef enum {
    ANSWER_SENT = 0, /* all is written */
    ANSWER_WAITS,    /* call again when the connection is writable */
    ANSWER_FAILED,   /* the connection is dead */
} answer_result_t;

/* Through libwebsockets, in which a part may wait after ANSWER_SENT; calls
 * again do nothing then. `buffer` is of ANSWER_BUFFER_BYTES and not kept. */
answer_result_t answer_send(exchange_t *exchange, struct lws *wsi,
                            uint8_t *buffer);

/* The same on a kernel's socket, without a copy; all is in the kernel's hands
 * after ANSWER_SENT. */
answer_result_t answer_send_direct(exchange_t *exchange, int fd);

#endif
