/* SPDX-License-Identifier: Apache-2.0
 *
 * See edge.h.
 */
#include "edge/edge.h"

#include "edge/mirror.h"

const metric_row_t edge_metric_rows[EDGE_METRICS] = {
#define METRIC(id, type, name, help) {type, name, help},
#include "edge/metrics.def"
#undef METRIC
};

bool edge_ready(const edge_t *self)
{
    return !self->draining && mirror_synced(self->mirror);
}
