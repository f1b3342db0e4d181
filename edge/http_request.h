/* SPDX-License-Identifier: Apache-2.0
 *
 * What libwebsockets parsed of a request, copied into an exchange. Its header
 * table may be gone by the time an answer comes.
 */
#ifndef EDGE_HTTP_REQUEST_H
#define EDGE_HTTP_REQUEST_H

#include "edge/exchange.h"

struct lws;

/* Verb, path, query, headers, and whether the connection is to end. The path
 * is "" where it is no text, or the version neither HTTP/1.0 nor HTTP/1.1. */
void http_request_read(exchange_t *exchange, struct lws *wsi);

/* A Content-Length was found, good or bad. */
bool http_request_has_length(struct lws *wsi);

/* How long the body is: 0 for none; -1 where that cannot be told. */
int64_t http_request_body_length(struct lws *wsi);

/* POST, PUT or PATCH without Content-Length: libwebsockets waits for a body
 * without end. */
bool http_request_is_open_ended(const exchange_t *exchange, struct lws *wsi);

/* It waits for "100 Continue" before it sends its body. */
bool http_request_expects(struct lws *wsi);

#endif
