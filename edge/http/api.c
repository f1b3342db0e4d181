/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of the HTTP API, and what is the same for all its rows.
 */
#include "edge/http/api.h"

#include "edge/http/origin.h"

#include <stdio.h>
#include <string.h>

const route_t api_routes[] = {
    {"/api/v1/config", {[METHOD_GET] = api_get_config}},
    {"/api/v1/board", {[METHOD_GET] = api_get_board}},
    {"/api/v1/board.png", {[METHOD_GET] = api_get_board_png}},
    {"/api/v1/session", {[METHOD_POST] = api_post_session}},
    {"/api/v1/pixels/{}/{}",
     {[METHOD_GET] = api_get_pixel, [METHOD_PUT] = api_put_pixel}},
    {"/api/v1/pixels/{}/{}/history", {[METHOD_GET] = api_get_history}},
    {"/api/v1/snapshots", {[METHOD_GET] = api_get_snapshots}},
    {"/api/v1/diffs", {[METHOD_GET] = api_get_diffs}},
    {"/api/v1/undo", {[METHOD_POST] = api_post_undo}},
    {"/api/v1/me", {[METHOD_GET] = api_get_me}},
    {"/api/v1/ws", {[METHOD_GET] = api_get_ws}},
    {API_ADMIN "status", {[METHOD_GET] = api_admin}},
    {API_ADMIN "bans", {[METHOD_GET] = api_admin, [METHOD_POST] = api_admin}},
    {API_ADMIN "bans/{}", {[METHOD_DELETE] = api_admin}},
    {API_ADMIN "regions",
     {[METHOD_GET] = api_admin, [METHOD_POST] = api_admin}},
    {API_ADMIN "regions/{}", {[METHOD_DELETE] = api_admin}},
    {API_ADMIN "rollbacks",
     {[METHOD_GET] = api_admin, [METHOD_POST] = api_admin}},
    {API_ADMIN "rollbacks/{}", {[METHOD_DELETE] = api_admin}},
    {API_ADMIN "proposals", {[METHOD_GET] = api_admin}},
    {API_ADMIN "proposals/{}", {[METHOD_POST] = api_admin}},
    {API_ADMIN "jobs/{}", {[METHOD_GET] = api_admin}},
    {API_ADMIN "who", {[METHOD_GET] = api_admin}},
    {API_ADMIN "user", {[METHOD_GET] = api_admin}},
    {API_ADMIN "search", {[METHOD_GET] = api_admin}},
    {API_ADMIN "audit", {[METHOD_GET] = api_admin}},
    {API_ADMIN "lock", {[METHOD_POST] = api_admin}},
    {API_ADMIN "unlock", {[METHOD_POST] = api_admin}},
    {API_ADMIN "notice", {[METHOD_POST] = api_admin}},
    {API_ADMIN "settings", {[METHOD_POST] = api_admin}},
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
    case VERB_DELETE:
        return exchange->route->handlers[METHOD_DELETE];
    default:
        return NULL;
    }
}

static bool s_may_write(const exchange_t *exchange)
{
    return origin_allowed(exchange->edge->config->origins,
                          exchange->fields[FIELD_ORIGIN],
                          exchange->fields[FIELD_HOST]);
}

/* Maybe a proxy that the operator forgot to name. */
static void s_note_forwarded(const exchange_t *exchange)
{
    if (exchange->connection && exchange->fields[FIELD_FORWARDED_FOR])
        address_limits_note_forwarded(exchange->edge->limits,
                                      &exchange->connection->address);
}

void api_handle(exchange_t *exchange)
{
    s_note_forwarded(exchange);
    exchange->route = route_find(api_routes, api_routes_count, exchange->path,
                                 &exchange->arguments);
    bool api = !strncmp(exchange->path, "/api/", 5);
    bool forever;
    if (!exchange->route && !api &&
        assets_find(exchange->assets, exchange->path, &forever))
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
    if (!handler) {
        exchange->close |= exchange->verb == VERB_OTHER;
        exchange_problem(exchange, PROBLEM_METHOD_NOT_ALLOWED, NULL);
    } else if (!reads && !s_may_write(exchange)) {
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "Pages of this origin may not write");
    } else {
        handler(exchange);
    }
}
