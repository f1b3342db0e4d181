/* SPDX-License-Identifier: Apache-2.0
 *
 * See restoring.h.
 */
#include "broker/restoring.h"

#include "broker/control.h"

#include "broker/metrics.h"
#include "common/backoff.h"
#include "common/log.h"

#include <inttypes.h>

#define ANSWER_MS 5000
#define GRACE_MS 2000

static void s_step(restoring_t *self, const parts_t *parts,
                   restoring_step_t step)
{
    self->step = step;
    self->asked_at_ms = parts->now.mono_ms;
}

void restoring_begin(restoring_t *self, parts_t *parts, bool empty, bool seen)
{
    assert(parts->world.epoch && (empty || parts->world.board));
    restoring_end(self);
    *self = (restoring_t){
        .empty = empty, .seen = seen, .began_at_ms = parts->now.mono_ms};
    log_info("restoring", "epoch=%" PRIu32 " seq=%" PRIu64 " redis=%s",
             parts->world.epoch, parts->world.seq, empty ? "empty" : "behind");
}

void restoring_begin_under(restoring_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    history_t *tail = world->history;
    world->history = history_new();
    world->seq = 0;
    restoring_begin(self, parts, true, false);
    self->tail = tail;
}

void restoring_end(restoring_t *self)
{
    history_destroy(&self->tail);
}

/* Whom we ask, if it is still heard. */
static const persister_t *s_persister(const restoring_t *self,
                                      const parts_t *parts)
{
    for (size_t i = 0; i < PERSISTERS_MAX; i++) {
        const persister_t *at = &parts->persisters.table[i];
        if (at->heard_at_ms && at->word.instance == self->instance)
            return at;
    }
    return NULL;
}

static void s_ask_replay(const restoring_t *self, const parts_t *parts,
                         uint64_t from, uint32_t max)
{
    const persister_t *persister = s_persister(self, parts);
    uint8_t bytes[BUS_SMALL_MAX];
    bus_replay_t replay = {.from = from, .max = max};
    if (persister)
        control_tell(parts, persister, bytes, bus_put_replay(bytes, &replay));
}

static void s_ask_snapshot(restoring_t *self, const parts_t *parts)
{
    const uint8_t ask = BUS_SNAPSHOT_ASK;
    s_step(self, parts, RESTORING_ASK_SNAPSHOT);
    control_tell(parts, s_persister(self, parts), &ask, 1);
}

/* Memory is what Redis is to be. */
static restoring_result_t s_whole(restoring_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    s_step(self, parts, RESTORING_WRITE);
    restoring_end(self);
    if (self->empty) /* what edges without a chain saw may be lost */
        world->born = world->epoch;
    world->canvas.epoch = world->epoch;
    world_begin_chain(world);
    world_recall_users(world, parts->now.wall_ms);
    if (world->seq) {
        log_info("restored", "seq=%" PRIu64 " log=%" PRIu64, world->seq,
                 parts_log_records(parts));
        COUNT(RESTORES);
    }
    return RESTORING_WHOLE;
}

static restoring_result_t s_create(restoring_t *self, parts_t *parts)
{
    const canvas_t *blank = &parts->blank;
    chain_t origin;
    uint64_t id[2] = {random_u64(), random_u64()};
    _Static_assert(sizeof id == sizeof origin, "a chain is 16 bytes");
    memcpy(origin.bytes, id, sizeof id);
    world_open(&parts->world, blank);
    history_reset(parts->world.history, (position_t){0, origin});
    log_info("canvas_created", "width=%" PRIu32 " height=%" PRIu32 " bits=%u",
             blank->width, blank->height, blank->bits);
    return s_whole(self, parts);
}

/* ---- fetching -------------------------------------------------------- */

static void s_ask_records(restoring_t *self, const parts_t *parts,
                          uint64_t from)
{
    s_step(self, parts, RESTORING_ASK_RECORDS);
    s_ask_replay(self, parts, from, BUS_RECORDS_MAX);
}

/* Asks for one record a stride before the present start. */
static void s_ask_start(restoring_t *self, const parts_t *parts)
{
    uint64_t stride = (parts->world.seq + 1 - self->start) * 3 + 4096;
    self->start = self->start > stride ? self->start - stride : 1;
    s_step(self, parts, RESTORING_ASK_START);
    s_ask_replay(self, parts, self->start, 1);
}

