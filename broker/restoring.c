/* SPDX-License-Identifier: Apache-2.0
 *
 * Redis has no canvas, or its end is missing: the store has it. Asked from a
 * persister, one question at a time; asked again from the start where it falls
 * silent.
 *
 *     ASK_WORD ──checkpoint 0──────────────────────────────► WRITE ──► LEADING
 *        │ checkpoint > 0                                      ▲
 *        ▼                                                     │
 *     ASK_SNAPSHOT ──► ASK_START ──found──► ASK_RECORDS ──all──┘
 *                        └ back by growing strides, until a record is older
 *                          than the window that cooldowns need
 *
 * A Redis that is only behind begins at ASK_RECORDS. A broker whose process has
 * seen a canvas, or whose store holds one, waits a lease and 2 s first: an old
 * leader may still live, and its memory holds what the store does not yet.
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/clock.h"
#include "common/log.h"

#include <inttypes.h>

#define ANSWER_MS 5000
#define GRACE_MS 2000

static restoring_t *s_self(broker_t *self)
{
    return &self->restoring;
}

static void s_step(broker_t *self, step_t step)
{
    s_self(self)->step = step;
    s_self(self)->asked_at_ms = clock_mono_ms();
}

void restoring_begin(broker_t *self, bool empty)
{
    *s_self(self) =
        (restoring_t){.empty = empty, .began_at_ms = clock_mono_ms()};
    broker_enter(self, RESTORING);
    log_info("restoring", "epoch=%" PRIu32 " seq=%" PRIu64 " redis=%s",
             self->world.epoch, self->world.seq, empty ? "empty" : "behind");
    restoring_tick(self);
}

/* Whom we ask, where it is still heard. */
static const persister_t *s_persister(broker_t *self)
{
    for (size_t i = 0; i < PERSISTERS_MAX; i++) {
        const persister_t *at = &self->persisters.table[i];
        if (at->heard_at_ms && at->word.instance == s_self(self)->instance)
            return at;
    }
    return NULL;
}

static void s_ask_replay(broker_t *self, uint64_t from, uint32_t max)
{
    const persister_t *persister = s_persister(self);
    uint8_t bytes[BUS_SMALL_MAX];
    bus_replay_t replay = {.from = from, .max = max};
    if (persister)
        control_tell(self, persister, bytes, bus_put_replay(bytes, &replay));
}

static void s_ask_snapshot(broker_t *self)
{
    const uint8_t ask = BUS_SNAPSHOT_ASK;
    s_step(self, ASK_SNAPSHOT);
    control_tell(self, s_persister(self), &ask, 1);
}

/* ---- writing --------------------------------------------------------- */

/* Memory is what Redis is to be. Placements that nobody holds any more may have
 * been shown: a history of its own, unless the canvas is new. */
static void s_write(broker_t *self)
{
    world_t *world = &self->world;
    uint64_t first = history_first(world->history);
    s_step(self, WRITE);
    world->born = world->epoch;
    world->canvas.epoch = world->epoch;
    world_recall_users(world);
    if (world->seq) {
        log_info("restored", "seq=%" PRIu64 " log=%" PRIu64, world->seq,
                 history_next(world->history) - first);
        COUNT(RESTORES);
    }
    repair_start(self, s_self(self)->empty ? first : s_self(self)->start,
                 s_self(self)->empty);
}

static void s_create(broker_t *self)
{
    uint32_t epoch = self->world.epoch;
    world_open(&self->world, &self->blank);
    self->world.epoch = epoch;
    log_info("canvas_created", "width=%" PRIu32 " height=%" PRIu32 " bits=%u",
             self->blank.width, self->blank.height, self->blank.bits);
    s_write(self);
}

/* ---- fetching -------------------------------------------------------- */

static void s_ask_records(broker_t *self, uint64_t from)
{
    s_step(self, ASK_RECORDS);
    s_ask_replay(self, from, BUS_RECORDS_MAX);
}

/* Asks for one record a stride before the present start. */
static void s_ask_start(broker_t *self)
{
    restoring_t *restoring = s_self(self);
    uint64_t stride = (self->world.seq + 1 - restoring->start) * 3 + 4096;
    restoring->start =
        restoring->start > stride ? restoring->start - stride : 1;
    s_step(self, ASK_START);
    s_ask_replay(self, restoring->start, 1);
}

static void s_begin_records(broker_t *self)
{
    history_reset(self->world.history, s_self(self)->start);
    s_ask_records(self, s_self(self)->start);
}

