/* SPDX-License-Identifier: Apache-2.0
 *
 * The leader's work: decide, commit, tell.
 *
 * All state changes happen at quiescent points, when no commit is on its way:
 * there syncs are answered and the feed is published, from exactly the
 * committed state; then what waits in the ingress is decided in one pass, and
 * one batch is sent. What comes meanwhile gathers for the next (group commit).
 * Verdicts leave when their batch is committed, rejections too: a `cooldown`
 * that rests on a placement which was never committed would be a lie.
 *
 *     quiescent ──gather──► in flight ──done──► quiescent
 *                              │ lost                ▲ seq says: it was applied
 *                              ▼                     │
 *                          in doubt ──resume─────────┤
 *                              │ seq says: it was not; sent again ► in flight
 *                              └ another leads: dropped
 *
 * In doubt, the batch's pixels are taken off the board, so that memory is the
 * committed state for as long as Redis is away.
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/clock.h"
#include "common/log.h"

#include <inttypes.h>

/* Looks ahead while deciding, so that users' slots and pixels are in the cache.
 */
#define PREFETCH 8
/* Log records dropped at once, and least worth a call. */
#define TRIM_MOST 500000u
#define TRIM_LEAST 256u

/* ---- deciding -------------------------------------------------------- */

static uint32_t s_index(const broker_t *self, const bus_place_t *place)
{
    return (uint32_t)place->y * self->world.canvas.width + place->x;
}

/* Puts an accepted placement on the board and into the batch. */
static void s_accept(broker_t *self, const rules_t *rules,
                     const bus_place_t *place)
{
    batch_t *batch = self->leading.batch;
    uint32_t index = s_index(self, place);
    record_t record = {
        .seq = batch_to(batch) + 1,
        .placed_at_ms = rules->now_ms,
        .user = place->user,
        .request = place->request,
        .x = place->x,
        .y = place->y,
        .color = place->color,
        .previous_color = board_set(self->world.board, index, place->color),
        .flags = place->flags & BUS_PLACE_KEYLESS ? RECORD_KEYLESS : 0,
    };
    batch_add(batch, &record, index);
    users_put(self->world.users, &record,
              rules_keep_from_ms(rules->canvas, rules->now_ms));
}

/* Whether only the cooldown is asked for; the answer is in *verdict then. */
static bool s_asked(const rules_t *rules, const bus_place_t *place,
                    bus_verdict_t *verdict)
{
    if (!(place->flags & BUS_PLACE_ASK))
        return false;
    COUNT(ASKS);
    *verdict =
        (bus_verdict_t){.ticket = place->ticket,
                        .remaining_ms = rules_remaining_ms(rules, place->user)};
    return true;
}

static void s_decide(broker_t *self, const rules_t *rules,
                     const bus_place_t *place, bus_verdict_t *verdict)
{
    if (s_asked(rules, place, verdict))
        return;
    ruling_t ruling = rules_decide(rules, place);
    if (ruling.status == VERDICT_OK && self->leading.log_full) {
        ruling = (ruling_t){.status = VERDICT_UNAVAILABLE};
        COUNT(LOG_FULL);
    } else if (ruling.status == VERDICT_OK) {
        s_accept(self, rules, place);
        ruling.seq = batch_to(self->leading.batch);
    }
    *verdict = (bus_verdict_t){.ticket = place->ticket,
                               .status = (uint8_t)ruling.status,
                               .seq = ruling.seq,
                               .remaining_ms = ruling.remaining_ms};
    counters[COUNT_VERDICT_0 + ruling.status]++;
}

static rules_t s_rules(broker_t *self)
{
    world_t *world = &self->world;
    return (rules_t){.canvas = &world->canvas,
                     .bans = &world->bans,
                     .users = world->users,
                     .history = world->history,
                     .resent = world->resent,
                     .now_ms = clock_wall_ms()};
}

/* Moves the verdicts for `places` into a mail that replaces it. */
static void s_answer(broker_t *self, mail_t *places, size_t count,
                     mail_t *verdicts)
{
    const bus_verdict_t *answers = self->leading.answers;
    mail_reply_to(verdicts, places, bus_verdicts_bound(count));
    bus_put_verdicts(mail_bytes(verdicts), answers, count);
    mail_close(places);
}

/* How many placements a message holds, now in leading->places. Where there are
 * none the message is closed and 0 returned. */
