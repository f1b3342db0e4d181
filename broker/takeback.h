/* SPDX-License-Identifier: Apache-2.0
 *
 * One rollback, or its undoing, until its last pixel stands: what lies below is
 * asked of the active persister, and is then placed in slices, one for each
 * DIFF and each in a commit with whatever players place meanwhile, so that
 * nobody waits for all of it.
 *
 *     NONE ──begin──► ASKING ──heard──► WRITING ──slices──► NONE
 *
 * The action is committed with the first slice, and is open until a DONE stands
 * behind the last (common/policy.h). Whoever leads finishes what is open. What
 * players placed since is never touched, nor is anything placed before the
 * action stands.
 */
#ifndef BROKER_TAKEBACK_H
#define BROKER_TAKEBACK_H

#include "broker/answer.h"
#include "broker/batch.h"
#include "broker/outcomes.h"
#include "broker/proposals.h"
#include "common/bus_look.h"

/* Pixels in one commit; the simulator has smaller ones (tests/sim/sim.mk). */
#ifndef TAKEBACK_SLICE
#define TAKEBACK_SLICE 4096u
#endif
/* How long the store may take, and reach up to what is meant. */
#define TAKEBACK_WAIT_MS 60000u
/* How long somebody on an edge is let wait for the end: an edge asks for 10 s,
 * and what stands before it may drop a silent request. */
#define TAKEBACK_PATIENCE_MS 5000u
/* What a moderator may change at once. */
#define TAKEBACK_MODERATOR_MAX 10000u

typedef enum {
    TAKEBACK_NONE,
    TAKEBACK_ASKING,
    TAKEBACK_WRITING
} takeback_state_t;

typedef struct {
    takeback_state_t state;
    asker_t asker;     /* nobody: it was open when the lead began */
    control_t control; /* ROLLBACK, or RESTORE of control.of.upto */
    selection_t of;    /* whose pixels */
    uint64_t seq;      /* of the action; 0: it is not committed yet */
    uint64_t least;    /* seq that the store has to have reached */
    uint64_t ticket;
    uint64_t asked;       /* instance of the persister */
    uint64_t ask_at_ms;   /* mono: ask again then, unless it answers before */
    uint64_t until_ms;    /* mono: nothing was done by then: it is over */
    uint64_t patience_ms; /* mono: an edge is told then that it goes on */
    uint64_t
        slice_at_ms;  /* mono: one slice for each DIFF, so that none is long */
    bool yes;         /* not only a preview, if more than one pixel changes */
    bool preview;     /* in any case */
    bool approved;    /* by a second person */
    uint8_t *message; /* what was heard: */
    bus_below_t below;
    uint32_t next; /* pixel of it */
    uint32_t placed;
    touched_t *later;    /* placed by players since */
    uint64_t seen;       /* up to this seq */
    uint64_t on_its_way; /* last seq of a slice; 0: none is … */
    bool ends;           /* … or it is the last one */
    control_t refused;   /* what a role may not, for the audit; NONE: nothing */
    outcomes_t outcomes;
    proposals_t proposals;
} takeback_t;

typedef struct {
    bool yes, preview, approved;
} takeback_wish_t;

void takeback_fini(takeback_t *self);

/* A ROLLBACK of control->of, or a RESTORE. Takes the asker. The same number of
 * the same operator joins what is under way. */
void takeback_begin(takeback_t *self, const parts_t *parts, asker_t *asker,
                    const control_t *control, takeback_wish_t wish);
/* A BELOW came. */
void takeback_heard(takeback_t *self, const parts_t *parts, mail_t *mail);
/* Adds the next slice, if there is one, to a batch that has its placements and
 * no control records. */
void takeback_fill(takeback_t *self, parts_t *parts, batch_t *batch);
/* The committed seq may have moved. */
void takeback_settle(takeback_t *self, const parts_t *parts);
/* Forgets it; whoever asked is told. */
void takeback_give_up(takeback_t *self, const parts_t *parts,
                      const char *error);

#endif
