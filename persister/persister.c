/* SPDX-License-Identifier: Apache-2.0
 *
 * See persister.h. Its channels report; what follows is decided here.
 */
#include "persister/parts.h"

#include "common/bus.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GRANT_LIFE_MS 2000
#define REPLAY_TIMEOUT_MS 1000
/* An idle one looks so often where the store is; what it read longer ago than
 * this is no word of where it is now. */
#define REFRESH_MS 500
#define FRESH_MS 1000
/* Lines about what only a hand can mend. */
#define SAY_EVERY_MS 30000

void persister_open(persister_t *self)
{
    self->opens++;
    self->refreshed_at_ms = clock_mono_ms();
    writer_open(self->writer);
}

/* Asks for what is missing, one replay at a time, while the queue has room.
 * While one is on its way the journal waits in its socket, so that what follows
 * the answer is not taken for another gap. */
static void s_pump(persister_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (self->course != COURSE_ACTIVE)
        return;
    if (self->replay_at_ms && now_ms - self->replay_at_ms < REPLAY_TIMEOUT_MS)
        return;
    bool ask = intake_behind(&self->intake) &&
               persister_queue(self) + BUS_RECORDS_MAX <= WRITER_QUEUE_MAX;
    self->replay_at_ms = ask ? now_ms : 0;
    if (ask) {
        persister_metrics_add(self->metrics, METRIC_REPLAYS, 1);
        /* At a hole only to see whether it is still there. */
        link_replay(self->link, self->intake.next,
                    self->intake.lacked ? 1 : BUS_RECORDS_MAX);
    }
    link_pause_journal(self->link, ask);
}

static void s_begin(persister_t *self)
{
    position_t at = {self->news.state.checkpoint, self->news.chain};
    self->sent = self->news.consumed;
    self->epoch = 0;
    self->canvas_known = false;
    self->board_at_ms = 0;
    self->forked = false;
    intake_start(&self->intake, at);
    link_want_journal(self->link, true);
    log_info("active", "checkpoint=%" PRIu64 " epoch=%" PRIu32, at.seq,
             self->news.state.epoch);
    s_pump(self);
}

/* Takes the course that follows on an event, and does what its beginning
 * asks for. */
static void s_event(persister_t *self, course_event_t event, const char *why)
{
    course_t before = self->course;
    self->course = course_next(before, event);
    if (self->course == before)
        return;
    assert(self->course == COURSE_IDLE || self->granted_at_ms);
    if (self->course != COURSE_ACTIVE) {
        self->replay_at_ms = 0;
        link_want_journal(self->link, false);
    }
    switch (self->course) {
    case COURSE_IDLE:
        log_info("idle", "why=%s checkpoint=%" PRIu64, why,
                 self->news.state.checkpoint);
        writer_stop(self->writer);
        break;
    case COURSE_OPENING:
        persister_open(self);
        break;
    case COURSE_ACTIVE:
        s_begin(self);
        break;
    case COURSE_SEARCHING:
        log_warn("history_forked",
                 "checkpoint=%" PRIu64 " committed=%" PRIu64 " epoch=%" PRIu32
                 " why=%s",
                 self->news.state.checkpoint, self->committed,
                 self->grant.epoch, why);
        writer_stop(self->writer);
        break;
    case COURSE_CUTTING:
        self->cuts++;
        writer_cut(self->writer, self->forks.search.shared, self->grant.epoch);
        break;
    case COURSE_STATES:
        break;
    }
}

/* ---- Forks ----------------------------------------------------------------
 */

/* A line that only a hand can end, not too often. */
static bool s_says(persister_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (self->said_at_ms && now_ms - self->said_at_ms <= SAY_EVERY_MS)
        return false;
    self->said_at_ms = now_ms;
    return true;
}

/* Whose history it is, is settled by the epoch: the leader's is the higher one
 * unless the store was written under a later leader. */
static void s_on_search(persister_t *self, fork_search_state_t state)
{
    if (self->course != COURSE_SEARCHING || state == FORK_SEARCH_ASK)
        return;
    bool wins = self->grant.epoch > self->news.state.epoch;
    bool found = state == FORK_SEARCH_FOUND;
    if (found && wins) {
        s_event(self, COURSE_WINS, "leader_wins");
        return;
    }
    self->forked = true;
    if (s_says(self))
        log_error("history_forked",
                  "checkpoint=%" PRIu64 " shared=%" PRIu64 " why=%s "
                  "hint=\"nothing is written; see docs/operations.md\"",
                  self->news.state.checkpoint,
                  found ? self->forks.search.shared : 0,
                  !found ? "no_common_history" : "not_the_higher_epoch");
    s_event(self, COURSE_LOST, "history_forked");
}

static void s_fork(persister_t *self, uint64_t differs, const char *why)
{
    s_event(self, COURSE_FORKED, why);
    if (self->course == COURSE_SEARCHING)
        s_on_search(self, forks_begin(&self->forks, differs, clock_mono_ms()));
}

