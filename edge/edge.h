/* SPDX-License-Identifier: Apache-2.0
 *
 * One edge worker: what its modules share. A plain struct, made by server_new
 * in main.c's order and reached from a libwebsockets callback by
 *     lws_context_user(lws_get_context(wsi)).
 * One thread; every member lives as long as the loop runs.
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include "common/metrics.h"
#include "edge/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of metrics.def as EDGE_<ID>. Each module adds its own rows there. */
typedef enum {
#define METRIC(id, type, name, help) EDGE_##id,
#include "edge/metrics.def"
#undef METRIC
    EDGE_METRICS
} edge_metric_t;

typedef struct edge {
    const edge_config_t *config;
    struct mirror *mirror;         /* the board, mirror.h */
    struct uplink *uplink;         /* to brokers and persisters, uplink.h */
    struct fanout *fanout;         /* the WebSocket sessions, fanout.h */
    struct auth *auth;             /* token policy, auth.h */
    struct address_limits *limits; /* by address, address.h */
    struct http *http;             /* what HTTP keeps: caches; http.h */
    struct server *server;         /* the loop and its context, server.h */
    int64_t metrics[EDGE_METRICS]; /* counters and gauges */
    bool draining;                 /* SIGTERM was seen */
} edge_t;

/* Ready: a synchronised mirror, and not draining (GET /readyz). */
bool edge_ready(const edge_t *self);

static inline void edge_count(edge_t *self, edge_metric_t id)
{
    self->metrics[id]++;
}

extern const metric_row_t edge_metric_rows[EDGE_METRICS];

#endif
