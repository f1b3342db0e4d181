/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's loop: sockets, threads, timers, metrics. What any of it means
 * is persister.c's.
 */
#include "common/backoff.h"
#include "common/bus.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "persister/clerk.h"
#include "persister/parts.h"
#include "persister/reader.h"
#include "persister/restorer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_MS 500
#define TICK_MS 100
/* Longest wait at the end for what is committed to be in the store. */
#define DRAIN_MS 3000

static void s_on_ask(void *context, size_t broker, zframe_t **frame)
{
    persister_t *self = context;
    if (clerk_knows(*frame))
        clerk_ask(self->clerk, broker, frame);
    else
        restorer_ask(self->restorer, broker, frame);
}

/* What an actor tells of itself, a struct of `size` bytes; false: nothing. */
static bool s_take_news(zsock_t *socket, void *news, size_t size)
{
    zframe_t *frame = zframe_recv(socket);
    if (!frame)
        return false;
    assert(zframe_size(frame) == size);
    memcpy(news, zframe_data(frame), size);
    zframe_destroy(&frame);
    return true;
}

static int s_on_news(zloop_t *loop, zsock_t *socket, void *arg)
{
    writer_news_t news;
    (void)loop;
    if (s_take_news(socket, &news, sizeof news))
        persister_on_news(arg, &news);
    return 0;
}

static int s_on_reader(zloop_t *loop, zsock_t *socket, void *arg)
{
    persister_t *self = arg;
    reader_news_t news;
    (void)loop;
    if (!s_take_news(socket, &news, sizeof news))
        return 0;
    persister_metrics_set(self->metrics, METRIC_LOOKUPS_FOUND, news.found);
    persister_metrics_set(self->metrics, METRIC_LOOKUPS_NONE, news.none);
    persister_metrics_set(self->metrics, METRIC_LOOKUPS_FAILED, news.failed);
    persister_metrics_set(self->metrics, METRIC_LOOKUPS_TOO_MUCH,
                          news.too_much);
    persister_metrics_set(self->metrics, METRIC_LOOKUPS_REFUSED, news.refused);
    persister_metrics_set(self->metrics, METRIC_LOOKUPS_STALE, news.stale);
    persister_metrics_set(self->metrics, METRIC_BAD_LOOKUPS, news.bad);
    return 0;
}

static int s_on_webhook(zloop_t *loop, zsock_t *socket, void *arg)
{
    persister_t *self = arg;
    (void)loop;
    (void)socket;
    announcer_hear(&self->announcer);
    return 0;
}

static void s_count_restorer(persister_t *self, zframe_t *frame)
{
    restorer_news_t news;
    assert(frame && zframe_size(frame) == sizeof news);
    memcpy(&news, zframe_data(frame), sizeof news);
    persister_metrics_set(self->metrics, METRIC_RESTORES, news.restores);
    persister_metrics_set(self->metrics, METRIC_BAD_QUESTIONS, news.bad);
}

/* What the restorer or the clerk says. */
static int s_on_answer(zloop_t *loop, zsock_t *socket, void *arg)
{
    persister_t *self = arg;
    (void)loop;
    zmsg_t *message = zmsg_recv(socket);
    char *word = message ? zmsg_popstr(message) : NULL;
    if (word && !strcmp(word, "NEWS")) {
        s_count_restorer(self, zmsg_first(message));
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

static int s_on_report(zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    persister_report(arg);
    return 0;
}

static int s_on_tick(zloop_t *loop, int timer, void *arg)
{
    persister_t *self = arg;
    (void)loop;
    (void)timer;
    bool over = persister_tick(self, clock_mono_ms());
    persister_metrics_tick(self->metrics);
    return over ? -1 : 0;
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
        unsigned metric;
        uint64_t value;
    } gauges[] = {
        {METRIC_ACTIVE, self->course == COURSE_ACTIVE},
        {METRIC_CHECKPOINT, checkpoint},
        {METRIC_LAG, lag},
        {METRIC_QUEUE, persister_queue(self)},
        {METRIC_WRITTEN, news->written},
        {METRIC_BATCHES, news->batches},
        {METRIC_RETRIES, news->retries},
        {METRIC_LAST_ERROR, news->last_error_ms},
        {METRIC_SNAPSHOT_SEQ, news->snapshot_seq},
        {METRIC_SNAPSHOT_AGE, age_ms},
        {METRIC_DISAGREED, news->disagreed},
        {METRIC_FORKED, self->forked},
        {METRIC_REPLACED, news->replaced},
        {METRIC_HOLE_FIRST, self->intake.hole ? self->intake.next : 0},
        {METRIC_HOLE_LAST, self->intake.hole},
        {METRIC_WEBHOOK_TOLD, self->announcer.news.told},
        {METRIC_WEBHOOK_RETRIES, self->announcer.news.retries},
        {METRIC_WEBHOOK_DROPPED, announcer_dropped(&self->announcer)},
        {METRIC_WEBHOOK_WAITING, announcer_waiting(&self->announcer)},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        persister_metrics_set(self->metrics, gauges[i].metric, gauges[i].value);
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
        self->restorer = restorer_new(config->store);
    if (self->restorer)
        self->clerk = clerk_new(config->store);
    if (self->clerk)
        self->writer = writer_new(&options);
    if (!self->writer || announcer_start(&self->announcer, config) < 0)
        return -1;
    self->forks = (forks_t){.link = self->link, .writer = self->writer};
    zloop_reader(self->loop, zactor_sock(self->writer), s_on_news, self);
    zloop_reader(self->loop, zactor_sock(self->reader), s_on_reader, self);
    zloop_reader(self->loop, zactor_sock(self->restorer), s_on_answer, self);
    zloop_reader(self->loop, zactor_sock(self->clerk), s_on_answer, self);
    if (self->announcer.sender)
        zloop_reader(self->loop, zactor_sock(self->announcer.sender),
                     s_on_webhook, self);
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
        .on_grant = persister_on_grant,
        .on_journal = persister_on_journal,
        .on_replay = persister_on_replay,
        .on_board = persister_on_board,
        .on_chain = persister_on_chain,
        .on_ask = s_on_ask,
        .on_bad = persister_on_bad,
    };
    self->link = link_new(config->brokers, security, self->loop, &events);
    self->metrics =
        persister_metrics_new(&config->common, self->loop, s_gather, self);
    if (!self->link || !self->metrics || s_start_actors(self, security))
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
    zactor_destroy(&self->restorer);
    zactor_destroy(&self->clerk);
    announcer_stop(&self->announcer);
    link_destroy(&self->link);
    persister_metrics_destroy(&self->metrics);
    zloop_destroy(&self->loop);
    free(self);
    *self_p = NULL;
}

void persister_run(persister_t *self)
{
    zloop_timer(self->loop, REPORT_MS, 0, s_on_report, self);
    zloop_timer(self->loop, TICK_MS, 0, s_on_tick, self);
    persister_open(self);
    log_info("ready", "bind=%s", self->config->bind);
    zloop_start(self->loop);
    /* A signal ended it; once more, until the store has all, or another one. */
    zsys_interrupted = 0;
    self->drain_until_ms = clock_mono_ms() + DRAIN_MS;
    persister_report(self);
    zloop_start(self->loop);
    persister_report(self);
    log_info("stop", "checkpoint=%" PRIu64, self->news.state.checkpoint);
}
