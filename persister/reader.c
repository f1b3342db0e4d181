/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/reader.h"

#include "common/bus.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshots.h"
#include "persister/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A store that failed is not asked again before. */
#define REOPEN_MS 500
#define NEWS_MS 1000
/* Look-ups in a row before the pipe is looked at. */
#define QUERIES_AT_ONCE 256

typedef struct {
    zsock_t *pipe;
    zsock_t *query;
    store_t *store;
    store_state_t state;
    bool open;
    bool terminated;
    uint64_t reopen_at_ms;
    uint64_t news_at_ms;
    reader_news_t news;
} reader_t;

static void s_failed(reader_t *self, const char *doing)
{
    char quoted[400];
    log_warn(
        "store_failed", "doing=%s error=%s", doing,
        log_quote(quoted, sizeof quoted, self->store->ops->error(self->store)));
    self->open = false;
    self->reopen_at_ms = clock_mono_ms() + REOPEN_MS;
}

/* The store is there, as far as is known. */
static bool s_ready(reader_t *self)
{
    if (self->open)
        return true;
    if (clock_mono_ms() < self->reopen_at_ms)
        return false;
    if (self->store->ops->open(self->store, &self->state) != STORE_OK) {
        s_failed(self, "open");
        return false;
    }
    self->open = true;
    return true;
}

/* The answer to one look-up into `bytes`; 0 where the question is malformed. */
static size_t s_look_up(reader_t *self, uint8_t *bytes, zframe_t *question)
{
    bus_query_t query;
    if (bus_decode_query(&query, zframe_data(question), zframe_size(question)))
        return 0;
    bus_answer_t answer = {.ticket = query.ticket};
    const store_ops_t *ops = self->store->ops;
    store_result_t result = STORE_FAILED;
    bool pixel = bus_type(zframe_data(question), 1) == BUS_PIXEL;
    if (s_ready(self)) {
        result = pixel
                     ? ops->pixel(self->store, query.x, query.y, &answer.record)
                     : ops->user(self->store, query.user, &answer.record);
        if (result != STORE_OK && result != STORE_NONE)
            s_failed(self, pixel ? "pixel" : "user");
    }
    answer.status = result == STORE_OK     ? BUS_FOUND
                    : result == STORE_NONE ? BUS_NONE
                                           : BUS_STORE_FAILED;
    self->news.found += answer.status == BUS_FOUND;
    self->news.none += answer.status == BUS_NONE;
    self->news.failed += answer.status == BUS_STORE_FAILED;
    return bus_put_answer(bytes, &answer);
}

static void s_take_query(reader_t *self)
{
    zmsg_t *message = zmsg_recv(self->query);
    if (!message)
        return;
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = 0;
    zframe_t *question = zmsg_last(message);
    if (zmsg_size(message) == 2)
        size = s_look_up(self, bytes, question);
    if (size) {
        zframe_reset(question, bytes, size);
        zmsg_send(&message, self->query);
    } else {
        self->news.bad++;
    }
    zmsg_destroy(&message); /* an edge that went away meanwhile */
}

static void s_answer(reader_t *self, zframe_t *number, zframe_t **frame)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "ANSWER");
    zframe_t *copy = zframe_dup(number);
    zmsg_append(message, &copy);
    zmsg_append(message, frame);
    zmsg_send(&message, self->pipe);
}

/* The newest snapshot whose pixels have its digest. */
static store_result_t s_sound_snapshot(reader_t *self,
                                       store_snapshot_t *snapshot)
{
    uint64_t at_most = UINT64_MAX;
    for (;;) {
        store_result_t result =
            self->store->ops->get_snapshot(self->store, at_most, snapshot);
        if (result != STORE_OK)
            return result;
        board_t *board = snapshot_board(snapshot, NULL);
        if (board) {
            board_destroy(&board);
            return STORE_OK;
        }
        log_error("snapshot_unsound", "seq=%" PRIu64, snapshot->seq);
        at_most = snapshot->seq - 1;
        bool first = !snapshot->seq;
        store_snapshot_free(snapshot);
        if (first)
            return STORE_NONE;
    }
}

static zframe_t *s_snapshot_frame(reader_t *self, zframe_t *question)
{
    (void)question;
    store_snapshot_t snapshot = {0};
    self->open = false; /* the state, as it is now */
    self->reopen_at_ms = 0;
    if (!s_ready(self))
        return NULL;
    store_result_t result = s_sound_snapshot(self, &snapshot);
    if (result != STORE_OK && result != STORE_NONE) {
        s_failed(self, "snapshot");
        return NULL;
    }
    bus_board_t board = {
        .epoch = self->state.epoch,
        .seq = snapshot.seq,
        .json = snapshot.canvas ? snapshot.canvas : "",
        .json_size = snapshot.canvas ? strlen(snapshot.canvas) : 0,
        .pixels = snapshot.pixels,
        .pixels_size = snapshot.pixels_size,
    };
    zframe_t *frame = zframe_new(NULL, bus_board_bound(&board));
    size_t size = bus_put_board(zframe_data(frame), BUS_SNAPSHOT, &board);
    zframe_t *answer = zframe_new(zframe_data(frame), size);
    zframe_destroy(&frame);
    store_snapshot_free(&snapshot);
    self->news.restores++;
    log_info("restore", "snapshot=%" PRIu64 " checkpoint=%" PRIu64, board.seq,
             self->state.checkpoint);
    return answer;
}

