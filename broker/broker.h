/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker's states. This file's .c is the only place that changes them:
 * events of the ledger and of the control channel come in, the phase of the
 * present state is asked, and what it returns decides what comes next.
 *
 *              lease got             level
 *     STANDBY ──────────► LOADING ─────────────► LEADING ◄────────┐
 *      ▲  ▲  ▲               │ Redis is empty,      │ Redis lost, │ level
 *      │  │  │               │ or behind the        ▼ or refuses  │ again, or
 *      │  │  │               ▼ store      whole    AWAY ──────────┘ repaired
 *      │  │  └─────── RESTORING ───────────────────►│
 *      │  │ lost                                    │
 *      │  └─────────────────────────────────────────┘
 *      │          another broker leads
 *
 * STANDBY follows what is committed and says nothing. LOADING brings memory to
 * where Redis is and hears the store. RESTORING creates the canvas or fetches
 * it from the store. LEADING decides and commits. AWAY serves memory, which
 * Redis is not level with: it answers placements `unavailable`, everything else
 * as a leader does, and repairs Redis if that is there.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "broker/parts.h"

typedef enum { STANDBY, LOADING, RESTORING, LEADING, AWAY } broker_state_t;

typedef struct broker broker_t;

/* `sockets` by bus_channel_t, borrowed, as is `config`. */
broker_t *broker_new(const broker_config_t *config, const canvas_t *blank,
                     zsock_t *const *sockets);
void broker_destroy(broker_t **self_p);
/* Borrows the ledger, whose events come from now on. */
void broker_use(broker_t *self, ledger_t *ledger);

broker_state_t broker_state(const broker_t *self);
/* LEADING or AWAY: memory is served. */
bool broker_serves(const broker_t *self);
parts_t *broker_parts(broker_t *self);

/* Each event is broker_wake, one or several of the functions below, then
 * broker_settle, which does what can be done now (see events.h). */
void broker_wake(broker_t *self, now_t now);
void broker_settle(broker_t *self);

/* The ledger's events: see ledger_events_t. */
void broker_on_ready(broker_t *self);
void broker_on_lost(broker_t *self);
void broker_on_lead(broker_t *self, const ledger_lead_t *lead);
void broker_on_renew(broker_t *self, bool done);
void broker_on_commit(broker_t *self, bool done);
void broker_on_put(broker_t *self, bool done);
void broker_on_canvas(broker_t *self, bool done);
void broker_on_released(broker_t *self);
void broker_on_board(broker_t *self, const void *bytes, size_t size);
void broker_on_bans(broker_t *self, const uint64_t *users, size_t count);
void broker_on_policy(broker_t *self, const void *bytes, size_t size);
void broker_on_log(broker_t *self, const ledger_entry_t *entry);
void broker_on_loaded(broker_t *self);
void broker_on_looked(broker_t *self, const ledger_look_t *look);

/* A message came on the control channel; the caller closes it. */
void broker_on_mail(broker_t *self, mail_t *mail);

/* The ingress was read: what moderators ask is there. */
void broker_on_errands(broker_t *self);

/* The times have come: publish_ms, a second, a part of the lease. */
void broker_on_publish(broker_t *self);
void broker_on_second(broker_t *self);
void broker_on_lease(broker_t *self);
/* … and the few milliseconds after which a standby looks. */
void broker_on_follow(broker_t *self);

/* Begins to stop; then true once the commit on its way is answered and the
 * lease given back. */
void broker_stop(broker_t *self);
bool broker_stopped(broker_t *self);

#endif
