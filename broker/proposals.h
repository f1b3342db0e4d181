/* SPDX-License-Identifier: Apache-2.0
 *
 * Rollbacks, and undoings of them, that one person asked for and a second has
 * to approve, since more pixels would change than one alone may
 * (two_person_pixels). They have done nothing yet and stand in no history: the
 * leader's memory holds them for a while, and the next leader does not know
 * them.
 */
#ifndef BROKER_PROPOSALS_H
#define BROKER_PROPOSALS_H

#include "common/control.h"

#include <stdbool.h>

#define PROPOSALS_MAX 32
#define PROPOSAL_MS (15 * 60 * 1000u)

typedef struct {
    uint32_t number;   /* by which it is approved; 0: the place is free */
    control_t control; /* as it was asked for */
    uint64_t placements;
    uint32_t pixels;  /* that would have changed then */
    uint64_t ends_ms; /* mono */
    uint64_t second;  /* who approved it; 0: nobody yet */
} proposal_t;

/* All zero: empty. */
typedef struct {
    proposal_t table[PROPOSALS_MAX];
} proposals_t;

/* Keeps one for PROPOSAL_MS; what the same person asked for by the same number
 * keeps its own. NULL: there are too many. The place is the table's. */
proposal_t *proposals_put(proposals_t *self, const control_t *control,
                          uint64_t now_ms);
/* Whether it is one, whose time has not passed. */
static inline bool proposal_lives(const proposal_t *self, uint64_t now_ms)
{
    return self->number && now_ms < self->ends_ms;
}

/* NULL: none waits under that number. */
proposal_t *proposals_find(proposals_t *self, uint32_t number, uint64_t now_ms);
/* The one that `second` approved, by the first person's number; NULL: none. */
const proposal_t *proposals_of_second(const proposals_t *self, uint64_t second,
                                      uint32_t request, uint64_t now_ms);
void proposals_clear(proposals_t *self);

/* When it ends, in ms since 1970. */
static inline uint64_t proposal_ends_wall_ms(const proposal_t *self,
                                             uint64_t wall_ms, uint64_t mono_ms)
{
    return wall_ms + self->ends_ms - mono_ms;
}

/* The action that it becomes when `by` approves: it is still the first
 * person's, by their number, and its text names the second. */
control_t proposal_approved(const proposal_t *self, uint64_t by);

#endif
