/* SPDX-License-Identifier: Apache-2.0
 *
 * See broker.h.
 */
#include "broker/states.h"

#include "broker/metrics.h"
#include "common/log.h"
#include "common/mem.h"

#include <inttypes.h>

/* A commit on its way at SIGTERM is waited for, but not for ever. */
#define STOP_MAX_MS 5000
/* In a Redis that was restarted: how long a memory that holds more may take to
 * come. Connections are tried each 500 ms. */
#define GRACE_MS 1500
/* What lasts is said again after so long. */
#define REMIND_MS 10000

const char *const broker_words[] = {"standby", "loading", "restoring", "leader",
                                    "away"};

/* ---- the states ------------------------------------------------------ */

bool broker_serves(const broker_t *self)
{
    return self->state == LEADING || self->state == AWAY;
}

static void s_enter(broker_t *self, broker_state_t state)
{
    assert(state == STANDBY || self->parts.world.epoch);
    assert((state != LEADING && state != AWAY) || self->parts.world.board);
    if (self->state != state)
        log_info("state", "from=%s to=%s", broker_words[self->state],
                 broker_words[state]);
    self->state = state;
    GAUGE(STATE, state);
    GAUGE(LEADING, broker_serves(self));
    GAUGE(EPOCH, self->parts.world.epoch);
}

/* Stands by; `why` is a word for the log. A memory that was whole is kept, and
 * given up only when Redis is seen to hold it (following.c). */
void states_step_down(broker_t *self, const char *why)
{
    parts_t *parts = &self->parts;
    bool whole = broker_serves(self) ||
                 (self->state == LOADING && loading_holds(&self->loading));
    assert(self->state != STANDBY);
    log_warn("step_down", "why=%s epoch=%" PRIu32 " seq=%" PRIu64, why,
             parts->world.epoch, parts->world.seq);
    COUNT(STEP_DOWNS);
    ledger_forget(parts->ledger);
    ctl_give_up(&self->ctl, parts, "standby");
    leading_clear(&self->leading, parts);
    ingress_clear(&parts->ingress);
    syncs_forget_board(&parts->syncs);
    persisters_forget_grant(&parts->persisters);
    restoring_end(&self->restoring);
    if (!whole)
        world_clear(&parts->world);
    parts->world.epoch = 0;
    self->repair.active = self->raising = self->asked = self->renewing = false;
    following_begin(&self->following);
    s_enter(self, STANDBY);
}

void states_say_lost(broker_t *self, const lost_t *lost, const char *why)
{
    if (lost->from && lost->from <= lost->to) {
        parts_say_lost(&self->parts, lost->from, lost->to, why);
        self->parts.world.born = self->parts.world.epoch;
    }
}

/* Asks for the lease, or for a higher epoch with it. `over`: see ledger_bid_t.
 */
void states_bid(broker_t *self, uint32_t known_epoch, const position_t *over)
{
    const parts_t *parts = &self->parts;
    uint64_t now_ms = parts->now.mono_ms;
    bool fresh = self->state != STANDBY && parts_fenced(parts);
    if (self->asked || self->stopping || now_ms < self->bid_at_ms ||
        !ledger_ready(parts->ledger))
        return;
    self->asked = true;
    self->asked_at_ms = now_ms;
    ledger_bid_t bid = {.known_epoch = known_epoch,
                        .epoch = parts->world.epoch,
                        .holds = parts->world.board ? parts->world.seq : 0,
                        .grace_ms = fresh ? 0 : GRACE_MS,
                        .over = over};
    ledger_lead(parts->ledger, &bid);
}

uint32_t states_known_epoch(const broker_t *self)
{
    uint32_t known = persisters_epoch(&self->parts.persisters);
    if (self->parts.syncs.epochs.told > known)
        known = self->parts.syncs.epochs.told;
    /* A Redis that was put back may not know it any more. */
    if (self->seen_epoch > known && self->seen_epoch != self->parts.world.epoch)
        known = self->seen_epoch;
    return known;
}

void states_see_epoch(broker_t *self, uint32_t epoch)
{
    if (epoch > self->seen_epoch)
        self->seen_epoch = epoch;
}

