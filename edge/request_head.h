/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request as browsers and clients send it: HTTP/1.1, a body only
 * with PUT and POST and of a length that is told, nothing to decode in the
 * target, each field in plain sight. It tells only whether a request is of that
 * kind; every other, right or wrong, is libwebsockets' to parse and to answer.
 * Pure.
 */
#ifndef EDGE_REQUEST_HEAD_H
#define EDGE_REQUEST_HEAD_H

#include "edge/exchange.h"

typedef struct {
    const char *text; /* NULL: absent, or empty */
    size_t size;
} slice_t;

typedef struct {
    size_t size;         /* with the body; 0 where it is not known yet */
    slice_t body;        /* at most EXCHANGE_BODY_MAX bytes */
    verb_t verb;         /* never VERB_OTHER */
    slice_t path, query; /* of the target */
    slice_t upgrade;     /* the Upgrade field */
    slice_t headers[HEADER_COUNT];
} request_head_t;

typedef enum {
    HEAD_PLAIN = 0, /* with its body, of that kind: *head refers to the bytes */
    HEAD_PARTIAL,   /* more is to come; of whichever kind, where size is 0 */
    HEAD_OTHER,
} head_kind_t;

/* What `bytes` begin with: a request's head, and its body. */
head_kind_t request_head_parse(request_head_t *head, const char *bytes,
                               size_t size);

#endif