void persister_on_chain(void *context, const bus_chain_t *chain)
{
    persister_t *self = context;
    if (self->course == COURSE_SEARCHING)
        s_on_search(self, forks_theirs(&self->forks, chain, clock_mono_ms()));
}

/* The store's chain where the leader's history ends. */
static void s_on_ahead(persister_t *self, position_t ours)
{
    if (ours.seq != self->grant.seq)
        return;
    if (chain_differs(ours.chain, self->grant.chain))
        s_fork(self, ours.seq, "store_ahead");
    else if (s_says(self))
        log_error("store_ahead",
                  "checkpoint=%" PRIu64 " committed=%" PRIu64
                  " hint=\"restore the canvas from this store, or give it "
                  "an empty one\"",
                  self->reported.seq, ours.seq);
}

static void s_on_probed(persister_t *self, position_t ours)
{
    if (self->course == COURSE_SEARCHING)
        s_on_search(self, forks_ours(&self->forks, ours, clock_mono_ms()));
    else if (self->course == COURSE_IDLE)
        s_on_ahead(self, ours);
}

/* ---- Grants ---------------------------------------------------------------
 */

/* The store holds more than the leader ever committed. Nothing is written until
 * it is known whether that is the leader's own history. */
static bool s_store_ahead(persister_t *self)
{
    if (self->grant.seq >= self->reported.seq)
        return false;
    if (self->course == COURSE_ACTIVE || self->course == COURSE_OPENING)
        s_event(self, COURSE_REFUSED, "store_ahead");
    if (self->course == COURSE_IDLE)
        writer_probe(self->writer, self->grant.seq);
    return true;
}

static void persister_on_granted(persister_t *self)
{
    const bus_grant_t *grant = &self->grant;
    history_view_t mine = {.head = {self->intake.next - 1, self->intake.chain}};
    history_view_t theirs = {.head = {grant->seq, grant->chain}};
    if (grant->epoch != self->epoch) {
        intake_doubt(&self->intake);
        self->epoch = grant->epoch;
    }
    if (history_relate(&mine, &theirs, NULL) == HISTORY_FORKED &&
        grant->seq == self->news.state.checkpoint) {
        s_fork(self, grant->seq, "grant");
        return;
    }
    /* The store is told the epoch only of a leader whose history it shares. */
    if (self->intake.proved && grant->epoch > self->news.state.epoch)
        writer_epoch(self->writer, grant->epoch);
    intake_hint(&self->intake, grant->seq);
    s_pump(self);
}

void persister_on_grant(void *context, const bus_grant_t *grant)
{
    persister_t *self = context;
    self->committed = grant->seq;
    self->grant = *grant;
    if (self->drain_until_ms && !self->drain_known)
        self->drain_to = grant->seq;
    self->drain_known = self->drain_until_ms;
    if (!grant->active) {
        s_event(self, COURSE_REFUSED, "not_granted");
        return;
    }
    self->granted_at_ms = clock_mono_ms();
    if (self->course != COURSE_SEARCHING && self->course != COURSE_CUTTING &&
        s_store_ahead(self))
        return;
    s_event(self, COURSE_GRANTED, "granted");
    if (self->course == COURSE_ACTIVE)
        persister_on_granted(self);
}

/* ---- Records --------------------------------------------------------------
 */

/* Records of another history. The store may not have all that was taken: only
 * of its own checkpoint it is known which chain it has. */
static void s_on_forked_run(persister_t *self)
{
    if (self->intake.next == self->news.state.checkpoint + 1)
        s_fork(self, self->news.state.checkpoint, "records");
    else
        s_event(self, COURSE_REFUSED, "another_history");
}

static void s_announce(persister_t *self, zframe_t *frame, uint64_t skip)
{
    bus_body_t body;
    if (bus_decode_body(&body, zframe_data(frame), zframe_size(frame)) == 0)
        announcer_see(&self->announcer, body.body, body.size / RECORD_BYTES,
                      skip, clock_wall_ms());
}

static void s_take(persister_t *self, zframe_t **frame, const intake_run_t *run)
{
    uint64_t skip;
    if (run->first <= self->intake.next &&
        persister_queue(self) + run->count > WRITER_QUEUE_MAX) {
        persister_metrics_add(self->metrics, METRIC_DROPPED, 1);
        intake_refuse(&self->intake, run->first + run->count - 1);
        return;
    }
    switch (intake_offer(&self->intake, run, &skip)) {
    case INTAKE_TAKE:
        self->sent += run->count - skip;
        persister_metrics_add(self->metrics, METRIC_RECEIVED,
                              run->count - skip);
        s_announce(self, *frame, skip);
        writer_records(self->writer, frame, skip);
        break;
    case INTAKE_GAP:
        persister_metrics_add(self->metrics, METRIC_GAPS, 1);
        break;
    case INTAKE_FORKED:
        s_on_forked_run(self);
        break;
    case INTAKE_OLD:
        break;
    }
}

