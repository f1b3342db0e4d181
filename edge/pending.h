/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions sent to other processes and not yet answered. Tickets are given in
 * order, so a circular buffer indexed by ticket finds one at once, keeps their
 * order for sending again, and expires from its old end.
 *
 * It always takes. Beyond PENDING_MAX between the oldest unanswered and the
 * newest a question is refused: it is never sent, and waits apart for its owner
 * to answer it next (pending_take_refused). So an asker always gets a ticket
 * and, later, one call.
 */
#ifndef EDGE_PENDING_H
#define EDGE_PENDING_H

#include "common/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PENDING_MAX (1u << 18)

typedef struct pending pending_t;

/* One question. `done` is NULL once answered or cancelled. */
typedef struct {
    bus_place_t place; /* place.ticket is its ticket, without the copy */
    unsigned copy;     /* how often it was sent before, at most BUS_COPY_MAX */
    uint64_t asked_ms;
    uint64_t sent_ms;   /* the last time; set by pending_sent */
    void (*done)(void); /* the asker's callback, of the owner's real type */
    void *context;
} question_t;

/* A random start for tickets, so that answers to an edge's former life do not
 * fit. */
uint64_t pending_first_ticket(void);

/* Tickets start at first_ticket, > 0. */
pending_t *pending_new(uint64_t first_ticket);
void pending_destroy(pending_t **self_p);

/* Takes a copy, gives it a ticket and returns that. */
uint64_t pending_add(pending_t *self, const question_t *question);
/* Whether the question of this ticket was refused when it was added. */
bool pending_is_refused(uint64_t ticket);

/* The oldest refused question that was there when `*until` was 0 first, taken
 * out; false if there is none left of those. So a callback that asks again
 * waits for the next round. */
bool pending_take_refused(pending_t *self, uint64_t *until,
                          question_t *question);

/* Takes the question out: true and *question, or false where the ticket is
 * unknown, answered or cancelled. */
bool pending_take(pending_t *self, uint64_t ticket, question_t *question);

/* Whether this, with its copy, is the ticket of a question that has been, or is
 * to be, sent again since. Only an acceptance of an older copy is the answer:
 * the newer one may still be accepted behind a refusal. */
bool pending_is_outdated(const pending_t *self, uint64_t ticket);

/* The oldest open one asked at or before asked_ms, taken out. */
bool pending_take_expired(pending_t *self, uint64_t asked_ms,
                          question_t *question);

/* Open questions, refused ones not among them. */
size_t pending_count(const pending_t *self);

/* Sending: up to `max` open questions not yet sent, oldest first, are copied
 * to `places`, their tickets with the copy; they count as sent only after
 * pending_sent, which takes either form. */
size_t pending_unsent(pending_t *self, bus_place_t *places, size_t max);
/* All up to and including that ticket went out at now_ms. */
void pending_sent(pending_t *self, uint64_t ticket, uint64_t now_ms);
/* When the oldest open question went out last; UINT64_MAX if none has. */
uint64_t pending_waits_since(const pending_t *self);
/* Everything open is to be sent again, flagged BUS_PLACE_RESENT where it had
 * gone out. Returns how many. */
size_t pending_resend(pending_t *self);

#endif
