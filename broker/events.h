/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a broker: takes the moment, reads the sockets, tells the
 * broker, and lets it do what can be done then. The one place that reads the
 * clock.
 */
#ifndef BROKER_EVENTS_H
#define BROKER_EVENTS_H

#include "broker/broker.h"

typedef struct {
    broker_t *broker;
    /* After each event: events_has_room may have changed. NULL: not told. */
    void (*on_settled)(void *context);
    void *context;
} events_t;

/* The ledger's; their context is an events_t. */
extern const ledger_events_t events_of_ledger;

/* Whether the ingress may be read. */
bool events_has_room(const events_t *self);

/* Something is to be read. */
void events_ingress(events_t *self);
void events_control(events_t *self);
/* The times have come: see broker.h. */
void events_publish(events_t *self);
void events_second(events_t *self);
void events_lease(events_t *self);
void events_follow(events_t *self);
/* Begins to stop; then, asked now and then, true once it has. */
void events_stop(events_t *self);
bool events_stopped(events_t *self);

#endif
