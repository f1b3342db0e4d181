/* SPDX-License-Identifier: Apache-2.0
 *
 * One edge worker: what its modules share. A plain struct, made in main.c's
 * order. One thread; every member lives as long as the loop runs.
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

/* Rows of type HISTOGRAM, in their order. */
typedef enum { EDGE_FRESHNESS, EDGE_HISTOGRAMS } edge_histogram_t;

typedef struct edge {
    const edge_config_t *config;
    struct mirror *mirror;         /* the board, mirror.h */
    struct uplink *uplink;         /* to brokers and persisters, uplink.h */
    struct errands *errands;       /* of moderators, errands.h */
    struct sessions *sessions;     /* who is connected, ws/sessions.h */
    struct frames *frames;         /* what many are sent, ws/frames.h */
    struct send_ring *send_ring;   /* of a slice, send_ring.h; or NULL */
    struct fanout *fanout;         /* brings them up to date, fanout.h */
    struct auth *auth;             /* token policy, auth.h */
    struct address_limits *limits; /* by address, address_limits.h */
    struct shared_budget *shared;  /* of the cluster, shared_budget.h */
    struct admission *admission;   /* of all, admission.h */
    struct content *content;       /* what HTTP serves, http/content.h */
    struct server *server;         /* the loop, server.h */
    int64_t metrics[EDGE_METRICS]; /* counters and gauges */
    metric_histogram_t histograms[EDGE_HISTOGRAMS];
    bool draining; /* SIGTERM was seen */
} edge_t;

/* A board to show, and not draining: visitors may come in. */
bool edge_ready(const edge_t *self);
/* Why others should be preferred to this edge (GET /readyz): it is draining, or
 * its board may not be the leader's. NULL if there is no reason; static. */
const char *edge_fault(const edge_t *self);

static inline void edge_count(edge_t *self, edge_metric_t id)
{
    self->metrics[id]++;
}

extern const metric_row_t edge_metric_rows[EDGE_METRICS];

#endif
