/* SPDX-License-Identifier: Apache-2.0
 *
 * What all edges took since the last beat of budgets that they share, summed by
 * address (a keyed hash). At most BUS_TAKEN_MAX addresses; further ones are
 * dropped and counted, and keep to the limits of each edge by itself.
 */
#ifndef BROKER_TALLY_H
#define BROKER_TALLY_H

#include "common/bus_taken.h"

typedef struct tally tally_t;

tally_t *tally_new(void);
void tally_destroy(tally_t **self_p);

/* An edge took that. How many rows found no room. */
size_t tally_add(tally_t *self, const bus_taken_t *rows, size_t count);
/* The sums, borrowed until the next call; returns how many. */
size_t tally_rows(const tally_t *self, const bus_taken_t **rows);
void tally_clear(tally_t *self);

#endif