void persister_on_bad(void *context)
{
    persister_t *self = context;
    persister_metrics_add(self->metrics, METRIC_BAD_MESSAGES, 1);
}

void persister_on_journal(void *context, zframe_t **frame)
{
    persister_t *self = context;
    intake_run_t run;
    if (intake_run_decode(&run, zframe_data(*frame), zframe_size(*frame)))
        persister_on_bad(self);
    else if (run.count && self->course == COURSE_ACTIVE)
        s_take(self, frame, &run);
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

void persister_on_replay(void *context, zframe_t **frame)
{
    persister_t *self = context;
    intake_run_t run;
    int bad = intake_run_decode(&run, zframe_data(*frame), zframe_size(*frame));
    if (self->course != COURSE_ACTIVE || !self->replay_at_ms)
        return;
    uint64_t lacks_to = run.count ? run.first - 1 : self->committed;
    bool forked =
        !bad && !run.count && chain_differs(run.before, self->intake.chain);
    if (!bad && !forked && lacks_to >= self->intake.next) {
        s_lack(self, lacks_to);
        return; /* asked again when its time is over */
    }
    self->replay_at_ms = 0;
    if (bad)
        persister_on_bad(self);
    else if (forked)
        s_on_forked_run(self);
    else if (!run.count)
        intake_level(&self->intake, run.before);
    else
        s_take(self, frame, &run);
    /* There may be more than one answer holds. */
    if (run.count == BUS_RECORDS_MAX)
        intake_refuse(&self->intake, self->intake.next);
    s_pump(self);
}

void persister_on_board(void *context, const bus_board_t *board)
{
    persister_t *self = context;
    if (self->course != COURSE_ACTIVE)
        return;
    self->canvas_known = true;
    writer_canvas(self->writer, board->json, board->json_size);
}

void persister_on_news(persister_t *self, const writer_news_t *news)
{
    uint64_t probes = self->news.probes;
    assert(news->consumed >= self->news.consumed);
    self->news = *news;
    if (self->news.opened == self->opens)
        s_event(self, COURSE_OPENED, "opened");
    if (self->news.forked)
        s_event(self, COURSE_REFUSED, "another_history");
    if (self->course == COURSE_ACTIVE && self->news.lost)
        intake_start(&self->intake, (position_t){self->news.state.checkpoint,
                                                 self->news.chain});
    if (self->news.probes != probes)
        s_on_probed(self, self->news.probed);
    if (self->course == COURSE_CUTTING && self->news.cuts == self->cuts)
        s_event(self, COURSE_CUT, "replaced");
    s_pump(self);
}

/* Whether what is known of the store is so now: only who is granted writes to
 * it, and another may have since. */
static bool s_knows_store(const persister_t *self)
{
    bool alone = self->course != COURSE_IDLE && self->course != COURSE_OPENING;
    return self->news.opened &&
           (alone || clock_mono_ms() - self->news.read_at_ms <= FRESH_MS);
}

/* A broker that starts cold must not take an unread store for an empty one, nor
 * an old word for a new one: silence makes it wait. */
void persister_report(persister_t *self)
{
    if (!s_knows_store(self))
        return;
    bus_persister_t report = {
        .instance = self->instance,
        .epoch = self->grant.epoch > self->news.state.epoch
                     ? self->grant.epoch
                     : self->news.state.epoch,
        .checkpoint = self->news.state.checkpoint,
        .snapshot_seq = self->news.snapshot_seq,
        .active = self->course != COURSE_IDLE && self->course != COURSE_OPENING,
        .chain = self->news.chain,
    };
    self->reported = (position_t){report.checkpoint, report.chain};
    link_report(self->link, &report);
}

/* The canvas before each snapshot, and at first as soon as may be. */
static void s_ask_canvas(persister_t *self, uint64_t now_ms)
{
    uint64_t every_ms = self->canvas_known ? (uint64_t)self->config->snapshot_ms
                                           : REPLAY_TIMEOUT_MS;
    if (self->course != COURSE_ACTIVE ||
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
           (self->course != COURSE_ACTIVE || now_ms >= self->drain_until_ms ||
            (self->drain_known && checkpoint >= self->drain_to));
}

bool persister_tick(persister_t *self, uint64_t now_ms)
{
    if (self->course != COURSE_IDLE &&
        now_ms - self->granted_at_ms > GRANT_LIFE_MS)
        s_event(self, COURSE_REFUSED, "no_grant");
    if (self->course == COURSE_SEARCHING)
        forks_tick(&self->forks, now_ms);
    bool asked = self->news.opened < self->opens;
    if (self->course == COURSE_IDLE && !asked &&
        now_ms - self->refreshed_at_ms >= REFRESH_MS)
        persister_open(self);
    s_ask_canvas(self, now_ms);
    s_pump(self);
    return s_drained(self, now_ms);
}
