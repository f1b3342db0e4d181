/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the placements table holds just what the journal tells: each record
 * once, with the same content. Keeps four bytes a record, for one window of
 * seqs; a store too long for one window is counted in several. Pure.
 */
#ifndef PERSISTER_CENSUS_H
#define PERSISTER_CENSUS_H

#include "common/record.h"

#include <stddef.h>
#include <stdint.h>

/* 128 MiB. */
#define CENSUS_WINDOW (UINT64_C(32) << 20)

typedef struct census census_t;

typedef struct {
    uint64_t rows;    /* seen in all windows */
    uint64_t missing; /* told by the journal, not seen */
    uint64_t extra;   /* seen, not told */
    uint64_t doubled; /* seen again */
    uint64_t wrong;   /* seen with other content */
} census_counts_t;

census_t *census_new(void);
void census_destroy(census_t **self_p);

/* A new, empty window first … first + CENSUS_WINDOW − 1. */
void census_begin(census_t *self, uint64_t first);
/* The journal's; those outside of the window are left out. */
void census_tell(census_t *self, const record_t *records, size_t count);
/* The table's, in any order; those outside are left out. `last` is where the
 * journal ends: newer rows are none of this census. */
void census_see(census_t *self, const record_t *rows, size_t count,
                uint64_t last);
/* Closes the window: counts what was missing. */
void census_end(census_t *self);

census_counts_t census_counts(const census_t *self);

#endif
