/* SPDX-License-Identifier: Apache-2.0
 *
 * What the broker's phases work with: the parts are objects with headers of
 * their own, this is the box they stand in. A phase gets itself and the parts,
 * and returns what it found; it knows no other phase and no state. It never
 * reads a clock: `now` is the moment of the event that is being handled.
 */
#ifndef BROKER_PARTS_H
#define BROKER_PARTS_H

#include "broker/config.h"
#include "broker/feed.h"
#include "broker/ingress.h"
#include "broker/ledger.h"
#include "broker/persisters.h"
#include "broker/rights.h"
#include "broker/syncs.h"
#include "broker/world.h"

typedef struct {
    uint64_t mono_ms, wall_ms;
} now_t;

typedef struct {
    const broker_config_t *config;
    canvas_t blank; /* what the settings create */
    now_t now;
    uint64_t lease_until_ms; /* mono: nobody else can have led before this */
    ledger_t *ledger;
    const rights_t *rights; /* borrowed; NULL: nobody has any by token */
    ingress_t ingress;
    feed_t *feed;
    zsock_t *journal, *control; /* borrowed */
    persisters_t persisters;
    world_t world;
    syncs_t syncs;
} parts_t;

/* `sockets` by bus_channel_t, borrowed; the ledger is set by the caller. */
void parts_init(parts_t *self, const broker_config_t *config,
                const canvas_t *blank, zsock_t *const *sockets);
void parts_fini(parts_t *self);

/* Whether nobody else can lead now. A commit is fenced by Redis; what needs
 * none (a message with rejections only) leaves while this is true. */
static inline bool parts_fenced(const parts_t *self)
{
    return self->now.mono_ms < self->lease_until_ms;
}

/* The moment of the next event. */
void parts_wake(parts_t *self, now_t now);

/* How many committed records no store has confirmed. */
uint64_t parts_unconfirmed(const parts_t *self);
/* How long the oldest of those has waited, by its own time; 0 if none does. */
uint64_t parts_behind_ms(const parts_t *self);
/* How many records the log holds. */
uint64_t parts_log_records(const parts_t *self);
/* Whether placing waits for room in Redis; a standby does not know. */
bool parts_redis_full(const parts_t *self);
/* Placements made before this need not be remembered. */
uint64_t parts_keep_from_ms(const parts_t *self);
/* Says that acknowledged placements are in no history any more; `why` is a word
 * for the log. `to` 0: nobody knows how many, or whether there were any. */
void parts_say_lost(const parts_t *self, uint64_t from, uint64_t to,
                    const char *why);
/* Compares what the stores said with the history that is held now. */
void parts_relate_stores(parts_t *self);
/* Shows all that in the metrics. */
void parts_gauge(const parts_t *self);

#endif
