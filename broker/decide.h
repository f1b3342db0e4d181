/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides a whole PLACES message: the rules over each of its placements.
 * Accepted ones are put on the board, into the users' table and into the batch;
 * the verdicts come as a mail to the edge that asked.
 */
#ifndef BROKER_DECIDE_H
#define BROKER_DECIDE_H

#include "broker/batch.h"
#include "broker/mail.h"
#include "broker/repeats.h"
#include "broker/world.h"

typedef struct {
    world_t *world;
    repeats_t *repeats;
    batch_t *batch;  /* NULL: everything is `unavailable` */
    bool log_full;   /* what would be accepted is `unavailable` */
    uint64_t now_ms; /* wall */
    bus_place_t places[BUS_PLACES_MAX];
    bus_verdict_t answers[BUS_PLACES_MAX];
} decide_t;

/* Ends `mail`. False if it held no placements: there are no verdicts then. */
bool decide_mail(decide_t *self, mail_t *mail, mail_t *verdicts);

#endif
