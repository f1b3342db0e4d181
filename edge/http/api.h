/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers of the HTTP API, each for one row of api_routes; and what stands
 * behind no row: files, and handshakes of WebSockets.
 */
#ifndef EDGE_HTTP_API_H
#define EDGE_HTTP_API_H

#include "edge/http/exchange.h"

extern const route_t api_routes[];
extern const size_t api_routes_count;

/* Finds the route and answers, or has its handler answer: 404, 405, OPTIONS,
 * 413 and the check of the page's origin are here. */
void api_handle(exchange_t *exchange);

/* --- api_canvas.c --- */
void api_get_config(exchange_t *exchange);
void api_get_healthz(exchange_t *exchange);
void api_get_readyz(exchange_t *exchange);
void api_get_file(exchange_t *exchange); /* where no route matches */

/* --- api_board.c --- */
void api_get_board(exchange_t *exchange);
void api_get_board_png(exchange_t *exchange);

/* --- api_session.c --- */
void api_post_session(exchange_t *exchange);

/* --- api_pixels.c --- */
void api_get_pixel(exchange_t *exchange);
void api_put_pixel(exchange_t *exchange);
void api_post_undo(exchange_t *exchange);

/* The pixel of the path: 0; -1 where the exchange is answered. */
int api_pixel(exchange_t *exchange, uint16_t *x, uint16_t *y);
/* Counts one question to the store; true where its address has asked too much
 * and the exchange is answered. */
bool api_look_up_refused(exchange_t *exchange);

/* --- api_past.c --- */
void api_get_history(exchange_t *exchange);
void api_get_snapshots(exchange_t *exchange);
void api_get_diffs(exchange_t *exchange);

/* --- api_me.c --- */
void api_get_me(exchange_t *exchange);

/* --- api_admin.c --- */
#define API_ADMIN "/api/v1/admin/"
void api_admin(exchange_t *exchange); /* of every row that begins so */

/* --- upgrade.c --- */
/* GET /api/v1/ws without an upgrade. */
void api_get_ws(exchange_t *exchange);
/* A handshake that may pass: its outcome (the caller's, free). NULL where it
 * may not: then the exchange is answered. */
upgrade_t *api_upgrade(exchange_t *exchange);

#endif
