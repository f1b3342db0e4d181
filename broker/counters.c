/* SPDX-License-Identifier: Apache-2.0
 *
 * See counters.h.
 */
#include "broker/counters.h"

#include "common/metrics.h"

int64_t counters[COUNTERS];

static const metric_row_t s_rows[] = {
#define METRIC(id, type, name, help) {type, name, help},
#include "broker/metrics.def"
#undef METRIC
};

char *counters_render(void *unused, size_t *length)
{
    (void)unused;
    return metrics_render(s_rows, counters, NULL, COUNTERS, length);
}
