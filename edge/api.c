/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of the HTTP API, and what is the same for all its rows.
 */
#include "edge/api.h"

#include "edge/origin.h"

#include <stdio.h>
#include <string.h>

const route_t api_routes[] = {
    {"/api/v1/config", {[METHOD_GET] = api_get_config}},
    {"/api/v1/board", {[METHOD_GET] = api_get_board}},
    {"/api/v1/board.png", {[METHOD_GET] = api_get_board_png}},
    {"/api/v1/session", {[METHOD_POST] = api_post_session}},
    {"/api/v1/pixels/{}/{}",
     {[METHOD_GET] = api_get_pixel, [METHOD_PUT] = api_put_pixel}},
    {"/api/v1/me", {[METHOD_GET] = api_get_me}},
    {"/api/v1/ws", {[METHOD_GET] = api_get_ws}},
    {"/healthz", {[METHOD_GET] = api_get_healthz}},
    {"/readyz", {[METHOD_GET] = api_get_readyz}},
};
const size_t api_routes_count = sizeof api_routes / sizeof *api_routes;

/* Files answer GET alone. */
static const route_t file_route = {"", {[METHOD_GET] = api_get_file}};

static void s_options(exchange_t *exchange)
{
    char allow[ROUTE_ALLOW_MAX], fields[64];
    route_allow(exchange->route, allow);
    snprintf(fields, sizeof fields, "Allow: %s\r\n", allow);
    exchange_reply(exchange, &(reply_t){.status = 204, .fields = fields});
}

static route_fn s_handler(const exchange_t *exchange)
{
    switch (exchange->verb) {
    case VERB_GET:
    case VERB_HEAD:
        return exchange->route->handlers[METHOD_GET];
    case VERB_POST:
        return exchange->route->handlers[METHOD_POST];
    case VERB_PUT:
        return exchange->route->handlers[METHOD_PUT];
    default:
        return NULL;
    }
}

static bool s_may_write(const exchange_t *exchange)
{
    return origin_allowed(exchange->edge->config->origins,
                          exchange->headers[HEADER_ORIGIN],
                          exchange->headers[HEADER_HOST]);
}

void api_handle(exchange_t *exchange)
{
    exchange->route = route_find(api_routes, api_routes_count, exchange->path,
                                 &exchange->arguments);
    bool api = !strncmp(exchange->path, "/api/", 5);
    if (!exchange->route && !api &&
        assets_find(exchange->assets, exchange->path))
        exchange->route = &file_route;
    if (!exchange->route) {
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (exchange->verb == VERB_OPTIONS) {
        s_options(exchange);
        return;
    }
    route_fn handler = s_handler(exchange);
    bool reads = exchange->verb == VERB_GET || exchange->verb == VERB_HEAD;
    if (!handler)
        exchange_problem(exchange, PROBLEM_METHOD_NOT_ALLOWED, NULL);
    else if (exchange->body_too_large)
        exchange_problem(exchange, PROBLEM_TOO_LARGE,
                         "A body has at most 4096 bytes");
    else if (!reads && !s_may_write(exchange))
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "Pages of this origin may not write");
    else
        handler(exchange);
}
