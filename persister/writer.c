/* SPDX-License-Identifier: Apache-2.0
 *
 * See writer.h.
 *
 *     frames ──decode──▶ queue ──batch──▶ store ──▶ replica ──▶ snapshots
 *
 * A batch begins when the first record has waited flush_ms or BATCH_FULL are
 * there; it then takes all there is, up to STORE_WRITE_MAX: the further behind,
 * the larger the batches, the less a record costs.
 */
#include "persister/writer.h"

#include "common/backoff.h"
#include "common/bus.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/record_queue.h"
#include "persister/replica.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_ROOM (WRITER_QUEUE_MAX + BUS_RECORDS_MAX)
#define BATCH_FULL 16384
#define RETRY_BASE_MS 50
#define RETRY_CAP_MS 5000
/* While the store stays away, it is said so often. */
#define SAY_EVERY_MS 10000

typedef struct {
    writer_options_t options;
    zsock_t *pipe;
    store_t *store;
    replica_t *replica;
    record_queue_t queue; /* QUEUE_ROOM */
    struct {
        bool due;
        uint64_t after;
        uint32_t epoch;
    } cut;
    uint32_t epoch; /* highest of records and of the leader */
    uint64_t opens_wanted;
    bool reopen; /* after a failure */
    bool active; /* records came since the last stop */
    bool terminated;
    backoff_t backoff;
    uint64_t retry_at_ms; /* no store call before */
    uint64_t said_at_ms;  /* of the last line about an error; 0: all well */
    uint64_t snapshot_due_ms;
    uint64_t snapshot_look_ms; /* no look for another's before */
    writer_news_t news;
} writer_t;

static void s_tell(writer_t *self)
{
    zframe_t *frame = zframe_new(&self->news, sizeof self->news);
    zframe_send(&frame, self->pipe, 0);
    self->news.lost = self->news.forked = false;
}

/* The store did not do it: says so, and sets the time of the next try. */
static void s_failed(writer_t *self, const char *doing)
{
    uint64_t now_ms = clock_mono_ms();
    uint32_t wait_ms = backoff_next_ms(&self->backoff);
    self->retry_at_ms = now_ms + wait_ms;
    self->news.retries++;
    self->news.last_error_ms = clock_wall_ms();
    if (!self->said_at_ms || now_ms - self->said_at_ms >= SAY_EVERY_MS) {
        char quoted[400];
        log_warn("store_failed",
                 "doing=%s error=%s retry_ms=%" PRIu32 " queued=%zu", doing,
                 log_quote(quoted, sizeof quoted,
                           self->store->ops->error(self->store)),
                 wait_ms, self->queue.count);
        self->said_at_ms = now_ms;
    }
    s_tell(self);
}

static void s_succeeded(writer_t *self)
{
    backoff_reset(&self->backoff);
    self->retry_at_ms = 0;
    if (self->said_at_ms)
        log_info("store_back", "checkpoint=%" PRIu64,
                 self->news.state.checkpoint);
    self->said_at_ms = 0;
}

static void s_drop_queue(writer_t *self)
{
    self->news.consumed += self->queue.count;
    self->queue.count = 0;
}

/* The queue must follow on from the checkpoint, or be dropped. */
static void s_check_queue(writer_t *self)
{
    if (self->queue.count &&
        self->queue.at[0].seq > self->news.state.checkpoint + 1) {
        s_drop_queue(self);
        self->news.lost = true;
    }
}

/* Not more often than they are taken. */
static void s_newest_snapshot(writer_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (self->news.opened && now_ms < self->snapshot_look_ms)
        return;
    self->snapshot_look_ms = now_ms + self->options.snapshot_ms;
    self->news.snapshot_seq = 0;
    self->news.snapshot_at_ms = 0;
    self->store->ops->newest_snapshot(self->store, &self->news.snapshot_seq,
                                      &self->news.snapshot_at_ms);
}

