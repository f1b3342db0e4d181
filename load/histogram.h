/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations counted in log-linear buckets (as HdrHistogram lays them out): each
 * power of two of microseconds is cut in 64, so a quantile is off by 1.6 % at
 * most. A plain value of fixed size: it is copied between processes and merged
 * by adding.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PART_BITS 6
#define HISTOGRAM_PARTS (1 << HISTOGRAM_PART_BITS)
/* Up to 2^36 µs, 19 hours; longer counts as that. */
#define HISTOGRAM_TOP_BIT 36
#define HISTOGRAM_BUCKETS                                                      \
    ((HISTOGRAM_TOP_BIT - HISTOGRAM_PART_BITS + 1) * HISTOGRAM_PARTS)

typedef struct {
    uint64_t count, sum_us, max_us;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram_t;

/* All zero is empty. */
void histogram_add(histogram_t *self, uint64_t us);
void histogram_merge(histogram_t *self, const histogram_t *other);

/* The value that a share (0 … 1) of all is not above; 0 where it is empty. */
uint64_t histogram_quantile_us(const histogram_t *self, double share);

#endif