static int s_decode_mail(leading_t *leading, mail_t *mail)
{
    int count =
        bus_decode_places(leading->places, mail_bytes(mail), mail_size(mail));
    if (count > 0)
        return count;
    if (count < 0)
        COUNT(MALFORMED_INGRESS);
    mail_close(mail);
    return 0;
}

static void s_prefetch(const broker_t *self, const bus_place_t *place)
{
    users_prefetch(self->world.users, place->user);
    board_prefetch(self->world.board, s_index(self, place));
}

/* One PLACES message: into the batch, its verdicts to those that wait. */
static void s_decide_mail(broker_t *self, const rules_t *rules, mail_t *mail)
{
    leading_t *leading = &self->leading;
    int count = s_decode_mail(leading, mail);
    if (!count)
        return;
    for (int i = 0; i < count; i++) {
        if (i + PREFETCH < count)
            s_prefetch(self, &leading->places[i + PREFETCH]);
        s_decide(self, rules, &leading->places[i], &leading->answers[i]);
    }
    mail_t verdicts;
    s_answer(self, mail, (size_t)count, &verdicts);
    mailbox_put(&leading->verdicts, &verdicts);
}

static void s_refuse(const rules_t *rules, const bus_place_t *place,
                     bus_verdict_t *verdict)
{
    if (s_asked(rules, place, verdict))
        return;
    *verdict =
        (bus_verdict_t){.ticket = place->ticket,
                        .status = VERDICT_UNAVAILABLE,
                        .remaining_ms = rules_remaining_ms(rules, place->user)};
    COUNT(VERDICT_8);
}

/* Everything in this message gets `unavailable`, at once. */
static void s_refuse_mail(broker_t *self, const rules_t *rules, mail_t *mail)
{
    leading_t *leading = &self->leading;
    int count = s_decode_mail(leading, mail);
    if (!count)
        return;
    for (int i = 0; i < count; i++)
        s_refuse(rules, &leading->places[i], &leading->answers[i]);
    mail_t verdicts;
    s_answer(self, mail, (size_t)count, &verdicts);
    ingress_send(&self->ingress, &verdicts);
}

/* ---- the log's length ------------------------------------------------ */

uint64_t leading_unconfirmed(const broker_t *self)
{
    uint64_t trimmed = history_first(self->world.history) - 1;
    uint64_t confirmed = self->persisters.checkpoint > trimmed
                             ? self->persisters.checkpoint
                             : trimmed;
    return self->world.seq > confirmed ? self->world.seq - confirmed : 0;
}

static void s_watch_length(broker_t *self)
{
    uint64_t unconfirmed = leading_unconfirmed(self);
    uint64_t limit = (uint64_t)self->config->log_limit;
    bool full = unconfirmed >= limit;
    if (full && !self->leading.log_full)
        log_error("log_full", "unconfirmed=%" PRIu64 " limit=%" PRIu64,
                  unconfirmed, limit);
    else if (!full && self->leading.log_full)
        log_info("log_has_room", "unconfirmed=%" PRIu64, unconfirmed);
    self->leading.log_full = full;
}

/* ---- the feed -------------------------------------------------------- */

void leading_beat(broker_t *self)
{
    const world_t *world = &self->world;
    bus_beat_t beat = {.epoch = world->epoch,
                       .seq = world->seq,
                       .digest = world->digest,
                       .online = edges_viewers(self->ingress.edges),
                       .lease_ms = (uint32_t)self->config->lease_ms};
    feed_beat(self->feed, &beat);
}

/* At a quiescent point: what is due on the feed. A beat comes behind its diff.
 */
static void s_publish(broker_t *self)
{
    leading_t *leading = &self->leading;
    if (leading->publish_due || leading->beat_due)
        feed_publish(self->feed, self->world.epoch, self->world.seq,
                     self->world.board);
    if (leading->beat_due)
        leading_beat(self);
    leading->publish_due = leading->beat_due = false;
}

/* ---- committing ------------------------------------------------------ */

static void s_send_verdicts(broker_t *self)
{
    for (mail_t mail; mailbox_take(&self->leading.verdicts, &mail);)
        ingress_send(&self->ingress, &mail);
}

