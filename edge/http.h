/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything HTTP on the public port.
 */
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include "edge/edge.h"

struct lws_protocols;

typedef struct http http_t;

/* Caches and files. NULL, with a line in the log, where web_dir is unusable.
 * Needs edge->config and edge->mirror; everything else at the first request.
 */
http_t *http_new(edge_t *edge);
void http_destroy(http_t **self_p);

/* Fills the row of protocol 0: name, callback, per-connection memory,
 * tx_packet_size. The callback takes every HTTP reason, RAW ones for what is no
 * HTTP, and LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, where it checks path (404),
 * subprotocol and since (400), origin (403), server_admit (503), token (401)
 * and address limits (429), and either sets connection->upgrade and returns 0,
 * or answers and returns 1. Others it leaves to server.c to see first. */
void http_protocol(struct lws_protocols *row);

#endif
