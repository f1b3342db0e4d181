/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of a WebSocket handshake, in the order of what they cost. The
 * answers are docs/protocol.md's; libwebsockets would hang up without a word.
 */
#include "edge/api.h"

#include "common/mem.h"
#include "edge/address.h"
#include "edge/input.h"
#include "edge/origin.h"
#include "edge/server.h"

#include <stdlib.h>
#include <string.h>

/* libwebsockets copies these two fields into buffers of 128 bytes. */
#define FIELD_MAX 126

void api_get_ws(exchange_t *exchange)
{
    exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                     "This address is for WebSockets");
}

/* The first of the offered subprotocols that is ours, as libwebsockets will
 * choose: -1 for none. "http" is the name of its own first protocol. */
static int s_choose(const char *offered, bool *json)
{
    for (const char *at = offered ? offered : ""; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        *json = length == strlen(WIRE_PROTOCOL_JSON) &&
                !strncmp(at, WIRE_PROTOCOL_JSON, length);
        if (*json || (length == strlen(WIRE_PROTOCOL) &&
                      !strncmp(at, WIRE_PROTOCOL, length)))
            return 0;
        if (length == 4 && !strncmp(at, "http", 4))
            return -1;
        at += length;
    }
    return -1;
}

static bool s_well_formed(const exchange_t *exchange)
{
    const char *connection = exchange->headers[HEADER_CONNECTION];
    const char *offered = exchange->headers[HEADER_WS_PROTOCOL];
    const char *version = exchange->headers[HEADER_WS_VERSION];
    return exchange->verb == VERB_GET && exchange->headers[HEADER_HOST] &&
           exchange->headers[HEADER_WS_KEY] && version &&
           !strcmp(version, "13") && list_has(connection, "upgrade") &&
           strlen(connection) < FIELD_MAX &&
           (!offered || strlen(offered) < FIELD_MAX);
}

/* 0, or -1 where it is no number: missing is 0, and what no u64 holds is a
 * number too, newer than any board. */
static int s_since(const exchange_t *exchange, uint64_t *since)
{
    const char *text = exchange_query(exchange, "since");
    *since = 0;
    if (!text)
        return 0;
    if (!*text || text[strspn(text, "0123456789")])
        return -1;
    *since = strtoull(text, NULL, 10); /* saturates */
    return 0;
}

/* Behind a trusted proxy the connection counts for the client's address from
 * now on. -1 where that has too many. */
static int s_count_client(exchange_t *exchange)
{
    connection_t *connection = exchange->connection;
    address_limits_t *limits = exchange->edge->limits;
    if (!connection)
        return 0;
    address_t client = address_limits_client(
        limits, &connection->address, exchange->headers[HEADER_FORWARDED_FOR]);
    if (!memcmp(&client, &connection->address, sizeof client))
        return 0;
    if (address_limits_open(limits, &client) < 0)
        return -1;
    if (connection->counted)
        address_limits_close(limits, &connection->address);
    connection->address = client;
    connection->counted = true;
    return 0;
}

/* 0, or -1 where the exchange is answered. */
static int s_admit(exchange_t *exchange)
{
    const edge_config_t *config = exchange->edge->config;
    uint32_t retry_ms;
    if (!origin_allowed(config->origins, exchange->headers[HEADER_ORIGIN],
                        exchange->headers[HEADER_HOST])) {
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "Pages of this origin may not connect");
        return -1;
    }
    if (server_admit(exchange->edge->server, &retry_ms) != ADMIT_OK) {
        exchange_retry(exchange, PROBLEM_UNAVAILABLE, retry_ms);
        return -1;
    }
    return 0;
}

upgrade_t *api_upgrade(exchange_t *exchange)
{
    upgrade_t upgrade = {0};
    auth_result_t who = AUTH_NONE;
    if (strcmp(exchange->path, "/api/v1/ws"))
        exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
    else if (!s_well_formed(exchange))
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "This is no handshake of a WebSocket");
    else if (s_choose(exchange->headers[HEADER_WS_PROTOCOL], &upgrade.json) < 0)
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "The subprotocol is stipple.v1 or stipple.v1.json");
    else if (s_since(exchange, &upgrade.since) < 0)
        exchange_problem(exchange, PROBLEM_BAD_REQUEST, "since is a number");
    else if (s_admit(exchange) < 0)
        return NULL;
    else if ((who = exchange_identify(exchange)) == AUTH_BAD)
        exchange_problem(exchange, PROBLEM_UNAUTHORIZED, NULL);
    else if (s_count_client(exchange) < 0)
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, PROBLEM_RETRY_MS);
    if (exchange->answered)
        return NULL;
    upgrade.identity = exchange->identity;
    upgrade.player = who == AUTH_GOOD;
    upgrade_t *outcome = mem_alloc(sizeof *outcome);
    *outcome = upgrade;
    return outcome;
}