void states_doubt(broker_t *self)
{
    uint32_t known = states_known_epoch(self), own = self->parts.world.epoch;
    if (self->state != LEADING || self->stopping || known <= own)
        return;
    log_warn("epoch_passed", "epoch=%" PRIu32 " known=%" PRIu32, own, known);
    states_suspend(self);
}

/* Redis is level with the world: leads. */
void states_take_lead(broker_t *self, bool sure)
{
    if (!broker_serves(self))
        leading_begin(&self->leading, &self->parts);
    s_enter(self, LEADING);
    self->behind_told_ms = 0;
    if (!sure)
        ledger_vouch(self->parts.ledger, self->parts.world.epoch);
    leading_go_on(&self->leading, &self->parts);
}

/* Serves the world at hand while Redis, which is at `at`, is written. */
static void s_repair(broker_t *self, const position_t *at)
{
    if (!broker_serves(self))
        leading_begin(&self->leading, &self->parts);
    s_enter(self, AWAY);
    repair_start(&self->repair, &self->parts, at);
}

/* Redis is lost, or refuses what a leader sends: look before deciding. */
void states_suspend(broker_t *self)
{
    assert(broker_serves(self));
    leading_suspend(&self->leading, &self->parts);
    self->repair.active = self->asked = self->renewing = false;
    ctl_give_up(&self->ctl, &self->parts, "redis was lost: ask for the status");
    s_enter(self, AWAY);
    self->bid_at_ms = 0;
    states_bid(self, states_known_epoch(self), NULL);
}

/* Whether our epoch is above what every store has seen; else asks for a higher
 * one, and the phase is looked at when it is there. */
static bool s_epoch_fits(broker_t *self)
{
    uint32_t known = states_known_epoch(self);
    bool fits = self->parts.world.epoch > known;
    if (!fits && !self->raising) {
        self->raising = true;
        self->bid_at_ms = 0;
        states_bid(self, known, NULL);
    }
    return fits && !self->raising;
}

static void s_restore(broker_t *self, bool empty, bool end_lost)
{
    s_enter(self, RESTORING);
    restoring_begin(&self->restoring, &self->parts, empty, self->seen);
    self->restoring.end_lost = end_lost;
}

static void s_load(broker_t *self, const ledger_meta_t *meta)
{
    world_clear(&self->parts.world);
    self->parts.world.epoch = meta->epoch;
    s_enter(self, LOADING);
    if (loading_begin(&self->loading, &self->parts, meta) < 0)
        states_step_down(self, "canvas_malformed");
}

/* Said once, and again now and then while what mends it does not succeed. */
static void s_redis_behind(broker_t *self, const ledger_meta_t *meta)
{
    COUNT(REDIS_REPAIRS);
    uint64_t now_ms = self->parts.now.mono_ms;
    if (self->behind_told_ms && now_ms - self->behind_told_ms < REMIND_MS)
        return;
    self->behind_told_ms = now_ms;
    log_warn("redis_behind", "redis_seq=%" PRIu64 " seq=%" PRIu64 " empty=%d",
             meta->at.seq, self->parts.world.seq, meta->empty);
}

/* The lease is ours, and Redis is at `meta`: whose history is led? */
void states_succeed(broker_t *self, const ledger_meta_t *meta)
{
    parts_t *parts = &self->parts;
    history_view_t mine = history_view(parts->world.history);
    lost_t lost;
    assert(meta->epoch && !self->repair.active);
    succession_t succession =
        succession_of(parts->world.board ? &mine : NULL, meta, &lost);
    parts->world.epoch = meta->epoch;
    self->seen |= !meta->empty;
    states_say_lost(self, &lost, "forked");
    switch (succession) {
    case SUCCEED_NOTHING:
        s_restore(self, true, true);
        break;
    case SUCCEED_REDIS:
        s_load(self, meta);
        break;
    case SUCCEED_LEVEL:
    case SUCCEED_READ_ON:
        s_enter(self, LOADING);
        loading_read_on(&self->loading, parts, meta);
        break;
    case SUCCEED_MEMORY:
        s_redis_behind(self, meta);
        s_enter(self, LOADING);
        loading_keep(&self->loading, meta, lost.from || meta->empty);
        break;
    }
}

