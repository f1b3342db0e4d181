/* SPDX-License-Identifier: Apache-2.0
 *
 * See census.h. A record leaves a fingerprint of 31 bits at its seq; the top
 * bit says that its placement was seen.
 */
#include "persister/census.h"

#include "common/board.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define SEEN UINT32_C(0x80000000)

struct census {
    uint32_t *prints; /* by seq; 0: not told; the top bit: seen */
    uint64_t first;
    uint64_t used; /* of prints, up to the last that was told */
    census_counts_t counts;
};

census_t *census_new(void)
{
    census_t *self = mem_zalloc(1, sizeof *self);
    self->prints = mem_zalloc(CENSUS_WINDOW, sizeof *self->prints);
    return self;
}

void census_destroy(census_t **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->prints);
    free(*self_p);
    *self_p = NULL;
}

void census_begin(census_t *self, uint64_t first)
{
    memset(self->prints, 0, self->used * sizeof *self->prints);
    self->used = 0;
    self->first = first;
}

/* Never 0, never SEEN, of the fields that a row has. */
static uint32_t s_print(const record_t *r)
{
    uint64_t h = r->user * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 29;
    h = (h ^ r->placed_at_ms) * UINT64_C(0xBF58476D1CE4E5B9);
    h ^= h >> 32;
    h ^= (uint64_t)r->x << 24 | (uint64_t)r->y << 8 | r->color;
    return (fmix32((uint32_t)(h ^ h >> 32)) & ~SEEN) | 1;
}

void census_tell(census_t *self, const record_t *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t at = records[i].seq - self->first;
        if (at >= CENSUS_WINDOW)
            continue;
        self->prints[at] = s_print(&records[i]);
        if (at >= self->used)
            self->used = at + 1;
    }
}

void census_see(census_t *self, const record_t *rows, size_t count,
                uint64_t last)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t at = rows[i].seq - self->first;
        if (at >= CENSUS_WINDOW || rows[i].seq > last)
            continue;
        uint32_t *print = &self->prints[at];
        self->counts.rows++;
        if (at >= self->used || !*print)
            self->counts.extra++;
        else if (*print & SEEN)
            self->counts.doubled++;
        else if (*print != s_print(&rows[i]))
            self->counts.wrong++;
        if (at < self->used && *print)
            *print |= SEEN;
    }
}

void census_end(census_t *self)
{
    for (uint64_t at = 0; at < self->used; at++)
        self->counts.missing += self->prints[at] && !(self->prints[at] & SEEN);
}

census_counts_t census_counts(const census_t *self)
{
    return self->counts;
}