static void s_push_records(broker_t *self)
{
    const batch_t *batch = self->leading.batch;
    size_t size = batch_count(batch) * RECORD_BYTES;
    zmq_msg_t frame;
    uint8_t *bytes = mail_frame(&frame, BUS_BODY_HEAD_BYTES + size);
    bus_put_body_head(bytes, BUS_RECORDS, self->world.epoch);
    memcpy(bytes + BUS_BODY_HEAD_BYTES, batch_records(batch), size);
    if (mail_push(self->sockets[BUS_JOURNAL], &frame) < 0)
        COUNT(JOURNAL_UNSENT);
}

/* The batch is in Redis, and now in memory's committed state. */
static void s_committed(broker_t *self)
{
    leading_t *leading = &self->leading;
    world_t *world = &self->world;
    const batch_t *batch = leading->batch;
    leading->in_flight = leading->in_doubt = false;
    world->seq = batch_to(batch);
    world->digest = leading->digest;
    history_append(world->history, batch_records(batch), batch_count(batch));
    feed_add(self->feed, batch);
    s_send_verdicts(self);
    s_push_records(self);
    COUNT(COMMITS);
    ledger_settled(self->ledger);
}

static void s_send_commit(broker_t *self)
{
    leading_t *leading = &self->leading;
    leading->in_flight = true;
    leading->in_doubt = false;
    leading->sent_at_ns = clock_mono_ns();
    ledger_commit(self->ledger, self->world.epoch, leading->batch,
                  leading->digest);
}

void leading_on_commit(broker_t *self, bool done)
{
    leading_t *leading = &self->leading;
    if (!leading->in_flight)
        return;
    COUNT_BY(COMMIT_US, (clock_mono_ns() - leading->sent_at_ns) / 1000);
    if (done) {
        s_committed(self);
        return;
    }
    /* Epoch or seq are not what we left: look before deciding anything. */
    leading_suspend(self);
    ledger_resume(self->ledger, self->world.epoch);
}

/* Decides what waits, until the batch is large enough. */
static void s_gather(broker_t *self)
{
    leading_t *leading = &self->leading;
    size_t enough = (size_t)self->config->batch_max;
    rules_t rules = s_rules(self);
    mail_t mail;
    s_watch_length(self);
    batch_begin(leading->batch, self->world.seq, self->world.canvas.bits);
    while (batch_count(leading->batch) < enough &&
           !mailbox_is_full(&leading->verdicts) &&
           ingress_next_places(&self->ingress, &mail))
        s_decide_mail(self, &rules, &mail);
    leading->digest = board_digest(self->world.board);
}

static void s_pump_away(broker_t *self)
{
    rules_t rules = s_rules(self);
    mail_t mail;
    while (ingress_next_places(&self->ingress, &mail))
        s_refuse_mail(self, &rules, &mail);
}

static void s_pump_leading(broker_t *self)
{
    while (!self->leading.in_flight && !self->stopping) {
        s_gather(self);
        if (batch_count(self->leading.batch)) {
            batch_seal(self->leading.batch);
            s_send_commit(self);
        } else if (mailbox_count(&self->leading.verdicts)) {
            s_send_verdicts(self);
        } else {
            break;
        }
    }
}

void leading_pump(broker_t *self)
{
    if (self->leading.in_flight)
        return;
    s_publish(self);
    for (mail_t mail; ingress_next_sync(&self->ingress, &mail);)
        sync_answer(self, &mail);
    if (self->state == AWAY)
        s_pump_away(self);
    else
        s_pump_leading(self);
}

/* ---- beginning and ending -------------------------------------------- */

static void s_announce(broker_t *self)
{
    self->world.canvas.epoch = self->world.epoch;
    sync_forget_board(self);
    feed_canvas(self->feed, &self->world.canvas);
    leading_beat(self);
}

void leading_begin(broker_t *self)
{
    world_t *world = &self->world;
    world->digest = board_digest(world->board);
    touched_destroy(&self->range);
    self->range = touched_new(board_pixels(world->board));
    feed_begin(self->feed, world->seq, board_pixels(world->board));
    persisters_recall(&self->persisters, world->seq, clock_mono_ms());
    broker_enter(self, LEADING);
    COUNT(LEADS);
    log_info("leading",
             "epoch=%" PRIu32 " seq=%" PRIu64 " log=%" PRIu64 " users=%zu",
             world->epoch, world->seq,
             history_next(world->history) - history_first(world->history),
             users_count(world->users));
    s_announce(self);
    ledger_settled(self->ledger);
}

