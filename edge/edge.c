/* SPDX-License-Identifier: Apache-2.0
 *
 * See edge.h.
 */
#include "edge/edge.h"

#include "edge/mirror.h"
#include "edge/uplink.h"

const metric_row_t edge_metric_rows[EDGE_METRICS] = {
#define METRIC(id, type, name, help) {type, name, help},
#include "edge/metrics.def"
#undef METRIC
};

bool edge_ready(const edge_t *self)
{
    return !self->draining && mirror_synced(self->mirror);
}

const char *edge_fault(const edge_t *self)
{
    if (self->draining)
        return "This edge is going away";
    if (!mirror_board(self->mirror))
        return "No board has come from the broker yet";
    return uplink_fault(self->uplink);
}
