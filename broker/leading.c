/* SPDX-License-Identifier: Apache-2.0
 *
 * See leading.h.
 */
#include "broker/leading.h"

#include "broker/metrics.h"
#include "common/log.h"

#include <inttypes.h>

/* Log records dropped at once, and least worth a call. */
#define TRIM_MOST 500000u
#define TRIM_LEAST 256u

void leading_init(leading_t *self, const broker_config_t *config)
{
    *self = (leading_t){0};
    repeats_init(&self->repeats);
    desk_init(&self->desk);
    commit_init(&self->commit, (size_t)config->batch_max);
}

void leading_fini(leading_t *self)
{
    repeats_fini(&self->repeats);
    desk_fini(&self->desk);
    commit_fini(&self->commit);
}

void leading_clear(leading_t *self, parts_t *parts)
{
    commit_doubt(&self->commit, parts);
    if (self->commit.state == COMMIT_IN_DOUBT)
        world_forget_batch(&parts->world, parts->now.wall_ms);
    commit_clear(&self->commit);
    desk_give_up(&self->desk, parts, DESK_LOST);
    looks_give_up(&self->desk.looks, parts, "another broker leads: ask again");
    self->log_full = self->publish_due = self->beat_due = false;
}

/* ---- the feed -------------------------------------------------------- */

/* The settings come with each beat: whoever missed a change of them, by a link
 * that was lost or a full queue, is right again a second later. */
static void s_beat(parts_t *parts)
{
    const world_t *world = &parts->world;
    bus_beat_t beat = {.epoch = world->epoch,
                       .seq = world->seq,
                       .digest = world->digest,
                       .online = edges_viewers(parts->ingress.edges),
                       .lease_ms = (uint32_t)parts->config->lease_ms,
                       .chain = world_head(world).chain};
    feed_beat(parts->feed, &beat);
    feed_canvas(parts->feed, &world->canvas);
    feed_taken(parts->feed, world->epoch, parts->ingress.taken);
    tally_clear(parts->ingress.taken);
}

/* At a quiescent point: what is due on the feed. A beat comes behind its diff.
 */
static void s_publish(leading_t *self, parts_t *parts)
{
    const world_t *world = &parts->world;
    assert(self->commit.state != COMMIT_IN_FLIGHT);
    if (self->publish_due || self->beat_due)
        feed_publish(parts->feed, world->epoch, world_head(world),
                     world->board);
    if (self->beat_due)
        s_beat(parts);
    self->publish_due = self->beat_due = false;
}

static void s_announce(parts_t *parts)
{
    parts->world.canvas.epoch = parts->world.epoch;
    syncs_forget_board(&parts->syncs);
    s_beat(parts);
}

/* ---- deciding and committing ----------------------------------------- */

static void s_watch_length(leading_t *self, const parts_t *parts)
{
    uint64_t unconfirmed = parts_unconfirmed(parts);
    uint64_t limit = (uint64_t)parts->config->log_limit;
    bool full = unconfirmed >= limit;
    if (full && !self->log_full)
        log_error("log_full", "unconfirmed=%" PRIu64 " limit=%" PRIu64,
                  unconfirmed, limit);
    else if (!full && self->log_full)
        log_info("log_has_room", "unconfirmed=%" PRIu64, unconfirmed);
    self->log_full = full;
}

static void s_prepare(leading_t *self, parts_t *parts, batch_t *batch)
{
    self->decide.world = &parts->world;
    self->decide.repeats = &self->repeats;
    self->decide.batch = batch;
    self->decide.log_full = self->log_full;
    self->decide.now_ms = parts->now.wall_ms;
}

/* Decides what waits, until the batch is large enough. */
static void s_gather(leading_t *self, parts_t *parts)
{
    commit_t *commit = &self->commit;
    size_t enough = (size_t)parts->config->batch_max;
    mail_t mail, verdicts;
    assert(commit->state == COMMIT_IDLE);
    s_watch_length(self, parts);
    s_prepare(self, parts, commit->batch);
    batch_begin(commit->batch, world_head(&parts->world),
                parts->world.canvas.bits);
    while (batch_count(commit->batch) < enough &&
           !mailbox_is_full(&commit->verdicts) &&
           ingress_next_places(&parts->ingress, &mail))
        if (decide_mail(&self->decide, &mail, &verdicts))
            mailbox_put(&commit->verdicts, &verdicts);
    desk_fill(&self->desk, parts, commit->batch);
    commit->digest = board_digest(parts->world.board);
}

static void s_place(leading_t *self, parts_t *parts)
{
    commit_t *commit = &self->commit;
    while (commit->state == COMMIT_IDLE) {
        s_gather(self, parts);
        if (batch_count(commit->batch)) {
            batch_seal(commit->batch);
            commit_send(commit, parts);
        } else if (mailbox_count(&commit->verdicts) && parts_fenced(parts)) {
            commit_send_verdicts(commit, parts);
        } else {
            break;
        }
    }
}

static void s_refuse(leading_t *self, parts_t *parts)
{
    mail_t mail, verdicts;
    s_prepare(self, parts, NULL);
    while (ingress_next_places(&parts->ingress, &mail))
        if (decide_mail(&self->decide, &mail, &verdicts))
            ingress_send(&parts->ingress, &verdicts);
}

