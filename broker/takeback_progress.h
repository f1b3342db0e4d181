/* SPDX-License-Identifier: Apache-2.0
 *
 * How far a rollback is, for those who do not wait for its end, and for those
 * who ask again for the same.
 */
#ifndef BROKER_TAKEBACK_PROGRESS_H
#define BROKER_TAKEBACK_PROGRESS_H

#include "broker/takeback.h"

/* Whether that request is what is under way. */
bool takeback_is_of(const takeback_t *self, uint64_t by, uint32_t request);
/* Whether the pixels of the action of that seq are still to come. */
bool takeback_is_open(const policy_t *policy, uint64_t seq);
/* Of what is under way: new JSON with `state` "waiting" (for the store: nothing
 * is done yet) or "writing". */
json_t *takeback_standing(const takeback_t *self);
/* The same of the request of that number, which may have ended: "done" with its
 * answer, "refused" with the reason. NULL: nothing is known of it. */
json_t *takeback_progress(const takeback_t *self, const parts_t *parts,
                          uint64_t by, uint32_t request);

#endif
