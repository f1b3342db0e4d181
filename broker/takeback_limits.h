/* SPDX-License-Identifier: Apache-2.0
 *
 * What keeps a rollback from being begun, once the store has said what it would
 * change: that nothing fits, that a role may not do so much, or that a second
 * person has to approve it.
 */
#ifndef BROKER_TAKEBACK_LIMITS_H
#define BROKER_TAKEBACK_LIMITS_H

#include "broker/takeback.h"

static inline bool takeback_is_restore(const takeback_t *self)
{
    return self->control.verb == CONTROL_RESTORE;
}

/* Of how many pixels are said to change, placements to fit, pixels to stay: the
 * answer's beginning. New. */
json_t *takeback_figures(const takeback_t *self, uint32_t pixels);

/* Why it ends here, with one of docs/protocol.md's codes; NULL: it goes on. */
const char *takeback_objection(const takeback_t *self, const parts_t *parts,
                               const char **code);

/* It was more than the role may: what stands in the audit, with what was
 * meant, into `refused`. */
void takeback_note_refusal(takeback_t *self);

/* Whether it waits for a second person (two_person_pixels). */
bool takeback_needs_second(const takeback_t *self, const parts_t *parts);

/* Keeps it for the second person. The answer, which has its number, or says
 * that too many wait. New. */
json_t *takeback_propose(takeback_t *self, const parts_t *parts);

#endif