void leading_clear(broker_t *self)
{
    leading_t *leading = &self->leading;
    mailbox_clear(&leading->verdicts);
    leading->in_flight = leading->in_doubt = leading->log_full = false;
    leading->publish_due = leading->beat_due = false;
}

void leading_suspend(broker_t *self)
{
    leading_t *leading = &self->leading;
    ledger_forget(self->ledger);
    if (leading->in_flight) {
        batch_undo(leading->batch, self->world.board);
        leading->in_flight = false;
        leading->in_doubt = true;
    }
    self->repair.active = false;
    ctl_give_up(self, "redis was lost: ask for the status");
    broker_enter(self, AWAY);
}

/* ---- resuming -------------------------------------------------------- */

/* A setting whose answer was lost may have come through. */
static void s_adopt_canvas(broker_t *self, const ledger_meta_t *meta)
{
    canvas_t canvas = self->world.canvas;
    if (canvas_from_json(&canvas, meta->canvas, meta->canvas_size) == 0 &&
        canvas.width == self->world.canvas.width &&
        canvas.height == self->world.canvas.height &&
        canvas.bits == self->world.canvas.bits)
        self->world.canvas = canvas;
}

/* Redis is at our committed seq: what is in doubt is not there. */
void leading_go_on(broker_t *self)
{
    leading_t *leading = &self->leading;
    broker_enter(self, LEADING);
    s_announce(self);
    if (!leading->in_doubt) {
        ledger_settled(self->ledger);
        return;
    }
    COUNT(COMMITS_RESENT);
    batch_redo(leading->batch, self->world.board);
    s_send_commit(self);
}

static void s_repair(broker_t *self, const ledger_meta_t *meta)
{
    uint64_t first = history_first(self->world.history);
    bool gap = meta->empty || meta->seq + 1 < first;
    log_warn("redis_behind", "redis_seq=%" PRIu64 " seq=%" PRIu64 " empty=%d",
             meta->seq, self->world.seq, meta->empty);
    COUNT(REDIS_REPAIRS);
    repair_start(self, gap ? first : meta->seq + 1, gap);
}

void leading_on_resume(broker_t *self, const ledger_meta_t *meta)
{
    leading_t *leading = &self->leading;
    world_t *world = &self->world;
    if (!meta) {
        broker_step_down(self, "superseded");
        return;
    }
    world->epoch = meta->epoch;
    if (!meta->empty)
        s_adopt_canvas(self, meta);
    if (meta->empty || meta->seq < world->seq ||
        (meta->seq == world->seq && meta->digest != world->digest)) {
        s_repair(self, meta);
    } else if (meta->seq == world->seq) {
        leading_go_on(self);
    } else if (leading->in_doubt && meta->seq == batch_to(leading->batch) &&
               meta->digest == leading->digest) {
        batch_redo(leading->batch, world->board);
        s_committed(self);
        leading_go_on(self);
    } else {
        broker_step_down(self, "redis_is_ahead");
    }
}

/* ---- trimming -------------------------------------------------------- */

/* Up to where the log may go: persisted, and older than the window or more than
 * the limit. */
static uint64_t s_trim_to(const broker_t *self)
{
    const history_t *history = self->world.history;
    uint64_t keep_from_ms =
        rules_keep_from_ms(&self->world.canvas, clock_wall_ms());
    uint64_t upto = history_since(history, keep_from_ms) - 1;
    uint64_t limit = (uint64_t)self->config->log_limit;
    if (history_next(history) - history_first(history) > limit &&
        history_next(history) - 1 - limit > upto)
        upto = history_next(history) - 1 - limit;
    uint64_t most = history_first(history) + TRIM_MOST;
    if (upto > most)
        upto = most;
    uint64_t kept = persisters_kept(&self->persisters, clock_mono_ms());
    return upto < kept ? upto : kept;
}

void leading_second(broker_t *self)
{
    resent_rest(self->world.resent);
    if (self->state != LEADING)
        return;
    uint64_t upto = s_trim_to(self);
    if (upto < history_first(self->world.history) + TRIM_LEAST)
        return;
    COUNT(TRIMS);
    ledger_trim(self->ledger, self->world.epoch, upto);
    history_trim(self->world.history, upto);
}
