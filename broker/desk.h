/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators and moderators asked to be done, in order, until it is done,
 * and what they look up meanwhile (looks.h). A rollback has a way of its own
 * (takeback.h).
 * Each action is committed behind the placements of a batch, so that what comes
 * after it is decided with it; it is answered when it is durable.
 *
 *     offered ──► waiting ──batch──► on its way ──committed──► answered
 *
 * An action whose number its operator has used before is answered with the seq
 * of the first.
 */
#ifndef BROKER_DESK_H
#define BROKER_DESK_H

#include "broker/answer.h"
#include "broker/batch.h"
#include "broker/looks.h"
#include "broker/takeback.h"

#define DESK_ORDERS_MAX 1024

/* What those are told whose action may have been done, or not. */
#define DESK_LOST                                                              \
    "Redis or the lead was lost: ask again with the same key, and it is done " \
    "once"

/* What those are told who tried more than their role may. */
#define DESK_ROLE_TOO_LOW "your role may not do that"

/* What staff tried above their role, as rows of the audit. */
#define DESK_REFUSALS_A_MINUTE 60

typedef struct {
    asker_t asker; /* or nobody: it is only written down */
    control_t control;
    json_t *more; /* members of the answer; or NULL */
} order_t;

typedef struct {
    order_t *orders; /* a ring */
    size_t first, count;
    uint64_t on_its_way; /* seq of the first order's action; 0: it waits */
    looks_t looks;
    takeback_t takeback;
    uint64_t minute_ms; /* mono: when counting refusals began */
    unsigned refusals;  /* written down since */
} desk_t;

void desk_init(desk_t *self);
void desk_fini(desk_t *self);

/* Takes the asker. If it is full, the asker is told to come again. */
void desk_offer(desk_t *self, const parts_t *parts, asker_t *asker,
                const control_t *control);

/* The same with further members of the answer, which are released. */
void desk_offer_with(desk_t *self, const parts_t *parts, asker_t *asker,
                     const control_t *control, json_t *more);
/* Tells the asker that their role is too low. `control` (a REFUSED) is written
 * down, but for those that are too many: nobody can fill the history. */
void desk_refuse(desk_t *self, const parts_t *parts, asker_t *asker,
                 const control_t *control);

/* Whether that person's action of that number is done, or will be: it waits
 * here, or is on its way. */
bool desk_knows(const desk_t *self, const parts_t *parts, uint64_t by,
                uint32_t request);

/* Adds the next action, if it is its turn, to a batch that has its placements.
 */
void desk_fill(desk_t *self, parts_t *parts, batch_t *batch);
/* The committed seq may have moved. */
void desk_settle(desk_t *self, parts_t *parts);
/* A second has passed. */
void desk_tick(desk_t *self, const parts_t *parts);
/* Nobody knows what became of what is here: everybody is told. */
void desk_give_up(desk_t *self, const parts_t *parts, const char *error);

#endif