static int s_open(writer_t *self)
{
    uint64_t before = self->news.state.checkpoint;
    uint64_t now_ms = clock_mono_ms();
    store_result_t result =
        store_open(self->store, &self->news.state, &self->news.chain);
    if (result != STORE_OK) {
        s_failed(self, "open");
        return -1;
    }
    /* After a failed write only a write tells that all is well again. */
    if (!self->reopen)
        s_succeeded(self);
    if (!self->news.opened || self->news.state.checkpoint != before) {
        replica_reset(self->replica);
        s_newest_snapshot(self);
    }
    self->news.opened = self->opens_wanted;
    self->news.read_at_ms = now_ms;
    self->reopen = false;
    s_check_queue(self);
    s_tell(self);
    return 0;
}

static void s_written(writer_t *self, size_t count)
{
    uint64_t last = self->queue.at[count - 1].seq;
    if (last > self->news.state.checkpoint)
        self->news.state.checkpoint = last;
    self->news.chain = self->store->chain;
    if (self->epoch > self->news.state.epoch)
        self->news.state.epoch = self->epoch;
    self->news.written += count;
    self->news.batches++;
    self->news.consumed += count;
    record_queue_drop(&self->queue, count, clock_mono_ms());
    s_tell(self);
}

/* Another wrote into the store what this leader never had, or the other way
 * round: the owner looks again. */
static void s_forked(writer_t *self)
{
    log_error("history_forked",
              "first=%" PRIu64 " checkpoint=%" PRIu64
              " why=\"records do not follow on from the store's\"",
              self->queue.at[0].seq, self->news.state.checkpoint);
    s_drop_queue(self);
    self->news.forked = true;
    self->reopen = true;
    s_tell(self);
}

static int s_write(writer_t *self)
{
    size_t count = self->queue.count;
    if (count > STORE_WRITE_MAX)
        count = STORE_WRITE_MAX;
    store_result_t result = store_write(self->store, self->queue.before,
                                        self->queue.at, count, self->epoch);
    if (result == STORE_FORKED) {
        s_forked(self);
        return -1;
    }
    if (result != STORE_OK) {
        s_failed(self, "write");
        /* What the store has is to be read again before the next try. */
        self->reopen = true;
        return -1;
    }
    s_succeeded(self);
    uint64_t known = self->news.state.checkpoint + 1 - self->queue.at[0].seq;
    if (known < count)
        self->news.disagreed +=
            replica_apply(self->replica, self->queue.at + known, count - known);
    s_written(self, count);
    return 0;
}

static bool s_keep_record(void *context, const record_t *records, size_t count)
{
    *(record_t *)context = records[count - 1];
    return true;
}

static bool s_epoch_due(const writer_t *self)
{
    const store_state_t *state = &self->news.state;
    return self->active && !self->queue.count && self->epoch > state->epoch &&
           state->checkpoint;
}

/* The last record once more: nothing changes but the epoch. */
static int s_raise_epoch(writer_t *self)
{
    record_t last;
    uint64_t seq = self->news.state.checkpoint;
    const store_ops_t *ops = self->store->ops;
    store_result_t result =
        ops->scan(self->store, seq, seq, s_keep_record, &last);
    if (result == STORE_OK)
        result = store_write(self->store, CHAIN_UNKNOWN, &last, 1, self->epoch);
    if (result != STORE_OK) {
        s_failed(self, "epoch");
        return -1;
    }
    s_succeeded(self);
    self->news.state.epoch = self->epoch;
    s_tell(self);
    return 0;
}

/* A cut is tried until it is done: a half-made one is in nobody's interest. */
static int s_cut(writer_t *self)
{
    uint64_t count = 0, after = self->cut.after;
    store_result_t result = STORE_OK;
    const store_state_t *state = &self->news.state;
    if (after < state->checkpoint && self->cut.epoch > state->epoch)
        result = store_cut(self->store, after, self->cut.epoch, &count);
    if (result != STORE_OK) {
        s_failed(self, "cut");
        self->reopen = true;
        return -1;
    }
    s_succeeded(self);
    log_warn("history_replaced",
             "after=%" PRIu64 " records=%" PRIu64 " epoch=%" PRIu32
             " hint=\"they lost against the leader's history and are kept "
             "aside; see docs/operations.md\"",
             after, count, self->cut.epoch);
    self->cut.due = false;
    self->news.replaced += count;
    self->news.cuts++;
    replica_reset(self->replica);
    self->reopen = true; /* tells the state */
    return 0;
}

