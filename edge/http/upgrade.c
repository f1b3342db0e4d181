/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of a WebSocket handshake, in the order of what they cost. The
 * answers are docs/protocol.md's.
 */
#include "edge/http/api.h"

#include "common/mem.h"
#include "edge/address_limits.h"
#include "edge/admission.h"
#include "edge/http/input.h"
#include "edge/http/origin.h"
#include "edge/ws/websocket.h"

#include <stdlib.h>
#include <string.h>

void api_get_ws(exchange_t *exchange)
{
    exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                     "This address is for WebSockets");
}

/* The first of the offered subprotocols that is ours; -1 for none. */
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
        at += length;
    }
    return -1;
}

/* RFC 6455, 4.2.1, but the version. */
static bool s_well_formed(const exchange_t *exchange)
{
    const char *key = exchange->fields[FIELD_WS_KEY];
    return exchange->verb == VERB_GET && !exchange->body_size && key &&
           websocket_is_key(key) &&
           list_has(exchange->fields[FIELD_CONNECTION], "upgrade");
}

static bool s_speaks_13(const exchange_t *exchange)
{
    const char *version = exchange->fields[FIELD_WS_VERSION];
    return version && !strcmp(version, "13");
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
    address_t client = exchange_client(exchange);
    if (!memcmp(&client, &connection->address, sizeof client))
        return 0;
    if (address_limits_open(limits, &client) < 0)
        return -1;
    address_limits_close(limits, &connection->address);
    connection->address = client;
    return 0;
}

/* 0, or -1 where the exchange is answered. */
static int s_admit(exchange_t *exchange)
{
    const edge_config_t *config = exchange->edge->config;
    uint32_t retry_ms;
    if (!origin_allowed(config->origins, exchange->fields[FIELD_ORIGIN],
                        exchange->fields[FIELD_HOST])) {
        exchange_problem(exchange, PROBLEM_FORBIDDEN,
                         "Pages of this origin may not connect");
        return -1;
    }
    address_t client = exchange_client(exchange);
    retry_ms = address_limits_handshake(exchange->edge->limits, &client);
    if (retry_ms) {
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, retry_ms);
        return -1;
    }
    if (admission_handshake(exchange->edge->admission, &retry_ms) != ADMIT_OK) {
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
    else if (!s_speaks_13(exchange))
        exchange_problem(exchange, PROBLEM_UPGRADE_REQUIRED,
                         "The version of WebSocket is 13");
    else if (!s_well_formed(exchange))
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "This is no handshake of a WebSocket");
    else if (s_choose(exchange->fields[FIELD_WS_PROTOCOL], &upgrade.json) < 0)
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
    upgrade.player =
        who == AUTH_GOOD && rank_reaches(exchange->identity.rank, RANK_PLAYER);
    upgrade.address = exchange_client(exchange);
    upgrade_t *outcome = mem_alloc(sizeof *outcome);
    *outcome = upgrade;
    return outcome;
}
