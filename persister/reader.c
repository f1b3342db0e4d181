/* SPDX-License-Identifier: Apache-2.0
 *
 * See reader.h. The thread polls its pipe, the query socket and the archive.
 */
#include "persister/reader.h"

#include "common/bus_query.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/archive.h"
#include "persister/questions.h"
#include "persister/source.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NEWS_MS 1000
/* How long look-ups are answered before the sockets are looked at again. */
#define ANSWERING_MS 10

typedef struct {
    zsock_t *pipe;
    zsock_t *query;
    zactor_t *archive;
    unsigned archive_waiting;
    questions_t *questions;
    source_t source;
    bool terminated;
    uint64_t news_at_ms;
    reader_news_t news;
} reader_t;

static void s_count_answer(reader_t *self, uint8_t status)
{
    self->news.found += status == BUS_FOUND;
    self->news.none += status == BUS_NONE;
    self->news.failed += status == BUS_STORE_FAILED;
    self->news.too_much += status == BUS_TOO_MUCH;
}

/* The answer to one look-up into `bytes`. */
static size_t s_look_up(reader_t *self, uint8_t *bytes, bus_type_t type,
                        const bus_query_t *query)
{
    bus_answer_t answer = {.ticket = query->ticket};
    const store_ops_t *ops = self->source.store->ops;
    store_result_t result = STORE_FAILED;
    bool pixel = type == BUS_PIXEL;
    if (source_ready(&self->source)) {
        result =
            pixel ? ops->pixel(self->source.store, query->x, query->y,
                               &answer.record)
                  : ops->user(self->source.store, query->user, &answer.record);
        if (result != STORE_OK && result != STORE_NONE)
            source_failed(&self->source, pixel ? "pixel" : "user");
    }
    answer.status = result == STORE_OK     ? BUS_FOUND
                    : result == STORE_NONE ? BUS_NONE
                                           : BUS_STORE_FAILED;
    s_count_answer(self, answer.status);
    return bus_put_answer(bytes, &answer);
}

static void s_send(reader_t *self, zmsg_t *message, const uint8_t *bytes,
                   size_t size)
{
    zframe_reset(zmsg_last(message), bytes, size);
    zmsg_send(&message, self->query);
    zmsg_destroy(&message); /* an edge that went away meanwhile */
}

/* Too much is asked. Takes the message. */
static void s_refuse(reader_t *self, zmsg_t *message, bool page,
                     uint64_t ticket)
{
    uint8_t bytes[BUS_SMALL_MAX];
    self->news.refused++;
    s_count_answer(self, BUS_STORE_FAILED);
    s_send(self, message, bytes,
           page ? bus_put_page_head(bytes,
                                    &(bus_page_t){.ticket = ticket,
                                                  .status = BUS_STORE_FAILED})
                : bus_put_answer(bytes,
                                 &(bus_answer_t){.ticket = ticket,
                                                 .status = BUS_STORE_FAILED}));
}

/* Puts a question where it waits. */
static void s_take_query(reader_t *self)
{
    zmsg_t *message = zmsg_recv(self->query);
    bus_query_t query;
    if (!message)
        return;
    zframe_t *question = zmsg_last(message);
    if (zmsg_size(message) != 2 ||
        bus_decode_query(&query, zframe_data(question),
                         zframe_size(question))) {
        self->news.bad++;
        zmsg_destroy(&message);
        return;
    }
    bus_type_t type = (bus_type_t)bus_type(zframe_data(question), 1);
    bool page = type != BUS_PIXEL && type != BUS_USER;
    if (page && self->archive_waiting < ARCHIVE_MAX) {
        self->archive_waiting++;
        zmsg_send(&message, self->archive);
    } else if (page ||
               !questions_put(self->questions, &message, clock_mono_ms())) {
        s_refuse(self, message, page, query.ticket);
    }
}

/* Answers look-ups that wait, for a moment. */
static void s_answer_some(reader_t *self)
{
    uint8_t bytes[BUS_SMALL_MAX];
    uint64_t until_ms = clock_mono_ms() + ANSWERING_MS;
    bus_query_t query;
    for (uint64_t now_ms = 0; now_ms < until_ms;) {
        now_ms = clock_mono_ms();
        zmsg_t *message = questions_take(self->questions, now_ms);
        if (!message)
            break;
        zframe_t *question = zmsg_last(message);
        int bad = bus_decode_query(&query, zframe_data(question),
                                   zframe_size(question));
        assert(!bad);
        bus_type_t type = (bus_type_t)bus_type(zframe_data(question), 1);
        s_send(self, message, bytes, s_look_up(self, bytes, type, &query));
    }
    self->news.stale = questions_stale(self->questions);
}

static void s_take_page(reader_t *self)
{
    zmsg_t *message = zmsg_recv(self->archive);
    bus_page_t page;
    if (!message)
        return;
    zframe_t *frame = zmsg_last(message);
    int bad = bus_decode_page(&page, zframe_data(frame), zframe_size(frame));
    assert(!bad);
    self->archive_waiting--;
    s_count_answer(self, page.status);
    zmsg_send(&message, self->query);
    zmsg_destroy(&message);
}

static void s_take_command(reader_t *self)
{
    zmsg_t *message = zmsg_recv(self->pipe);
    self->terminated = true; /* it is told nothing else */
    zmsg_destroy(&message);
}

static void s_tell(reader_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    if (now_ms < self->news_at_ms)
        return;
    self->news_at_ms = now_ms + NEWS_MS;
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, &self->news, sizeof self->news);
    zmsg_send(&message, self->pipe);
}

static void s_run(zsock_t *pipe, void *arg)
{
    reader_t *self = arg;
    self->pipe = pipe;
    zsock_signal(pipe, 0);
    zpoller_t *poller =
        zpoller_new(self->pipe, self->query, self->archive, NULL);
    zpoller_set_nonstop(poller, true); /* the owner says when */
    while (!self->terminated) {
        zpoller_wait(poller, questions_count(self->questions) ? 0 : NEWS_MS);
        while (zsock_events(self->query) & ZMQ_POLLIN)
            s_take_query(self);
        s_answer_some(self);
        while (zsock_events(self->archive) & ZMQ_POLLIN)
            s_take_page(self);
        if (zsock_events(self->pipe) & ZMQ_POLLIN)
            s_take_command(self);
        s_tell(self);
    }
    zpoller_destroy(&poller);
    zactor_destroy(&self->archive);
    questions_destroy(&self->questions);
    zsock_destroy(&self->query);
    source_fini(&self->source);
    free(self);
}

zactor_t *reader_new(const char *store_url, zsock_t **query)
{
    reader_t *self = mem_zalloc(1, sizeof *self);
    if (source_init(&self->source, store_url) < 0) {
        free(self);
        return NULL;
    }
    self->archive = archive_new(store_url);
    self->questions = questions_new();
    self->query = *query;
    *query = NULL;
    /* An answer that an edge does not read is dropped. */
    zsock_set_sndtimeo(self->query, 0);
    return zactor_new(s_run, self);
}