static bool s_snapshot_due(const writer_t *self, uint64_t now_ms)
{
    return self->active && now_ms >= self->snapshot_due_ms &&
           replica_changed(self->replica, self->news.state.checkpoint);
}

static int s_snapshot(writer_t *self)
{
    uint64_t now_ms = clock_wall_ms();
    uint64_t seq = self->news.state.checkpoint;
    if (replica_put(self->replica, self->store, seq, now_ms) != STORE_OK) {
        /* Records matter more: the next try is a whole period away. */
        self->snapshot_due_ms = clock_mono_ms() + self->options.snapshot_ms;
        s_failed(self, "snapshot");
        return -1;
    }
    s_succeeded(self);
    self->snapshot_due_ms = clock_mono_ms() + self->options.snapshot_ms;
    self->news.snapshot_seq = seq;
    self->news.snapshot_at_ms = now_ms;
    s_tell(self);
    return 0;
}

static bool s_write_due(const writer_t *self, uint64_t now_ms)
{
    return self->queue.count &&
           (self->terminated || self->queue.count >= BATCH_FULL ||
            now_ms - self->queue.since_ms >= self->options.flush_ms);
}

/* One store call that is due; false where none is. */
static bool s_work(writer_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (now_ms < self->retry_at_ms)
        return false;
    if (self->news.opened < self->opens_wanted || self->reopen)
        return !s_open(self);
    if (!self->news.opened)
        return false;
    if (self->cut.due)
        return !s_cut(self);
    /* First: under a load that never pauses there is always a write due. */
    if (s_snapshot_due(self, now_ms))
        return !s_snapshot(self);
    if (s_write_due(self, now_ms))
        return !s_write(self);
    if (s_epoch_due(self))
        return !s_raise_epoch(self);
    return false;
}

/* Until the next thing that time brings. */
static int s_wait_ms(const writer_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    uint64_t at_ms = now_ms + 1000;
    if (self->queue.count &&
        self->queue.since_ms + self->options.flush_ms < at_ms)
        at_ms = self->queue.since_ms + self->options.flush_ms;
    if (self->active && self->snapshot_due_ms > now_ms &&
        self->snapshot_due_ms < at_ms)
        at_ms = self->snapshot_due_ms;
    if (at_ms < self->retry_at_ms)
        at_ms = self->retry_at_ms;
    return at_ms > now_ms ? (int)(at_ms - now_ms) : 0;
}

static void s_take_probe(writer_t *self, zmsg_t *message)
{
    zframe_t *frame = zmsg_first(message);
    position_t *probed = &self->news.probed;
    assert(frame && zframe_size(frame) == sizeof probed->seq);
    memcpy(&probed->seq, zframe_data(frame), sizeof probed->seq);
    probed->chain = CHAIN_UNKNOWN;
    if (probed->seq <= self->news.state.checkpoint)
        store_chain_at(self->store, probed->seq, &probed->chain);
    self->news.probes++;
    s_tell(self);
}

static void s_take_cut(writer_t *self, zmsg_t *message)
{
    zframe_t *after = zmsg_first(message), *epoch = zmsg_next(message);
    assert(after && zframe_size(after) == sizeof self->cut.after);
    assert(epoch && zframe_size(epoch) == sizeof self->cut.epoch);
    memcpy(&self->cut.after, zframe_data(after), sizeof self->cut.after);
    memcpy(&self->cut.epoch, zframe_data(epoch), sizeof self->cut.epoch);
    self->cut.due = true;
    s_drop_queue(self);
}

static void s_take_open(writer_t *self, zmsg_t *message)
{
    (void)message;
    self->opens_wanted++;
}

static void s_take_stop(writer_t *self, zmsg_t *message)
{
    (void)message;
    s_drop_queue(self);
    self->cut.due = false;
    self->active = false;
    s_tell(self);
}

static void s_take_canvas(writer_t *self, zmsg_t *message)
{
    zframe_t *json = zmsg_first(message);
    replica_set_canvas(self->replica, (const char *)zframe_data(json),
                       zframe_size(json));
    self->active = true;
}

static void s_see_epoch(writer_t *self, uint32_t epoch)
{
    self->active = true;
    if (epoch > self->epoch)
        self->epoch = epoch;
}

