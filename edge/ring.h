/* SPDX-License-Identifier: Apache-2.0
 *
 * What recent diffs touched, so that a net diff can be made from any seq that
 * is still remembered. Entries cover (first, last] without a gap; the oldest
 * are dropped where touched pixels exceed the ring's capacity (or entries
 * RING_ENTRIES_MAX): whoever asks from before them fetches the board.
 */
#ifndef EDGE_RING_H
#define EDGE_RING_H

#include "common/touched.h"

#include <stddef.h>
#include <stdint.h>

#define RING_ENTRIES_MAX 65536u

typedef struct ring ring_t;

/* Empty, at seq 0. Memory grows with use, up to pixels_max × 4 bytes. */
ring_t *ring_new(size_t pixels_max);
void ring_destroy(ring_t **self_p);

/* Forgets everything; the next entry starts at `seq`. */
void ring_reset(ring_t *self, uint64_t seq);

/* Appends the entry (ring_last, to], to > ring_last, with what it touched. An
 * entry larger than the whole ring resets it to `to`. */
void ring_push(ring_t *self, uint64_t to, const uint32_t *indices,
               size_t count);

/* Puts the entry (from, ring_first] before all others, from < ring_first; it
 * may name pixels too many. -1, unchanged, where it does not fit. */
int ring_prepend(ring_t *self, uint64_t from, const uint32_t *indices,
                 size_t count);

/* Net diffs can be made from any seq in [first, last]. */
uint64_t ring_first(const ring_t *self);
uint64_t ring_last(const ring_t *self);

/* Where the entry that holds since + 1 starts; first ≤ since < last. */
uint64_t ring_from(const ring_t *self, uint64_t since);

/* Adds to `set` what the entries from ring_from(since) on touched, and stops
 * early, with -1, once the set holds more than `most`. */
int ring_collect(const ring_t *self, uint64_t since, touched_t *set,
                 uint32_t most);

#endif
