/* SPDX-License-Identifier: Apache-2.0
 *
 * See metrics.h.
 */
#include "broker/metrics.h"

#include "common/metrics.h"

int64_t metrics[METRICS];

static const metric_row_t s_rows[] = {
#define METRIC(id, type, name, help) {type, name, help},
#include "broker/metrics.def"
#undef METRIC
};

char *broker_metrics_render(void *unused, size_t *length)
{
    (void)unused;
    return metrics_render(&(metrics_t){s_rows, metrics, METRICS, NULL}, length);
}