typedef struct {
    uint8_t *at;
} packer_t;

static bool s_pack(void *context, const record_t *records, size_t count)
{
    packer_t *packer = context;
    for (size_t i = 0; i < count; i++, packer->at += RECORD_BYTES)
        record_encode(packer->at, &records[i]);
    return true;
}

/* An empty answer ends the restore, so it is given only where nothing is to
 * come: a hole below the checkpoint is answered by silence and a line. */
static zframe_t *s_replay_frame(reader_t *self, zframe_t *question)
{
    bus_replay_t ask;
    if (bus_decode_replay(&ask, zframe_data(question), zframe_size(question))) {
        self->news.bad++;
        return NULL;
    }
    if (!s_ready(self))
        return NULL;
    if (ask.max > BUS_RECORDS_MAX)
        ask.max = BUS_RECORDS_MAX;
    uint8_t *bytes =
        mem_alloc(BUS_BODY_HEAD_BYTES + (size_t)ask.max * RECORD_BYTES);
    size_t head = bus_put_body_head(bytes, BUS_RECORDS, self->state.epoch);
    packer_t packer = {bytes + head};
    store_result_t result = STORE_NONE;
    if (ask.max)
        result = self->store->ops->scan(
            self->store, ask.from, ask.from + ask.max - 1, s_pack, &packer);
    size_t size = (size_t)(packer.at - bytes);
    zframe_t *frame = NULL;
    if (result == STORE_NONE && ask.from <= self->state.checkpoint)
        log_error("journal_hole", "seq=%" PRIu64, ask.from);
    else if (result == STORE_OK || result == STORE_NONE || size > head)
        frame = zframe_new(bytes, size);
    else
        s_failed(self, "scan");
    free(bytes);
    return frame;
}

static void s_take_ask(reader_t *self, zmsg_t *message)
{
    zframe_t *number = zmsg_first(message);
    zframe_t *question = zmsg_next(message);
    uint8_t type = bus_type(zframe_data(question), zframe_size(question));
    zframe_t *answer = type == BUS_SNAPSHOT_ASK
                           ? s_snapshot_frame(self, question)
                           : s_replay_frame(self, question);
    if (answer)
        s_answer(self, number, &answer);
}

static void s_take_command(reader_t *self)
{
    zmsg_t *message = zmsg_recv(self->pipe);
    char *word = message ? zmsg_popstr(message) : NULL;
    if (!word || !strcmp(word, "$TERM"))
        self->terminated = true;
    else
        s_take_ask(self, message);
    free(word);
    zmsg_destroy(&message);
}

static void s_tell(reader_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (now_ms < self->news_at_ms)
        return;
    self->news_at_ms = now_ms + NEWS_MS;
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "NEWS");
    zmsg_addmem(message, &self->news, sizeof self->news);
    zmsg_send(&message, self->pipe);
}

static void s_run(zsock_t *pipe, void *arg)
{
    reader_t *self = arg;
    self->pipe = pipe;
    zsock_signal(pipe, 0);
    zpoller_t *poller = zpoller_new(self->pipe, self->query, NULL);
    zpoller_set_nonstop(poller, true); /* the owner says when */
    while (!self->terminated) {
        zpoller_wait(poller, NEWS_MS);
        for (int i = 0;
             i < QUERIES_AT_ONCE && zsock_events(self->query) & ZMQ_POLLIN; i++)
            s_take_query(self);
        while (!self->terminated && zsock_events(self->pipe) & ZMQ_POLLIN)
            s_take_command(self);
        s_tell(self);
    }
    zpoller_destroy(&poller);
    zsock_destroy(&self->query);
    store_destroy(&self->store);
    free(self);
}

zactor_t *reader_new(const char *store_url, zsock_t **query)
{
    store_t *store = store_new(store_url);
    if (!store)
        return NULL;
    reader_t *self = mem_zalloc(1, sizeof *self);
    self->store = store;
    self->query = *query;
    *query = NULL;
    /* An answer that an edge does not read is dropped. */
    zsock_set_sndtimeo(self->query, 0);
    return zactor_new(s_run, self);
}

void reader_ask(zactor_t *self, size_t number, zframe_t **frame)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "ASK");
    zmsg_addmem(message, &number, sizeof number);
    zmsg_append(message, frame);
    zmsg_send(&message, self);
}
