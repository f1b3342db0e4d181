/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request as browsers and clients send it when they watch: GET or
 * HEAD in HTTP/1.1, no body, nothing to decode in the target, each field in
 * plain sight. It tells only whether a request is of that kind; every other,
 * right or wrong, is libwebsockets' to parse and to answer. Pure.
 */
#ifndef EDGE_REQUEST_HEAD_H
#define EDGE_REQUEST_HEAD_H

#include "edge/exchange.h"

typedef struct {
    const char *text; /* NULL: absent, or empty */
    size_t size;
} slice_t;

typedef struct {
    size_t size;         /* with its empty line */
    verb_t verb;         /* VERB_GET or VERB_HEAD */
    slice_t path, query; /* of the target */
    slice_t upgrade;     /* the Upgrade field */
    slice_t headers[HEADER_COUNT];
} request_head_t;

/* True where `bytes` begin with a whole head of that kind; *head refers to
 * them. */
bool request_head_parse(request_head_t *head, const char *bytes, size_t size);

#endif
