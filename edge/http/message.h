/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole request: its head (head.h) and its body, of a told length or in
 * chunks (RFC 9112, 7.1). Pure; the result is the same however the bytes were
 * cut, and what follows the request is never touched.
 */
#ifndef EDGE_HTTP_MESSAGE_H
#define EDGE_HTTP_MESSAGE_H

#include "edge/http/head.h"

#define BODY_BYTES_MAX 4096
/* Chunked, with its trailers. */
#define BODY_ENCODED_MAX 16384
#define MESSAGE_BYTES_MAX (HEAD_BYTES_MAX + BODY_ENCODED_MAX)

/* Zeroed: at the beginning. */
typedef struct {
    head_t head;
    size_t size; /* of all that was read: the request's, once it is whole */
    const char *body;
    size_t body_size;
    char *decoded;      /* where chunks are put together; or NULL */
    bool last;          /* the chunk of no bytes was there: trailers follow */
    problem_t problem;  /* if it is refused */
    const char *detail; /* of the problem; NULL: not refused */
} message_t;

typedef enum {
    MESSAGE_PARTIAL, /* more is to come */
    MESSAGE_WHOLE,
    MESSAGE_REFUSED, /* for good: answer `problem`, and end the connection */
} message_result_t;

/* Reads on; `bytes` are all those since the beginning, and may have moved.
 * `body` refers to them, or to memory of the message's. */
message_result_t message_read(message_t *self, const char *bytes, size_t size);
void message_fini(message_t *self);

#endif
