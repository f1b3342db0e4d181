/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything HTTP on the public port.
 */
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include "edge/edge.h"

struct lws;

typedef struct http http_t;

/* NULL, with a line in the log, where web_dir is unusable. Needs config and
 * mirror; the rest of *edge at the first request. */
http_t *http_new(edge_t *edge);
void http_destroy(http_t **self_p);

/* Gives up jobs on the loop's threads, which its end would wait for. Safe on
 * NULL; call before server_destroy. */
void http_stop(http_t *self);

struct exchange;

/* Gives an exchange what handlers need of the caches. */
void http_equip(struct exchange *exchange);

/* Bytes of per-connection memory for http_callback's `user`. */
size_t http_user_bytes(void);

/* The callback of protocol 0. Gets every HTTP reason, and
 * LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, where it checks path (404), subprotocol
 * (400), since (400), origin (403), server_admit (503), token (401) and address
 * limits, and either sets connection->upgrade and returns 0, or answers and
 * returns 1. `reason` is an enum lws_callback_reasons.
 */
int http_callback(struct lws *wsi, int reason, void *user, void *in,
                  size_t length);

#endif
