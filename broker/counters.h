/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker's metrics: metrics.def's rows as an enum and one array.
 */
#ifndef BROKER_COUNTERS_H
#define BROKER_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

enum {
#define METRIC(id, type, name, help) COUNT_##id,
#include "broker/metrics.def"
#undef METRIC
    COUNTERS
};

extern int64_t counters[COUNTERS];

#define COUNT(id) (counters[COUNT_##id]++)
#define COUNT_BY(id, by) (counters[COUNT_##id] += (int64_t)(by))
#define GAUGE(id, value) (counters[COUNT_##id] = (int64_t)(value))

/* Prometheus text of all; the caller frees it. */
char *counters_render(void *unused, size_t *length);

#endif
