/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/persister.h"

#include "common/backoff.h"
#include "common/bus.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/figures.h"
#include "persister/intake.h"
#include "persister/link.h"
#include "persister/reader.h"
#include "persister/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_MS 500
#define GRANT_LIFE_MS 2000
#define REPLAY_TIMEOUT_MS 1000
#define TICK_MS 100
/* An idle one looks where the store is now. */
#define REFRESH_MS 2000
/* Longest wait at the end for what is committed to be in the store. */
#define DRAIN_MS 3000
/* Lines about what only a hand can mend. */
#define SAY_EVERY_MS 30000

typedef enum { IDLE, OPENING, ACTIVE } stage_t;

struct persister {
    const persister_config_t *config;
    zloop_t *loop;
    link_t *link;
    zactor_t *writer, *reader;
    figures_t *figures;
    uint64_t instance;
    stage_t mode;
    intake_t intake;
    writer_news_t news;
    uint64_t opens;     /* writer_open calls */
    uint64_t sent;      /* records given to the writer */
    uint32_t epoch;     /* the leader\'s, as the writer knows */
    uint64_t committed; /* as the leader said last */
    uint64_t reported;  /* checkpoint in the last report */
    uint64_t granted_at_ms;
    uint64_t refreshed_at_ms;
    uint64_t replay_at_ms; /* of the replay on its way; 0 for none */
    uint64_t board_at_ms;  /* when the canvas was asked for last */
    bool canvas_known;     /* of this time active */
    uint64_t said_at_ms;
    uint64_t drain_until_ms; /* 0: not asked to end */
    uint64_t drain_to;       /* committed when asked, */
    bool drain_known;        /* as the leader told after that */
};

static uint64_t s_queue(const persister_t *self)
{
    return self->sent - self->news.consumed;
}

static void s_open(persister_t *self)
{
    self->opens++;
    self->refreshed_at_ms = clock_mono_ms();
    writer_open(self->writer);
}

static void s_leave(persister_t *self, const char *why)
{
    if (self->mode == IDLE)
        return;
    log_info("idle", "why=%s checkpoint=%" PRIu64, why,
             self->news.state.checkpoint);
    self->mode = IDLE;
    self->replay_at_ms = 0;
    link_want_journal(self->link, false);
    writer_stop(self->writer);
}

/* Asks for what is missing, one replay at a time, while the queue has room.
 * While one is on its way the journal waits in its socket, so that what follows
 * the answer is not taken for another gap. */
static void s_pump(persister_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (self->mode != ACTIVE)
        return;
    if (self->replay_at_ms && now_ms - self->replay_at_ms < REPLAY_TIMEOUT_MS)
        return;
    bool ask = intake_behind(&self->intake) &&
               s_queue(self) + BUS_RECORDS_MAX <= WRITER_QUEUE_MAX;
    self->replay_at_ms = ask ? now_ms : 0;
    if (ask) {
        figures_add(self->figures, FIGURE_REPLAYS, 1);
        /* At a hole only to see whether it is still there. */
        link_replay(self->link, self->intake.next,
                    self->intake.lacked ? 1 : BUS_RECORDS_MAX);
    }
    link_pause_journal(self->link, ask);
}

static void s_begin(persister_t *self)
{
    self->mode = ACTIVE;
    self->sent = self->news.consumed;
    self->epoch = 0;
    self->canvas_known = false;
    self->board_at_ms = 0;
    intake_start(&self->intake, self->news.state.checkpoint);
    link_want_journal(self->link, true);
    log_info("active", "checkpoint=%" PRIu64 " epoch=%" PRIu32,
             self->news.state.checkpoint, self->news.state.epoch);
    s_pump(self);
}

/* Records the store has but the leader never committed: another history. To go
 * on would mix two; nothing is written until a hand chooses. */
static bool s_store_ahead(persister_t *self, const bus_grant_t *grant)
{
    if (grant->seq >= self->reported)
        return false;
    uint64_t now_ms = clock_mono_ms();
    if (!self->said_at_ms || now_ms - self->said_at_ms > SAY_EVERY_MS) {
        log_error("store_ahead",
                  "checkpoint=%" PRIu64 " committed=%" PRIu64
                  " hint=\"restore the canvas from this store, or give it "
                  "an empty one\"",
                  self->reported, grant->seq);
        self->said_at_ms = now_ms;
    }
    return true;
}