/* A leader that Redis, or the answer of a batch, was lost to is back. */
void states_resume(broker_t *self, const ledger_meta_t *meta, bool alone)
{
    parts_t *parts = &self->parts;
    lost_t lost;
    leading_resume(&self->leading, parts, meta);
    history_view_t mine = history_view(parts->world.history);
    switch (succession_on_return(&mine, meta, alone, &lost)) {
    case SUCCEED_LEVEL:
        states_take_lead(self, meta->sure);
        break;
    case SUCCEED_MEMORY:
        states_say_lost(self, &lost, "forked");
        s_redis_behind(self, meta);
        s_repair(self, lost.from || meta->empty ? NULL : &meta->at);
        break;
    default: /* another has, or may have, led since */
        leading_clear(&self->leading, parts);
        ingress_clear(&parts->ingress);
        states_succeed(self, meta);
    }
}

/* Redis holds less than the store, or nothing: it has lost its end, and nobody
 * remembers it. What was acknowledged behind the store's end went with it. */
static void s_say_end_lost(broker_t *self)
{
    world_t *world = &self->parts.world;
    if (!self->restoring.end_lost || !world->seq)
        return;
    parts_say_lost(&self->parts, world->seq + 1, 0, "redis_lost_its_end");
    world->born = world->epoch;
}

void states_on_restoring(broker_t *self, restoring_result_t says)
{
    restoring_t *restoring = &self->restoring;
    parts_t *parts = &self->parts;
    if (says == RESTORING_KNOWS && s_epoch_fits(self))
        says = restoring_go_on(restoring, parts);
    if (says == RESTORING_FORKED) {
        lost_t lost = {parts->world.seq, parts->world.seq};
        if (!restoring->empty)
            states_say_lost(self, &lost, "store_is_longer");
        s_restore(self, true, false);
    }
    if (says == RESTORING_WHOLE && s_epoch_fits(self)) {
        s_say_end_lost(self);
        s_repair(self, restoring->empty ? NULL : &self->loading.meta.at);
    }
}

/* Memory cannot be read on to where Redis is. */
static void s_begin_anew(broker_t *self, const char *why)
{
    states_step_down(self, why);
    world_clear(&self->parts.world);
    ledger_release(self->parts.ledger);
}

static void s_on_loading(broker_t *self, loading_result_t says)
{
    const loading_t *loading = &self->loading;
    parts_t *parts = &self->parts;
    if (says == LOADING_WAITS || !s_epoch_fits(self))
        return;
    switch (says) {
    case LOADING_WAITS:
        break;
    case LOADING_LEVEL:
        states_take_lead(self, loading->meta.sure);
        break;
    case LOADING_TORN:
        s_repair(self, loading->given_up ? NULL : &loading->meta.at);
        break;
    case LOADING_FORKED:
        parts_say_lost(parts, parts->world.seq, parts->world.seq, "forked");
        s_begin_anew(self, "forked");
        break;
    case LOADING_GAP:
        s_begin_anew(self, "log_was_trimmed");
        break;
    case LOADING_UNPROVEN:
        s_enter(self, RESTORING);
        restoring_begin_under(&self->restoring, parts);
        break;
    case LOADING_BEHIND:
        s_restore(self, false, true);
        states_on_restoring(self, restoring_look(&self->restoring, parts));
    }
}

/* Something came, time passed, a persister spoke, or the epoch was raised. */
void states_look(broker_t *self)
{
    if (self->state == LOADING)
        s_on_loading(self, loading_look(&self->loading, &self->parts));
    else if (self->state == RESTORING)
        states_on_restoring(self,
                            restoring_look(&self->restoring, &self->parts));
}

/* ---- each event ------------------------------------------------------ */

void broker_wake(broker_t *self, now_t now)
{
    parts_wake(&self->parts, now);
}

static leading_mode_t s_mode(const broker_t *self)
{
    if (self->state == AWAY)
        return LEADING_REFUSES;
    return self->stopping ? LEADING_HOLDS : LEADING_PLACES;
}

