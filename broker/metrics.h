/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker's metrics: metrics.def's rows as an enum and one array of
 * values.
 */
#ifndef BROKER_METRICS_H
#define BROKER_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum {
#define METRIC(id, type, name, help) METRIC_##id,
#include "broker/metrics.def"
#undef METRIC
    METRICS
};

extern int64_t metrics[METRICS];

#define COUNT(id) (metrics[METRIC_##id]++)
#define COUNT_BY(id, by) (metrics[METRIC_##id] += (int64_t)(by))
#define GAUGE(id, value) (metrics[METRIC_##id] = (int64_t)(value))

/* Prometheus text of all; the caller frees it. */
char *broker_metrics_render(void *unused, size_t *length);

#endif
