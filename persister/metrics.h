/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's metrics (rows: metrics.def) and the port they are read from.
 */
#ifndef PERSISTER_METRICS_H
#define PERSISTER_METRICS_H

#include "common/settings.h"

#include <czmq.h>
#include <stdint.h>

#define METRIC(id, type, name, help) METRIC_##id,
enum {
#include "persister/metrics.def"
    METRICS
};
#undef METRIC

typedef struct persister_metrics persister_metrics_t;

/* Listens where the settings name a port. `gather` sets the gauges before each
 * reading. NULL, with a line in the log, where it cannot listen. */
persister_metrics_t *persister_metrics_new(const settings_common_t *settings,
                                           zloop_t *loop,
                                           void (*gather)(void *context),
                                           void *context);
void persister_metrics_destroy(persister_metrics_t **self_p);

void persister_metrics_add(persister_metrics_t *self, unsigned metric,
                           uint64_t more);
void persister_metrics_set(persister_metrics_t *self, unsigned metric,
                           uint64_t value);

/* Once a second at least: idle connections time out. */
void persister_metrics_tick(persister_metrics_t *self);

#endif
