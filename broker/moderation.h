/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators and moderators say, as JSON: a table of verbs. An action goes
 * to the desk; what only asks is answered from memory.
 */
#ifndef BROKER_MODERATION_H
#define BROKER_MODERATION_H

#include "broker/desk.h"

/* Whether `verb` is one of these. */
bool moderation_knows(const char *verb);

/* Who acts, their own number for it, and why: into the action. NULL, or why
 * not. */
const char *moderation_head(control_t *control, const asker_t *asker,
                            const json_t *request);

/* A request, whose verb is known, of somebody who is answered now or later:
 * takes the asker. `locked`: why nothing can be done now; NULL: it can. */
void moderation_request(desk_t *desk, const parts_t *parts, const char *locked,
                        asker_t *asker, const json_t *request);

#endif
