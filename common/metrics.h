/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters and gauges as rows of a table. Each process has a metrics.def of
 *
 *     METRIC(FRAMES_SENT, COUNTER, "stipple_edge_frames_sent_total", "help")
 *
 * from which it makes an enum and the rows; a value is one 64-bit integer that
 * the process's one thread writes. Rendered as Prometheus text 0.0.4. A name
 * may carry labels: "stipple_edge_closed_total{code=\"1008\"}"; rows of one
 * family must stand together. Histograms are kept beside the values.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <stddef.h>
#include <stdint.h>

typedef enum { COUNTER, GAUGE, HISTOGRAM } metric_type_t;

/* Durations, counted by these upper bounds and one bucket for what is longer:
 * 1, 2, 5, 10 … 500 ms, 1, 2, 5, 10, 30 s. All zero is empty. */
#define METRIC_BUCKETS 14
typedef struct {
    uint64_t buckets[METRIC_BUCKETS + 1];
    uint64_t sum_us;
} metric_histogram_t;

void metric_observe_us(metric_histogram_t *self, uint64_t us);

typedef struct {
    metric_type_t type;
    const char *name; /* with its labels, if any */
    const char *help;
} metric_row_t;

/* All metrics of a process; borrowed. The n-th row of type HISTOGRAM, which has
 * no labels, is histograms[n] in seconds, and its value is not looked at. */
typedef struct {
    const metric_row_t *rows;
    const int64_t *values; /* one per row */
    size_t count;
    const metric_histogram_t *histograms; /* NULL: there is none */
} metrics_t;

/* As text, which the caller owns (free). Adds the process's own: resident
 * bytes, CPU seconds, open descriptors. */
char *metrics_render(const metrics_t *self, size_t *length);

#endif