static void s_on_grant(void *context, const bus_grant_t *grant)
{
    persister_t *self = context;
    self->committed = grant->seq;
    if (self->drain_until_ms && !self->drain_known)
        self->drain_to = grant->seq;
    self->drain_known = self->drain_until_ms;
    if (!grant->active) {
        s_leave(self, "not_granted");
        return;
    }
    if (s_store_ahead(self, grant)) {
        s_leave(self, "store_ahead");
        return;
    }
    self->granted_at_ms = clock_mono_ms();
    if (self->mode == IDLE) {
        self->mode = OPENING;
        s_open(self);
    } else if (self->mode == ACTIVE) {
        if (grant->epoch != self->epoch)
            writer_epoch(self->writer, self->epoch = grant->epoch);
        intake_hint(&self->intake, grant->seq);
        s_pump(self);
    }
}

/* The range of a RECORDS message that is whole; its count, 0 for none, -1 where
 * it is malformed. */
static int s_range(zframe_t *frame, uint64_t *first)
{
    bus_body_t body;
    if (bus_decode_body(&body, zframe_data(frame), zframe_size(frame)) ||
        body.size % RECORD_BYTES || body.size / RECORD_BYTES > BUS_RECORDS_MAX)
        return -1;
    size_t count = body.size / RECORD_BYTES;
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = record_decode(body.body + i * RECORD_BYTES).seq;
        if (!i)
            *first = seq;
        if (!*first || seq != *first + i)
            return -1;
    }
    return (int)count;
}

static void s_take(persister_t *self, zframe_t **frame, uint64_t first,
                   uint64_t count)
{
    uint64_t skip, last = first + count - 1;
    if (first <= self->intake.next &&
        s_queue(self) + count > WRITER_QUEUE_MAX) {
        figures_add(self->figures, FIGURE_DROPPED, 1);
        intake_refuse(&self->intake, last);
        return;
    }
    switch (intake_offer(&self->intake, first, last, &skip)) {
    case INTAKE_TAKE:
        self->sent += count - skip;
        figures_add(self->figures, FIGURE_RECEIVED, count - skip);
        writer_records(self->writer, frame, skip);
        break;
    case INTAKE_GAP:
        figures_add(self->figures, FIGURE_GAPS, 1);
        break;
    case INTAKE_OLD:
        break;
    }
}

static void s_on_bad(void *context)
{
    persister_t *self = context;
    figures_add(self->figures, FIGURE_BAD_MESSAGES, 1);
}

static void s_on_journal(void *context, zframe_t **frame)
{
    persister_t *self = context;
    uint64_t first;
    int count = s_range(*frame, &first);
    if (count < 0)
        s_on_bad(self);
    else if (count && self->mode == ACTIVE)
        s_take(self, frame, first, (uint64_t)count);
    s_pump(self);
}

/* The log was trimmed past what this store has: it was emptied, or put back
 * from an old copy. What lies between is lost. Nothing is written behind it: a
 * history with a hole must not look whole. */
static void s_lack(persister_t *self, uint64_t to)
{
    if (!intake_lack(&self->intake, to))
        return;
    log_error("history_hole",
              "first=%" PRIu64 " last=%" PRIu64 " hint=\"neither the store nor "
              "the log has these; see docs/operations.md\"",
              self->intake.next, self->intake.hole);
}

static void s_on_replay(void *context, zframe_t **frame)
{
    persister_t *self = context;
    uint64_t first;
    int count = s_range(*frame, &first);
    if (self->mode != ACTIVE || !self->replay_at_ms)
        return;
    uint64_t lacks_to = count > 0 ? first - 1 : self->committed;
    if (count >= 0 && lacks_to >= self->intake.next) {
        s_lack(self, lacks_to);
        return; /* asked again when its time is over */
    }
    self->replay_at_ms = 0;
    if (count < 0)
        s_on_bad(self);
    else if (!count)
        intake_level(&self->intake);
    else
        s_take(self, frame, first, (uint64_t)count);
    /* There may be more than one answer holds. */
    if (count == BUS_RECORDS_MAX)
        intake_refuse(&self->intake, self->intake.next);
    s_pump(self);
}

