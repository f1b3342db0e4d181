/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing an exchange's answer to its connection: the head and the first of the
 * body at once, the rest in pieces as the socket takes them; from a file where
 * the body has one and the stream can. Nothing is copied for a reader that
 * stops.
 */
#ifndef EDGE_HTTP_ANSWER_H
#define EDGE_HTTP_ANSWER_H

#include "edge/http/exchange.h"
#include "edge/stream.h"

typedef enum {
    ANSWER_SENT = 0, /* all is in the kernel's hands */
    ANSWER_WAITS,    /* call again when the connection is writable */
    ANSWER_FAILED,   /* the connection is dead */
} answer_result_t;

answer_result_t answer_send(exchange_t *exchange, stream_t *stream);

/* Bytes of head and body. */
size_t answer_size(const exchange_t *exchange);

#endif
