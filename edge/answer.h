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
    ANSWER_SENT = 0, /* all is written, though a part may wait in lws */
    ANSWER_WAITS,    /* call again when the connection is writable */
    ANSWER_FAILED,   /* the connection is dead */
} answer_result_t;

/* `buffer` is of ANSWER_BUFFER_BYTES and not kept. Calls again after
 * ANSWER_SENT do nothing. */
answer_result_t answer_send(exchange_t *exchange, struct lws *wsi,
                            uint8_t *buffer);

#endif
