/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a broker_t, for the files that make it up: broker.c holds the
 * states and changes them, by the functions below; broker_ledger.c and
 * broker_control.c bring it what the ledger answers and what comes on the
 * control channel.
 */
#ifndef BROKER_STATES_H
#define BROKER_STATES_H

#include "broker/broker.h"
#include "broker/ctl.h"
#include "broker/following.h"
#include "broker/leading.h"
#include "broker/loading.h"
#include "broker/repair.h"
#include "broker/restoring.h"
#include "broker/succession.h"

struct broker {
    parts_t parts;
    broker_state_t state;
    bool asked;    /* for the lease; the answer is to come */
    bool raising;  /* … and it is for a higher epoch: do not renew this one */
    bool seen;     /* Redis held a canvas, or a leader, at some time */
    bool renewing; /* the answer to a renewal is to come */
    bool stopping; /* since stop_at_ms − STOP_MAX_MS */
    bool released; /* the lease was given back; the answer is to come … */
    bool ended;    /* … or is there */
    bool refused;  /* Redis is of a newer version; it was logged */
    uint32_t seen_epoch;  /* the highest that Redis ever told */
    uint64_t asked_at_ms; /* for the lease, or its renewal */
    uint64_t bid_at_ms;   /* do not ask for the lease before this */
    uint64_t stop_at_ms;
    uint64_t behind_told_ms; /* the last redis_behind; 0: none since the lead */
    following_t following;
    leading_t leading;
    loading_t loading;
    restoring_t restoring;
    repair_t repair;
    ctl_t ctl;
};

/* By broker_state_t. */
extern const char *const broker_words[];

/* Stands by; `why` is a word for the log. A memory that was whole is kept, and
 * given up only when Redis is seen to hold it (following.c). */
void states_step_down(broker_t *self, const char *why);
/* The lease is ours, and Redis is at `meta`. */
void states_succeed(broker_t *self, const ledger_meta_t *meta);
/* AWAY, and the lease is ours again. `alone`: it never ran out. */
void states_resume(broker_t *self, const ledger_meta_t *meta, bool alone);
/* Redis is level with the world: leads. */
void states_take_lead(broker_t *self, bool sure);
/* Redis is lost, or refuses what a leader sends: AWAY. */
void states_suspend(broker_t *self);
/* Asks for the lease, or for a higher epoch with it. `over`: see ledger_bid_t.
 */
void states_bid(broker_t *self, uint32_t known_epoch, const position_t *over);
/* The highest epoch of others that anybody told of. */
uint32_t states_known_epoch(const broker_t *self);
/* Redis is at that epoch. */
void states_see_epoch(broker_t *self, uint32_t epoch);
/* Somebody may have led above our epoch: looks, if we lead. */
void states_doubt(broker_t *self);
void states_on_restoring(broker_t *self, restoring_result_t says);
/* Something came, time passed, a persister spoke, or the epoch was raised. */
void states_look(broker_t *self);
/* Says what is lost, if anything is. */
void states_say_lost(broker_t *self, const lost_t *lost, const char *why);

#endif
