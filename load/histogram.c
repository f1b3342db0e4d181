/* SPDX-License-Identifier: Apache-2.0
 *
 * See histogram.h. Bucket of v: for v < 64 v itself; above, 64 × (octave) plus
 * the six bits below v's highest one.
 */
#include "load/histogram.h"

static unsigned s_bucket(uint64_t us)
{
    if (us < HISTOGRAM_PARTS)
        return (unsigned)us;
    unsigned top = 63u - (unsigned)__builtin_clzll(us);
    if (top >= HISTOGRAM_TOP_BIT)
        return HISTOGRAM_BUCKETS - 1;
    unsigned shift = top - HISTOGRAM_PART_BITS;
    return ((shift + 1) << HISTOGRAM_PART_BITS) +
           (unsigned)(us >> shift & (HISTOGRAM_PARTS - 1));
}

/* The largest value that falls in the bucket. */
static uint64_t s_top_us(unsigned bucket)
{
    if (bucket < HISTOGRAM_PARTS)
        return bucket;
    unsigned shift = (bucket >> HISTOGRAM_PART_BITS) - 1;
    uint64_t part = HISTOGRAM_PARTS + (bucket & (HISTOGRAM_PARTS - 1));
    return ((part + 1) << shift) - 1;
}

void histogram_add(histogram_t *self, uint64_t us)
{
    self->count++;
    self->sum_us += us;
    if (us > self->max_us)
        self->max_us = us;
    self->buckets[s_bucket(us)]++;
}

void histogram_merge(histogram_t *self, const histogram_t *other)
{
    self->count += other->count;
    self->sum_us += other->sum_us;
    if (other->max_us > self->max_us)
        self->max_us = other->max_us;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        self->buckets[i] += other->buckets[i];
}

uint64_t histogram_quantile_us(const histogram_t *self, double share)
{
    if (!self->count)
        return 0;
    uint64_t rank = (uint64_t)(share * (double)self->count);
    if (rank >= self->count)
        rank = self->count - 1;
    uint64_t below = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += self->buckets[i];
        if (below > rank) {
            uint64_t top = s_top_us(i);
            return top < self->max_us ? top : self->max_us;
        }
    }
    return self->max_us;
}