static void s_on_board(void *context, const bus_board_t *board)
{
    persister_t *self = context;
    if (self->mode != ACTIVE)
        return;
    self->canvas_known = true;
    writer_canvas(self->writer, board->json, board->json_size);
}

static void s_on_ask(void *context, size_t broker, zframe_t **frame)
{
    persister_t *self = context;
    reader_ask(self->reader, broker, frame);
}

static int s_on_news(zloop_t *loop, zsock_t *socket, void *arg)
{
    persister_t *self = arg;
    (void)loop;
    zframe_t *frame = zframe_recv(socket);
    if (!frame)
        return 0;
    assert(zframe_size(frame) == sizeof self->news);
    memcpy(&self->news, zframe_data(frame), sizeof self->news);
    zframe_destroy(&frame);
    if (self->mode == OPENING && self->news.opened == self->opens)
        s_begin(self);
    else if (self->mode == ACTIVE && self->news.lost)
        intake_start(&self->intake, self->news.state.checkpoint);
    s_pump(self);
    return 0;
}

static void s_count_reader(persister_t *self, zframe_t *frame)
{
    reader_news_t news;
    assert(frame && zframe_size(frame) == sizeof news);
    memcpy(&news, zframe_data(frame), sizeof news);
    figures_set(self->figures, FIGURE_LOOKUPS_FOUND, news.found);
    figures_set(self->figures, FIGURE_LOOKUPS_NONE, news.none);
    figures_set(self->figures, FIGURE_LOOKUPS_FAILED, news.failed);
    figures_set(self->figures, FIGURE_BAD_QUESTIONS, news.bad);
    figures_set(self->figures, FIGURE_RESTORES, news.restores);
}

static int s_on_reader(zloop_t *loop, zsock_t *socket, void *arg)
{
    persister_t *self = arg;
    (void)loop;
    zmsg_t *message = zmsg_recv(socket);
    char *word = message ? zmsg_popstr(message) : NULL;
    if (word && !strcmp(word, "NEWS")) {
        s_count_reader(self, zmsg_first(message));
    } else if (word) {
        size_t number;
        zframe_t *head = zmsg_first(message);
        assert(head && zframe_size(head) == sizeof number);
        memcpy(&number, zframe_data(head), sizeof number);
        zframe_t *frame = zmsg_last(message);
        zmsg_remove(message, frame);
        link_answer(self->link, number, &frame);
    }
    free(word);
    zmsg_destroy(&message);
    return 0;
}

/* Silent until the store was read once: a broker that starts cold must not take
 * an unread store for an empty one. */
static void s_report(persister_t *self)
{
    if (!self->news.opened)
        return;
    bus_persister_t report = {
        .instance = self->instance,
        .epoch = self->news.state.epoch,
        .checkpoint = self->news.state.checkpoint,
        .snapshot_seq = self->news.snapshot_seq,
        .active = self->mode == ACTIVE,
    };
    self->reported = report.checkpoint;
    link_report(self->link, &report);
}

static int s_on_report(zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    s_report(arg);
    return 0;
}

/* The canvas before each snapshot, and at first as soon as may be. */
static void s_ask_canvas(persister_t *self, uint64_t now_ms)
{
    uint64_t every_ms = self->canvas_known ? (uint64_t)self->config->snapshot_ms
                                           : REPLAY_TIMEOUT_MS;
    if (self->mode != ACTIVE ||
        (self->board_at_ms && now_ms - self->board_at_ms < every_ms))
        return;
    self->board_at_ms = now_ms;
    link_ask_board(self->link);
}

/* Asked to end, and nothing is left to do, or no time. */
static bool s_drained(const persister_t *self, uint64_t now_ms)
{
    uint64_t checkpoint = self->news.state.checkpoint;
    return self->drain_until_ms &&
           (self->mode != ACTIVE || now_ms >= self->drain_until_ms ||
            (self->drain_known && checkpoint >= self->drain_to));
}

static int s_on_tick(zloop_t *loop, int timer, void *arg)
{
    persister_t *self = arg;
    (void)loop;
    (void)timer;
    uint64_t now_ms = clock_mono_ms();
    if (self->mode != IDLE && now_ms - self->granted_at_ms > GRANT_LIFE_MS)
        s_leave(self, "no_grant");
    bool asked = self->news.opened < self->opens;
    if (self->mode == IDLE && !asked &&
        now_ms - self->refreshed_at_ms >= REFRESH_MS)
        s_open(self);
    s_ask_canvas(self, now_ms);
    s_pump(self);
    figures_tick(self->figures);
    return s_drained(self, now_ms) ? -1 : 0;
}