/* Edges tell everybody which epoch they followed, not only who leads. */
static void s_listen(broker_t *self)
{
    parts_t *parts = &self->parts;
    uint32_t known = states_known_epoch(self);
    if (self->seen_epoch > known)
        known = self->seen_epoch;
    for (mail_t mail; ingress_next_sync(&parts->ingress, &mail);)
        syncs_listen(&parts->syncs, &mail, known, parts->now.mono_ms);
}

/* After anything that may have given the state something to do. */
void broker_settle(broker_t *self)
{
    if (broker_serves(self))
        leading_pump(&self->leading, &self->parts, s_mode(self));
    else
        s_listen(self);
    if (self->parts.syncs.epochs.told > self->parts.world.epoch)
        states_doubt(self);
    GAUGE(SEQ, self->parts.world.seq);
}

/* ---- sockets and time ------------------------------------------------ */

void broker_on_publish(broker_t *self)
{
    self->leading.publish_due = true;
}

void broker_on_second(broker_t *self)
{
    edges_expire(self->parts.ingress.edges, self->parts.now.mono_ms);
    history_tick(self->parts.world.history, self->parts.now.mono_ms);
    states_doubt(self);
    if (broker_serves(self))
        leading_second(&self->leading, &self->parts, self->state == LEADING);
    parts_gauge(&self->parts);
}

static void s_renew(broker_t *self)
{
    const world_t *world = &self->parts.world;
    if (self->raising || self->stopping || self->renewing)
        return;
    self->renewing = true;
    self->asked_at_ms = self->parts.now.mono_ms;
    ledger_renew(self->parts.ledger, world->epoch,
                 self->state == LEADING || !world->board ? 0 : world->seq);
}

/* Renews the lease, asks for it again, or lets a waiting phase go on. */
void broker_on_lease(broker_t *self)
{
    if (!ledger_ready(self->parts.ledger))
        return;
    if (self->state == AWAY && !self->repair.active)
        states_bid(self, states_known_epoch(self), NULL);
    else if (self->state != STANDBY)
        s_renew(self);
    states_look(self);
}

void broker_on_follow(broker_t *self)
{
    if (self->state == STANDBY)
        following_tick(&self->following, &self->parts);
}

void broker_stop(broker_t *self)
{
    assert(!self->stopping);
    self->stopping = true;
    self->stop_at_ms = self->parts.now.mono_ms + STOP_MAX_MS;
}

bool broker_stopped(broker_t *self)
{
    assert(self->stopping);
    if (self->ended || self->parts.now.mono_ms > self->stop_at_ms ||
        self->state == STANDBY || self->state == AWAY ||
        !ledger_ready(self->parts.ledger))
        return true;
    if (self->leading.commit.state != COMMIT_IN_FLIGHT && !self->released) {
        self->released = true;
        self->leading.publish_due = true;
        ledger_release(self->parts.ledger);
    }
    return false;
}

/* ---- making it ------------------------------------------------------- */

broker_t *broker_new(const broker_config_t *config, const canvas_t *blank,
                     zsock_t *const *sockets)
{
    broker_t *self = mem_zalloc(1, sizeof *self);
    parts_init(&self->parts, config, blank, sockets);
    leading_init(&self->leading, config);
    return self;
}

void broker_use(broker_t *self, ledger_t *ledger)
{
    assert(ledger && !self->parts.ledger);
    self->parts.ledger = ledger;
}

void broker_destroy(broker_t **self_p)
{
    broker_t *self = *self_p;
    if (!self)
        return;
    ctl_give_up(&self->ctl, &self->parts, "stopping");
    desk_give_up(&self->leading.desk, &self->parts, "stopping");
    looks_give_up(&self->leading.desk.looks, &self->parts, "stopping");
    restoring_end(&self->restoring);
    leading_fini(&self->leading);
    parts_fini(&self->parts);
    free(self);
    *self_p = NULL;
}

broker_state_t broker_state(const broker_t *self)
{
    return self->state;
}

parts_t *broker_parts(broker_t *self)
{
    return &self->parts;
}