static void s_take_epoch(writer_t *self, zmsg_t *message)
{
    uint32_t epoch;
    zframe_t *frame = zmsg_first(message);
    assert(frame && zframe_size(frame) == sizeof epoch);
    memcpy(&epoch, zframe_data(frame), sizeof epoch);
    s_see_epoch(self, epoch);
}

static void s_take_records(writer_t *self, zmsg_t *message)
{
    uint64_t skip;
    zframe_t *head = zmsg_first(message);
    zframe_t *frame = zmsg_next(message);
    assert(head && frame && zframe_size(head) == sizeof skip);
    memcpy(&skip, zframe_data(head), sizeof skip);
    bus_body_t body;
    int bad = bus_decode_body(&body, zframe_data(frame), zframe_size(frame));
    assert(!bad);
    size_t count = body.size / RECORD_BYTES - skip;
    assert(count && self->queue.count + count <= QUEUE_ROOM);
    s_see_epoch(self, body.epoch);
    chain_t before = chain_extend(body.chain, body.body, skip);
    int64_t known = record_queue_put(&self->queue, self->news.state.checkpoint,
                                     before, body.body + skip * RECORD_BYTES,
                                     count, clock_mono_ms());
    if (known >= 0) {
        self->news.consumed += (uint64_t)known;
    } else {
        s_drop_queue(self);
        self->news.consumed += count;
        self->news.lost = true;
        s_tell(self);
    }
}

static void s_take_term(writer_t *self, zmsg_t *message)
{
    (void)message;
    self->terminated = true;
}

static const struct {
    const char *word;
    void (*take)(writer_t *self, zmsg_t *message);
} commands[] = {
    {"RECORDS", s_take_records}, {"CANVAS", s_take_canvas},
    {"EPOCH", s_take_epoch},     {"OPEN", s_take_open},
    {"STOP", s_take_stop},       {"PROBE", s_take_probe},
    {"CUT", s_take_cut},         {"$TERM", s_take_term},
};

static void s_take(writer_t *self)
{
    zmsg_t *message = zmsg_recv(self->pipe);
    if (!message) {
        self->terminated = true;
        return;
    }
    char *word = zmsg_popstr(message);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (word && !strcmp(word, commands[i].word))
            commands[i].take(self, message);
    free(word);
    zmsg_destroy(&message);
}

static void s_loop(writer_t *self)
{
    zpoller_t *poller = zpoller_new(self->pipe, NULL);
    zpoller_set_nonstop(poller, true); /* the owner says when */
    while (!self->terminated) {
        if (zpoller_wait(poller, s_wait_ms(self)))
            while (!self->terminated && zsock_events(self->pipe) & ZMQ_POLLIN)
                s_take(self);
        while (!self->terminated && s_work(self) &&
               !(zsock_events(self->pipe) & ZMQ_POLLIN))
            ;
    }
    /* One last try for each batch; what fails is replayed at the next start. */
    while (self->queue.count && self->news.opened && !s_write(self))
        ;
    zpoller_destroy(&poller);
}

static void s_run(zsock_t *pipe, void *arg)
{
    writer_t *self = arg;
    self->pipe = pipe;
    /* News never block: the owner may be waiting for this thread to end. */
    zsock_set_sndtimeo(pipe, 0);
    zsock_signal(pipe, 0);
    s_loop(self);
    store_destroy(&self->store);
    replica_destroy(&self->replica);
    record_queue_fini(&self->queue);
    free(self);
}

zactor_t *writer_new(const writer_options_t *options)
{
    store_t *store = store_new(options->store);
    if (!store)
        return NULL;
    writer_t *self = mem_zalloc(1, sizeof *self);
    self->options = *options;
    self->store = store;
    self->replica = replica_new();
    record_queue_init(&self->queue, QUEUE_ROOM);
    self->backoff = backoff_of(RETRY_BASE_MS, RETRY_CAP_MS);
    /* Its pipe never blocks the owner: what is under way in it is bounded by
     * WRITER_QUEUE_MAX. (The other threads get one question per broker.) */
    zsys_set_pipehwm(0);
    return zactor_new(s_run, self);
}