static void s_gather(void *context)
{
    persister_t *self = context;
    const writer_news_t *news = &self->news;
    uint64_t checkpoint = news->state.checkpoint;
    uint64_t lag =
        self->committed > checkpoint ? self->committed - checkpoint : 0;
    uint64_t wall_ms = clock_wall_ms(), at_ms = news->snapshot_at_ms;
    uint64_t age_ms = at_ms && wall_ms > at_ms ? wall_ms - at_ms : 0;
    const struct {
        unsigned figure;
        uint64_t value;
    } gauges[] = {
        {FIGURE_ACTIVE, self->mode == ACTIVE},
        {FIGURE_CHECKPOINT, checkpoint},
        {FIGURE_LAG, lag},
        {FIGURE_QUEUE, s_queue(self)},
        {FIGURE_WRITTEN, news->written},
        {FIGURE_BATCHES, news->batches},
        {FIGURE_RETRIES, news->retries},
        {FIGURE_LAST_ERROR, news->last_error_ms},
        {FIGURE_SNAPSHOT_SEQ, news->snapshot_seq},
        {FIGURE_SNAPSHOT_AGE, age_ms},
        {FIGURE_DISAGREED, news->disagreed},
        {FIGURE_HOLE_FIRST, self->intake.hole ? self->intake.next : 0},
        {FIGURE_HOLE_LAST, self->intake.hole},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        figures_set(self->figures, gauges[i].figure, gauges[i].value);
}

static int s_start_actors(persister_t *self, const bus_security_t *security)
{
    const persister_config_t *config = self->config;
    zsock_t *query = bus_bind(config->bind, BUS_QUERY, security);
    if (!query)
        return -1;
    self->reader = reader_new(config->store, &query);
    zsock_destroy(&query);
    writer_options_t options = {
        .store = config->store,
        .flush_ms = (uint64_t)config->flush_ms,
        .snapshot_ms = (uint64_t)config->snapshot_ms,
    };
    if (self->reader)
        self->writer = writer_new(&options);
    if (!self->writer)
        return -1;
    zloop_reader(self->loop, zactor_sock(self->writer), s_on_news, self);
    zloop_reader(self->loop, zactor_sock(self->reader), s_on_reader, self);
    return 0;
}

persister_t *persister_new(const persister_config_t *config,
                           const bus_security_t *security)
{
    persister_t *self = mem_zalloc(1, sizeof *self);
    self->config = config;
    self->instance = random_u64();
    self->loop = zloop_new();
    link_events_t events = {
        .context = self,
        .on_grant = s_on_grant,
        .on_journal = s_on_journal,
        .on_replay = s_on_replay,
        .on_board = s_on_board,
        .on_ask = s_on_ask,
        .on_bad = s_on_bad,
    };
    self->link = link_new(config->brokers, security, self->loop, &events);
    self->figures = figures_new(&config->common, self->loop, s_gather, self);
    if (!self->link || !self->figures || s_start_actors(self, security))
        persister_destroy(&self);
    return self;
}

void persister_destroy(persister_t **self_p)
{
    persister_t *self = *self_p;
    if (!self)
        return;
    zactor_destroy(&self->writer); /* writes what is queued */
    zactor_destroy(&self->reader);
    link_destroy(&self->link);
    figures_destroy(&self->figures);
    zloop_destroy(&self->loop);
    free(self);
    *self_p = NULL;
}

void persister_run(persister_t *self)
{
    zloop_timer(self->loop, REPORT_MS, 0, s_on_report, self);
    zloop_timer(self->loop, TICK_MS, 0, s_on_tick, self);
    s_open(self);
    log_info("ready", "bind=%s", self->config->bind);
    zloop_start(self->loop);
    /* A signal ended it; once more, until the store has all, or another one. */
    zsys_interrupted = 0;
    self->drain_until_ms = clock_mono_ms() + DRAIN_MS;
    s_report(self);
    zloop_start(self->loop);
    s_report(self);
    log_info("stop", "checkpoint=%" PRIu64, self->news.state.checkpoint);
}
