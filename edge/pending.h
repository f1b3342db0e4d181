/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions sent to other processes and not yet answered. Tickets are given in
 * order, so a circular buffer indexed by ticket finds one at once, keeps their
 * order for sending again, and expires from its old end. Holds up to
 * PENDING_MAX between the oldest unanswered and the newest; beyond, the asker
 * is refused (pending_add returns 0).
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
    bus_place_t place; /* place.ticket is its ticket */
    uint64_t asked_ms;
    void (*done)(void); /* the asker's callback, of the owner's real type */
    void *context;
} question_t;

/* A random start for tickets, so that answers to an edge's former life do not
 * fit. */
uint64_t pending_first_ticket(void);

/* Tickets start at first_ticket, > 0. */
pending_t *pending_new(uint64_t first_ticket);
void pending_destroy(pending_t **self_p);

/* Takes a copy, gives it a ticket and returns that; 0 where full. */
uint64_t pending_add(pending_t *self, const question_t *question);

/* Takes the question out: true and *question, or false where the ticket is
 * unknown, answered or cancelled. */
bool pending_take(pending_t *self, uint64_t ticket, question_t *question);

/* The oldest open one asked at or before asked_ms, taken out. */
bool pending_take_expired(pending_t *self, uint64_t asked_ms,
                          question_t *question);

/* Open questions. */
size_t pending_count(const pending_t *self);

/* Sending: up to `max` open questions not yet sent, oldest first, are copied
 * to `places`; they count as sent only after pending_sent. */
size_t pending_unsent(pending_t *self, bus_place_t *places, size_t max);
/* All up to and including that ticket went out. */
void pending_sent(pending_t *self, uint64_t ticket);
/* Everything open is to be sent again, flagged BUS_PLACE_RESENT where it had
 * gone out. Returns how many. */
size_t pending_resend(pending_t *self);

#endif
