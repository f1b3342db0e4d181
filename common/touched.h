/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of pixel indices, iterated in ascending order: what a range of
 * placements touched. Two bitmap levels, so that adding costs two stores and a
 * walk costs the members plus a 4096th of the board, sorted for nothing. The
 * colours of a net diff are then read from the board at the range's end.
 */
#ifndef COMMON_TOUCHED_H
#define COMMON_TOUCHED_H

#include <stdbool.h>
#include <stdint.h>

typedef struct touched touched_t;

/* An empty set over indices 0 … pixels − 1. */
touched_t *touched_new(uint32_t pixels);
void touched_destroy(touched_t **self_p);

void touched_add(touched_t *self, uint32_t index);
uint32_t touched_count(const touched_t *self);

/* Empties the set, in time proportional to its members. */
void touched_clear(touched_t *self);

/* The smallest member ≥ *index into *index; false if there is none.
 *     for (uint32_t i = 0; touched_next(set, &i); i++) … */
bool touched_next(const touched_t *self, uint32_t *index);

#endif