static void s_begin_records(restoring_t *self, parts_t *parts)
{
    position_t before = {self->start - 1, CHAIN_UNKNOWN};
    if (self->start == parts->world.seq + 1)
        before.chain = self->snapshot_chain;
    history_reset(parts->world.history, before);
    s_ask_records(self, parts, self->start);
}

/* -1 if the snapshot is not a board. */
static int s_open_snapshot(parts_t *parts, const bus_board_t *snapshot)
{
    canvas_t canvas = parts->blank;
    world_t *world = &parts->world;
    if (snapshot->seq &&
        canvas_from_json(&canvas, snapshot->json, snapshot->json_size) < 0)
        return -1;
    world_open(world, &canvas);
    size_t size = board_size_bytes(world->board);
    if (snapshot->seq &&
        (snapshot->pixels_size < size ||
         board_load(world->board, snapshot->pixels, size) < 0 ||
         policy_decode(world->policy, snapshot->pixels + size,
                       snapshot->pixels_size - size) < 0))
        return -1;
    world->seq = snapshot->seq;
    return 0;
}

static restoring_result_t s_on_snapshot(restoring_t *self, parts_t *parts,
                                        const void *bytes, size_t size)
{
    bus_board_t snapshot;
    if (self->step != RESTORING_ASK_SNAPSHOT)
        return RESTORING_WAITS;
    if (bus_decode_board(&snapshot, bytes, size) < 0) {
        COUNT(MALFORMED_CONTROL);
    } else if (s_open_snapshot(parts, &snapshot) < 0) {
        log_error("snapshot_malformed", "seq=%" PRIu64, snapshot.seq);
    } else {
        self->start = snapshot.seq + 1;
        self->snapshot_chain = snapshot.chain;
        if (snapshot.seq)
            s_ask_start(self, parts);
        else
            s_begin_records(self, parts);
    }
    return RESTORING_WAITS;
}

/* A record of the log's start: old enough, or further back. */
static void s_take_start(restoring_t *self, parts_t *parts,
                         const bus_body_t *body)
{
    uint64_t keep_from_ms = parts_keep_from_ms(parts);
    bool there = body->size == RECORD_BYTES &&
                 record_decode(body->body).seq == self->start;
    if (!there)
        self->start = parts->world.seq + 1;
    if (!there || self->start == 1 ||
        record_decode(body->body).placed_at_ms < keep_from_ms ||
        parts->world.seq - self->start >= (uint64_t)parts->config->log_limit)
        s_begin_records(self, parts);
    else
        s_ask_start(self, parts);
}

/* What lies before the window is applied, and need not be kept. */
static void s_forget_old(const restoring_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    uint64_t upto =
        history_since(world->history, parts_keep_from_ms(parts)) - 1;
    if (self->empty)
        history_trim(world->history, upto);
}

/* Goes on with what Redis' log held. -1, and the whole is asked again, if that
 * does not follow: then the store has not caught up with it yet. */
static int s_take_tail(restoring_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    position_t head = world_head(world);
    bool end = history_next(self->tail) <= head.seq + 1;
    if (end)
        return 0;
    if (history_first(self->tail) > head.seq + 1 ||
        chain_differs(history_chain(self->tail, head.seq), head.chain)) {
        log_error("log_does_not_follow", "store=%" PRIu64 " log=%" PRIu64,
                  head.seq, history_first(self->tail));
        s_step(self, parts, RESTORING_ASK_WORD);
        return -1;
    }
    while (world->seq + 1 < history_next(self->tail)) {
        size_t count;
        const uint8_t *records =
            history_slice(self->tail, world->seq + 1, SIZE_MAX, &count);
        if (world_follow(world, records, count, parts->now.wall_ms) < 0)
            return -1;
    }
    return 0;
}

static restoring_result_t s_finish_records(restoring_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    if (history_next(world->history) != world->seq + 1)
        history_reset(world->history,
                      (position_t){world->seq, self->snapshot_chain});
    if (self->tail && s_take_tail(self, parts) < 0)
        return RESTORING_WAITS;
    if (world->seq < self->target)
        log_error("store_ends_early", "seq=%" PRIu64 " checkpoint=%" PRIu64,
                  world->seq, self->target);
    return s_whole(self, parts);
}

