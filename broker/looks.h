/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators look up, on its way to the active persister and back: each
 * question has a ticket, an asker and an end. The answer's JSON goes to the
 * asker as it came.
 */
#ifndef BROKER_LOOKS_H
#define BROKER_LOOKS_H

#include "broker/answer.h"
#include "common/bus_look.h"

/* Questions that wait; a persister answers one after another. */
#define LOOKS_MAX 16
#define LOOKS_WAIT_MS 10000u

/* What askers are told when nobody can look. */
#define LOOKS_NO_STORE "no persister is active: nothing can be looked up"

typedef struct {
    struct {
        asker_t asker;
        uint64_t ticket, until_ms; /* mono */
    } waiting[LOOKS_MAX];
    uint64_t tickets;
} looks_t;

/* Takes the asker. The look's ticket is set here. */
void looks_ask(looks_t *self, const parts_t *parts, asker_t *asker,
               bus_look_t *look);
/* A LOOKED came. */
void looks_on_answer(looks_t *self, const parts_t *parts, mail_t *mail);
/* Time has passed: whoever waited too long is told. */
void looks_tick(looks_t *self, const parts_t *parts);
/* Everybody who waits is told `error`. */
void looks_give_up(looks_t *self, const parts_t *parts, const char *error);

#endif