void restoring_on_snapshot(broker_t *self, const void *bytes, size_t size)
{
    restoring_t *restoring = s_self(self);
    world_t *world = &self->world;
    bus_board_t snapshot;
    if (self->state != RESTORING || restoring->step != ASK_SNAPSHOT)
        return;
    if (bus_decode_board(&snapshot, bytes, size) < 0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    canvas_t canvas = self->blank;
    uint32_t epoch = world->epoch;
    if (snapshot.seq &&
        canvas_from_json(&canvas, snapshot.json, snapshot.json_size) < 0) {
        log_error("snapshot_malformed", "seq=%" PRIu64, snapshot.seq);
        return;
    }
    world_open(world, &canvas);
    world->epoch = epoch;
    if (snapshot.seq &&
        board_load(world->board, snapshot.pixels, snapshot.pixels_size) < 0) {
        log_error("snapshot_malformed", "seq=%" PRIu64, snapshot.seq);
        return;
    }
    world->seq = snapshot.seq;
    restoring->start = snapshot.seq + 1;
    if (snapshot.seq)
        s_ask_start(self);
    else
        s_begin_records(self);
}

/* A record of the log's start: old enough, or further back. */
static void s_take_start(broker_t *self, const bus_body_t *body)
{
    restoring_t *restoring = s_self(self);
    uint64_t keep_from_ms =
        rules_keep_from_ms(&self->world.canvas, clock_wall_ms());
    bool there = body->size == RECORD_BYTES &&
                 record_decode(body->body).seq == restoring->start;
    if (!there)
        restoring->start = self->world.seq + 1;
    if (!there || restoring->start == 1 ||
        record_decode(body->body).placed_at_ms < keep_from_ms ||
        self->world.seq - restoring->start >= (uint64_t)self->config->log_limit)
        s_begin_records(self);
    else
        s_ask_start(self);
}

/* What lies before the window is applied, and need not be kept. */
static void s_forget_old(broker_t *self)
{
    world_t *world = &self->world;
    uint64_t keep_from_ms = rules_keep_from_ms(&world->canvas, clock_wall_ms());
    uint64_t upto = history_since(world->history, keep_from_ms) - 1;
    if (s_self(self)->empty)
        history_trim(world->history, upto);
}

static void s_finish_records(broker_t *self)
{
    world_t *world = &self->world;
    if (history_next(world->history) != world->seq + 1)
        history_reset(world->history, world->seq + 1);
    if (world->seq < s_self(self)->target)
        log_error("store_ends_early", "seq=%" PRIu64 " checkpoint=%" PRIu64,
                  world->seq, s_self(self)->target);
    s_write(self);
}

static void s_take_records(broker_t *self, const bus_body_t *body)
{
    world_t *world = &self->world;
    size_t count = body->size / RECORD_BYTES;
    if (count > BUS_RECORDS_MAX || body->size % RECORD_BYTES) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    if (count && (world_remember(world, body->body, count) < 0 ||
                  world_apply(world, body->body, count) < 0)) {
        log_error("store_records_malformed", "expected=%" PRIu64,
                  history_next(world->history));
        return;
    }
    s_forget_old(self);
    uint64_t next = history_next(world->history);
    if (count && next <= s_self(self)->target)
        s_ask_records(self, next);
    else
        s_finish_records(self);
}

void restoring_on_records(broker_t *self, const void *bytes, size_t size)
{
    bus_body_t body;
    step_t step = s_self(self)->step;
    if (self->state != RESTORING || (step != ASK_START && step != ASK_RECORDS))
        return;
    if (bus_decode_body(&body, bytes, size) < 0)
        COUNT(MALFORMED_CONTROL);
    else if (step == ASK_START)
        s_take_start(self, &body);
    else
        s_take_records(self, &body);
}

/* ---- the persister's word -------------------------------------------- */

/* Whether an old leader that remembers more has had its time to come. */
static bool s_waited(const broker_t *self, const persister_t *persister,
                     uint64_t now_ms)
{
    bool other = self->seen || (persister && persister->word.checkpoint);
    return !self->restoring.empty || !other ||
           now_ms - self->restoring.began_at_ms >
               (uint64_t)self->config->lease_ms + GRACE_MS;
}

static void s_hear_word(broker_t *self, uint64_t now_ms)
{
    restoring_t *restoring = s_self(self);
    const persister_t *persister =
        persisters_furthest(&self->persisters, now_ms);
    bool never = restoring->empty && !strcmp(self->config->restore, "never");
    if (self->raising || (!persister && !never) ||
        !s_waited(self, persister, now_ms) || !broker_epoch_fits(self))
        return;
    if (never) {
        s_create(self);
        return;
    }
    restoring->instance = persister->word.instance;
    restoring->target = persister->word.checkpoint;
    if (!restoring->empty) {
        restoring->start = self->world.seq + 1;
        s_ask_records(self, restoring->start);
    } else if (restoring->target) {
        s_ask_snapshot(self);
    } else {
        s_create(self);
    }
}

/* No answer. A store without its oldest records is silent about them: only the
 * window's cooldowns are lost with those. */
static void s_ask_again(broker_t *self)
{
    restoring_t *restoring = s_self(self);
    log_warn("restore_unanswered", "step=%d", restoring->step);
    if (restoring->step != ASK_START) {
        s_step(self, ASK_WORD);
        return;
    }
    restoring->start = self->world.seq + 1;
    s_begin_records(self);
}

void restoring_tick(broker_t *self)
{
    restoring_t *restoring = s_self(self);
    uint64_t now_ms = clock_mono_ms();
    if (restoring->step == ASK_WORD)
        s_hear_word(self, now_ms);
    else if (restoring->step != WRITE &&
             now_ms - restoring->asked_at_ms > ANSWER_MS)
        s_ask_again(self);
}