static restoring_result_t s_take_records(restoring_t *self, parts_t *parts,
                                         const bus_body_t *body)
{
    world_t *world = &parts->world;
    size_t count = body->size / RECORD_BYTES;
    if (count > BUS_RECORDS_MAX || body->size % RECORD_BYTES) {
        COUNT(MALFORMED_CONTROL);
        return RESTORING_WAITS;
    }
    history_t *history = world->history;
    if (!chain_known(history_head(history).chain) && count)
        history_learn(history,
                      (position_t){history_next(history) - 1, body->chain});
    if (chain_differs(history_head(history).chain, body->chain)) {
        log_error("store_forked", "seq=%" PRIu64, history_next(history) - 1);
        return RESTORING_FORKED;
    }
    if (count && (world_remember(world, body->body, count) < 0 ||
                  world_apply(world, body->body, count) < 0)) {
        log_error("store_records_malformed", "expected=%" PRIu64,
                  history_next(world->history));
        return RESTORING_WAITS;
    }
    s_forget_old(self, parts);
    uint64_t next = history_next(world->history);
    if (!count || next > self->target)
        return s_finish_records(self, parts);
    s_ask_records(self, parts, next);
    return RESTORING_WAITS;
}

static restoring_result_t s_on_records(restoring_t *self, parts_t *parts,
                                       const void *bytes, size_t size)
{
    bus_body_t body;
    if (self->step != RESTORING_ASK_START &&
        self->step != RESTORING_ASK_RECORDS)
        return RESTORING_WAITS;
    if (bus_decode_body(&body, bytes, size) < 0)
        COUNT(MALFORMED_CONTROL);
    else if (self->step == RESTORING_ASK_RECORDS)
        return s_take_records(self, parts, &body);
    else
        s_take_start(self, parts, &body);
    return RESTORING_WAITS;
}

restoring_result_t restoring_on_mail(restoring_t *self, parts_t *parts,
                                     mail_t *mail)
{
    const void *bytes = mail_bytes(mail);
    size_t size = mail_size(mail);
    bool snapshot = bus_type(bytes, size) == BUS_SNAPSHOT;
    return snapshot ? s_on_snapshot(self, parts, bytes, size)
                    : s_on_records(self, parts, bytes, size);
}

/* ---- the persister's word -------------------------------------------- */

static bool s_never(const restoring_t *self, const parts_t *parts)
{
    return self->empty && !strcmp(parts->config->restore, "never");
}

/* Whether an old leader that remembers more has had its time to come. */
static bool s_waited(const restoring_t *self, const parts_t *parts,
                     const persister_t *persister)
{
    bool other = self->seen || (persister && persister->word.checkpoint);
    return !self->empty || !other ||
           parts->now.mono_ms - self->began_at_ms >
               (uint64_t)parts->config->lease_ms + GRACE_MS;
}

static restoring_result_t s_hear_word(const restoring_t *self,
                                      const parts_t *parts)
{
    const persister_t *persister =
        persisters_furthest(&parts->persisters, parts->now.mono_ms);
    if ((!persister && !s_never(self, parts)) ||
        !s_waited(self, parts, persister))
        return RESTORING_WAITS;
    return RESTORING_KNOWS;
}

restoring_result_t restoring_go_on(restoring_t *self, parts_t *parts)
{
    assert(self->step == RESTORING_ASK_WORD);
    if (s_never(self, parts))
        return s_create(self, parts);
    const persister_t *persister =
        persisters_furthest(&parts->persisters, parts->now.mono_ms);
    if (!persister)
        return RESTORING_WAITS;
    self->instance = persister->word.instance;
    self->target = persister->word.checkpoint;
    if (self->empty && !self->target)
        return s_create(self, parts);
    if (self->empty) {
        s_ask_snapshot(self, parts);
    } else {
        self->start = parts->world.seq + 1;
        s_ask_records(self, parts, self->start);
    }
    return RESTORING_WAITS;
}

/* No answer. A store without its oldest records is silent about them: only the
 * window's cooldowns are lost with those. */
static void s_ask_again(restoring_t *self, parts_t *parts)
{
    log_warn("restore_unanswered", "step=%d", self->step);
    if (self->step != RESTORING_ASK_START) {
        s_step(self, parts, RESTORING_ASK_WORD);
        return;
    }
    self->start = parts->world.seq + 1;
    s_begin_records(self, parts);
}

restoring_result_t restoring_look(restoring_t *self, parts_t *parts)
{
    if (self->step == RESTORING_WRITE)
        return RESTORING_WHOLE;
    if (self->step == RESTORING_ASK_WORD)
        return s_hear_word(self, parts);
    if (parts->now.mono_ms - self->asked_at_ms > ANSWER_MS)
        s_ask_again(self, parts);
    return RESTORING_WAITS;
}
