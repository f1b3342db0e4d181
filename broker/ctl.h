/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of operators and moderators, as JSON, by stipplectl on the control
 * channel or by way of an edge: a table of verbs, and for `set` a table of
 * the settings that a running canvas may change. A set is committed to Redis
 * first, then takes effect, is told on the feed, is written down as an action,
 * and is answered. One at a time: another one meanwhile is told to come again.
 */
#ifndef BROKER_CTL_H
#define BROKER_CTL_H

#include "broker/desk.h"

typedef struct {
    asker_t asker; /* of a set on its way to Redis */
    canvas_t canvas;
    control_t control; /* that it was set, for the audit */
} ctl_t;

/* What the requests need to know of the broker's state. */
typedef struct {
    const char *role;   /* for status */
    const char *locked; /* why nothing can be set now; NULL: it can */
} ctl_state_t;

/* A request; the mail keeps its body. */
void ctl_request(ctl_t *self, parts_t *parts, desk_t *desk,
                 const ctl_state_t *state, mail_t *mail);
/* The same from an edge: who asks, and whether they may, says their token. */
void ctl_errand(ctl_t *self, parts_t *parts, desk_t *desk,
                const ctl_state_t *state, mail_t *mail);
/* The setting is in Redis, or the fence refused it. */
void ctl_on_canvas(ctl_t *self, parts_t *parts, desk_t *desk, bool done);
/* What was asked of Redis will not be answered. */
void ctl_give_up(ctl_t *self, parts_t *parts, const char *error);

#endif
