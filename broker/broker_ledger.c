/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger answers, brought to the states: see states.h.
 */
#include "broker/states.h"

#include "broker/metrics.h"
#include "common/log.h"

void broker_on_ready(broker_t *self)
{
    self->bid_at_ms = 0;
    if (self->state == AWAY)
        states_bid(self, states_known_epoch(self), NULL);
    else if (self->state == STANDBY)
        following_tick(&self->following, &self->parts);
}

void broker_on_lost(broker_t *self)
{
    self->asked = self->raising = self->renewing = false;
    if (broker_serves(self))
        states_suspend(self);
    else if (self->state != STANDBY)
        states_step_down(self, "redis_lost");
    else if (self->following.reading)
        world_clear(&self->parts.world);
    following_begin(&self->following);
}

static void s_led(broker_t *self, const ledger_meta_t *meta)
{
    bool alone = parts_fenced(&self->parts);
    self->bid_at_ms = 0;
    self->parts.lease_until_ms =
        self->asked_at_ms + (uint64_t)self->parts.config->lease_ms;
    states_see_epoch(self, meta->epoch);
    if (self->stopping) {
        ledger_release(self->parts.ledger);
    } else if (self->state == STANDBY) {
        ledger_forget(self->parts.ledger);
        if (self->following.reading)
            world_clear(&self->parts.world);
        states_succeed(self, meta);
    } else if (self->state == AWAY) {
        states_resume(self, meta, alone);
    } else {
        assert(self->raising);
        self->raising = false;
        self->parts.world.epoch = meta->epoch;
    }
    states_look(self);
}

static void s_tell_format(broker_t *self)
{
    if (!self->refused)
        log_error("redis_format",
                  "hint=\"written by a newer version of stipple: install it "
                  "here\"");
    self->refused = true;
}

void broker_on_lead(broker_t *self, const ledger_lead_t *lead)
{
    assert(self->asked);
    self->asked = false;
    ledger_settled(self->parts.ledger);
    if (lead->result == LEAD_DONE) {
        s_led(self, &lead->meta);
        return;
    }
    /* A lease may be given back long before it ends: the looks see that. */
    uint32_t wait_ms = lead->result == LEAD_HELD ? 0 : lead->wait_ms;
    self->bid_at_ms = self->parts.now.mono_ms + wait_ms;
    self->seen |= lead->result == LEAD_HELD;
    if (lead->result == LEAD_FORMAT)
        s_tell_format(self);
    if (self->state != STANDBY &&
        (self->state != AWAY || lead->result != LEAD_WAITS))
        states_step_down(self, "superseded");
}

void broker_on_renew(broker_t *self, bool done)
{
    self->renewing = false;
    ledger_settled(self->parts.ledger);
    if (done)
        self->parts.lease_until_ms =
            self->asked_at_ms + (uint64_t)self->parts.config->lease_ms;
    else if (broker_serves(self))
        states_suspend(self);
    else if (self->state != STANDBY)
        states_step_down(self, "superseded");
}

void broker_on_commit(broker_t *self, bool done)
{
    assert(self->state == LEADING);
    /* Epoch or seq are not what we left: look before deciding anything. */
    if (leading_on_commit(&self->leading, &self->parts, done) < 0)
        states_suspend(self);
}

void broker_on_put(broker_t *self, bool done)
{
    assert(self->state == AWAY);
    switch (repair_on_put(&self->repair, &self->parts, done)) {
    case REPAIR_GOES_ON:
        break;
    case REPAIR_DONE:
        states_take_lead(self, true);
        break;
    case REPAIR_REFUSED:
        states_suspend(self);
        break;
    }
}

void broker_on_canvas(broker_t *self, bool done)
{
    ctl_on_canvas(&self->ctl, &self->parts, &self->leading.desk, done);
}

void broker_on_released(broker_t *self)
{
    self->ended = self->stopping;
}

void broker_on_board(broker_t *self, const void *bytes, size_t size)
{
    if (self->state == STANDBY)
        following_on_board(&self->following, &self->parts, bytes, size);
    else
        loading_on_board(&self->loading, &self->parts, bytes, size);
}

void broker_on_bans(broker_t *self, const uint64_t *users, size_t count)
{
    bans_set(&self->parts.world.bans, users, count);
}

void broker_on_policy(broker_t *self, const void *bytes, size_t size)
{
    if (policy_decode(self->parts.world.policy, bytes, size) < 0)
        log_error("policy_malformed", "size=%zu", size);
}

void broker_on_log(broker_t *self, const ledger_entry_t *entry)
{
    if (self->state == STANDBY)
        following_on_log(&self->following, &self->parts, entry);
    else
        loading_on_log(&self->loading, &self->parts, entry);
}

void broker_on_loaded(broker_t *self)
{
    if (self->state == STANDBY)
        following_on_loaded(&self->following, &self->parts);
    else
        loading_on_loaded(&self->loading, &self->parts);
    states_look(self);
}

/* Free, or held for longer than any leader asks for: a bid cuts that. */
static bool s_is_open(const broker_t *self, const ledger_look_t *look)
{
    return !look->held ||
           look->lease_ms > (uint64_t)self->parts.config->lease_ms;
}

/* The standby's look at Redis: is it time to lead? */
static void s_on_followed(broker_t *self, const ledger_look_t *look)
{
    lost_t lost;
    following_result_t says =
        following_on_looked(&self->following, &self->parts, look, &lost);
    self->seen |= !look->meta.empty;
    states_see_epoch(self, look->meta.epoch);
    if (!s_is_open(self, look))
        ledger_settled(self->parts.ledger); /* no more is asked of it now */
    if (s_is_open(self, look)) {
        states_bid(self, states_known_epoch(self), NULL);
    } else if (says == FOLLOWING_LONGER) {
        states_bid(self, states_known_epoch(self), &look->meta.at);
    } else if (says == FOLLOWING_FORKED) {
        states_say_lost(self, &lost, "another_history_is_led");
        world_clear(&self->parts.world);
        following_begin(&self->following);
    }
}

void broker_on_looked(broker_t *self, const ledger_look_t *look)
{
    if (self->state == LOADING)
        loading_on_looked(&self->loading, &self->parts);
    else
        s_on_followed(self, look);
    states_look(self);
}