void leading_pump(leading_t *self, parts_t *parts, leading_mode_t mode)
{
    assert(parts->world.board);
    if (self->commit.state == COMMIT_IN_FLIGHT)
        return;
    s_publish(self, parts);
    for (mail_t mail; ingress_next_sync(&parts->ingress, &mail);)
        syncs_answer(&parts->syncs, &parts->ingress, &parts->world, &mail,
                     parts->now.mono_ms);
    if (mode == LEADING_PLACES && !ledger_full(parts->ledger))
        s_place(self, parts);
    if (mode == LEADING_REFUSES || ledger_full(parts->ledger))
        s_refuse(self, parts);
}

int leading_on_commit(leading_t *self, parts_t *parts, bool done)
{
    assert(self->commit.state == COMMIT_IN_FLIGHT);
    if (done) {
        commit_applied(&self->commit, parts);
        desk_settle(&self->desk, parts);
        return 0;
    }
    if (!ledger_full(parts->ledger))
        return -1;
    commit_refuse(&self->commit, parts);
    world_forget_batch(&parts->world, parts->now.wall_ms);
    desk_give_up(&self->desk, parts, "Redis is full: nothing can be done");
    return 0;
}

/* ---- beginning and ending -------------------------------------------- */

void leading_begin(leading_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    uint32_t pixels = board_pixels(world->board);
    assert(self->commit.state == COMMIT_IDLE && world->epoch);
    assert(world->seq == world_head(world).seq);
    assert(chain_known(world_head(world).chain));
    parts_relate_stores(parts);
    world->digest = board_digest(world->board);
    syncs_begin(&parts->syncs, pixels);
    feed_begin(parts->feed, world->seq, pixels);
    persisters_recall(&parts->persisters, world->seq, parts->now.mono_ms);
    COUNT(LEADS);
    log_info("leading",
             "epoch=%" PRIu32 " seq=%" PRIu64 " log=%" PRIu64 " users=%zu",
             world->epoch, world->seq, parts_log_records(parts),
             users_count(world->users));
}

void leading_go_on(leading_t *self, parts_t *parts)
{
    assert(self->commit.state != COMMIT_IN_FLIGHT);
    s_announce(parts);
    if (self->commit.state == COMMIT_IN_DOUBT)
        commit_send(&self->commit, parts);
    else
        ledger_settled(parts->ledger);
}

void leading_suspend(leading_t *self, parts_t *parts)
{
    assert(parts->world.board);
    ledger_forget(parts->ledger);
    commit_doubt(&self->commit, parts);
    desk_give_up(&self->desk, parts, DESK_LOST);
}

/* A setting whose answer was lost may have come through. */
static void s_adopt_canvas(world_t *world, const ledger_meta_t *meta)
{
    canvas_t canvas = world->canvas;
    if (canvas_from_json(&canvas, meta->canvas, meta->canvas_size) == 0 &&
        canvas.width == world->canvas.width &&
        canvas.height == world->canvas.height &&
        canvas.bits == world->canvas.bits)
        world->canvas = canvas;
}

void leading_resume(leading_t *self, parts_t *parts, const ledger_meta_t *meta)
{
    assert(self->commit.state != COMMIT_IN_FLIGHT && parts->world.board);
    parts->world.epoch = meta->epoch;
    if (meta->empty)
        return;
    s_adopt_canvas(&parts->world, meta);
    if (commit_is_at(&self->commit, meta))
        commit_applied(&self->commit, parts);
}

/* ---- trimming -------------------------------------------------------- */

/* Up to where the log may go: persisted, and out of the window and the last
 * minute, or more than the limit. */
static uint64_t s_trim_to(const parts_t *parts)
{
    const history_t *history = parts->world.history;
    uint64_t upto = history_since(history, parts_keep_from_ms(parts)) - 1;
    uint64_t recent = history_recent(history);
    if (upto >= recent)
        upto = recent ? recent - 1 : 0;
    uint64_t limit = (uint64_t)parts->config->log_limit;
    uint64_t last = history_next(history) - 1;
    if (parts_log_records(parts) > limit && last - limit > upto)
        upto = last - limit;
    uint64_t most = history_first(history) + TRIM_MOST;
    if (upto > most)
        upto = most;
    uint64_t kept = persisters_kept(&parts->persisters, parts->now.mono_ms);
    return upto < kept ? upto : kept;
}

void leading_second(leading_t *self, parts_t *parts, bool placing)
{
    world_t *world = &parts->world;
    assert(world->board);
    self->beat_due = true;
    desk_tick(&self->desk, parts);
    if (++self->seconds % 60 == 0)
        repeats_age(&self->repeats);
    resent_rest(world->resent, parts->now.mono_ms);
    history_cap_times(world->history, parts->now.wall_ms);
    if (placing && ledger_full(parts->ledger))
        ledger_probe(parts->ledger);
    uint64_t upto = s_trim_to(parts);
    if (!placing || upto < history_first(world->history) + TRIM_LEAST)
        return;
    COUNT(TRIMS);
    ledger_trim(parts->ledger, world->epoch, upto);
    history_trim(world->history, upto);
}
