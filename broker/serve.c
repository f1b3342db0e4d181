/* SPDX-License-Identifier: Apache-2.0
 *
 * See serve.h.
 */
#include "broker/serve.h"

#include "broker/events.h"
#include "broker/metrics.h"
#include "broker/redis_ledger.h"
#include "broker/redis_memory.h"
#include "common/backoff.h"
#include "common/bus_guard.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics_server.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/signalfd.h>

#define SECOND_MS 1000
#define STOP_TICK_MS 10
#define FOLLOW_TICK_MS 10
#define LEASE_TICK_MAX_MS 500
/* Verdicts already sent may still leave. */
#define LINGER_MS 500

struct serve {
    const broker_config_t *config;
    redis_url_t url;
    canvas_t blank;
    role_keys_t keys;
    bus_guard_t *guard;
    zloop_t *loop;
    zsock_t *sockets[4]; /* by bus_channel_t */
    metrics_server_t *metrics;
    int signals; /* signalfd */
    bool ingress_polled;
    bool stopping;
    events_t events;
    ledger_t *ledger;
    rights_t *rights;
};

/* ---- the loop -------------------------------------------------------- */

static int s_on_ingress(zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop, (void)socket;
    events_ingress(&((serve_t *)arg)->events);
    return 0;
}

static int s_on_control(zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop, (void)socket;
    events_control(&((serve_t *)arg)->events);
    return 0;
}

/* Stops reading the ingress if it is full, and reads on once it is not. */
static void s_on_settled(void *context)
{
    serve_t *self = context;
    zsock_t *socket = self->sockets[BUS_INGRESS];
    bool room = events_has_room(&self->events);
    if (room == self->ingress_polled)
        return;
    if (room) {
        zloop_reader(self->loop, socket, s_on_ingress, self);
        zloop_reader_set_tolerant(self->loop, socket);
    } else {
        COUNT(INGRESS_FULL);
        zloop_reader_end(self->loop, socket);
    }
    self->ingress_polled = room;
}

static int s_on_publish(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    events_publish(&((serve_t *)arg)->events);
    return 0;
}

static int s_on_second(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    serve_t *self = arg;
    events_second(&self->events);
    if (self->metrics)
        metrics_server_run(self->metrics);
    return 0;
}

static int s_on_lease(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    events_lease(&((serve_t *)arg)->events);
    return 0;
}

static int s_on_follow(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    events_follow(&((serve_t *)arg)->events);
    return 0;
}

static int s_on_metrics(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop, (void)item;
    metrics_server_run(((serve_t *)arg)->metrics);
    return 0;
}

/* -1 ends the loop. */
static int s_on_stopping(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    return events_stopped(&((serve_t *)arg)->events) ? -1 : 0;
}

static int s_on_signal(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    serve_t *self = arg;
    struct signalfd_siginfo info;
    if (read(item->fd, &info, sizeof info) != sizeof info || self->stopping)
        return 0;
    log_info("stopping", "signal=%u", info.ssi_signo);
    self->stopping = true;
    events_stop(&self->events);
    zloop_timer(loop, STOP_TICK_MS, 0, s_on_stopping, self);
    return 0;
}

static void s_poll(serve_t *self, int fd, zloop_fn on_ready)
{
    zmq_pollitem_t item = {.fd = fd, .events = ZMQ_POLLIN};
    zloop_poller(self->loop, &item, on_ready, self);
    zloop_poller_set_tolerant(self->loop, &item);
}

static void s_stand_on_loop(serve_t *self)
{
    size_t often_ms = (size_t)self->config->lease_ms / 4;
    zsock_t *control = self->sockets[BUS_CONTROL];
    if (often_ms > LEASE_TICK_MAX_MS)
        often_ms = LEASE_TICK_MAX_MS;
    s_on_settled(self);
    zloop_reader(self->loop, control, s_on_control, self);
    zloop_reader_set_tolerant(self->loop, control);
    zloop_timer(self->loop, (size_t)self->config->publish_ms, 0, s_on_publish,
                self);
    zloop_timer(self->loop, SECOND_MS, 0, s_on_second, self);
    zloop_timer(self->loop, often_ms, 0, s_on_lease, self);
    zloop_timer(self->loop, FOLLOW_TICK_MS, 0, s_on_follow, self);
    s_poll(self, self->signals, s_on_signal);
    if (self->metrics)
        s_poll(self, metrics_server_fd(self->metrics), s_on_metrics);
}

/* ---- making it ------------------------------------------------------- */

static int s_watch_signals(serve_t *self)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return self->signals < 0 ? -1 : 0;
}

static int s_bind(serve_t *self)
{
    const broker_config_t *config = self->config;
    bus_security_t security = {.curve = config->common.curve};
    security.names =
        bus_names(config->bind, config->advertise, config->common.curve);
    if (!security.names ||
        bus_security_load(&security, &self->keys, ROLE_BROKER,
                          config->common.key_file) < 0)
        return -1;
    self->guard = bus_guard_new(&security);
    self->rights = rights_new(config, &self->keys);
    if (!self->rights)
        return -1;
    for (int channel = BUS_INGRESS; channel <= BUS_CONTROL; channel++) {
        self->sockets[channel] =
            bus_bind(self->config->bind, (bus_channel_t)channel, &security);
        if (!self->sockets[channel])
            return -1;
    }
    return 0;
}

static int s_check_config(serve_t *self)
{
    const char *why;
    if (broker_config_canvas(self->config, &self->blank, &why) < 0) {
        log_error("setting_wrong", "why=\"%s\"", why);
        return -1;
    }
    if (redis_url_parse(&self->url, self->config->redis) < 0) {
        log_error("setting_wrong", "why=\"redis is no such URL\"");
        return -1;
    }
    return 0;
}

static int s_serve_metrics(serve_t *self)
{
    const settings_common_t *common = &self->config->common;
    if (!common->metrics_port)
        return 0;
    self->metrics =
        metrics_server_new(common->metrics_host, (uint16_t)common->metrics_port,
                           broker_metrics_render, NULL);
    return self->metrics ? 0 : -1;
}

/* A board is there twice while it is written. */
static uint64_t s_memory_needed(const serve_t *self)
{
    const canvas_t *blank = &self->blank;
    uint64_t pixels = (uint64_t)blank->width * blank->height;
    return pixels * blank->bits / 8 * 2 +
           (uint64_t)self->config->log_limit * REDIS_RECORD_BYTES;
}

static void s_make(serve_t *self)
{
    const broker_config_t *config = self->config;
    self->loop = zloop_new();
    zloop_set_nonstop(self->loop, true);
    self->events =
        (events_t){.broker = broker_new(config, &self->blank, self->sockets),
                   .on_settled = s_on_settled,
                   .context = self};
    redis_ledger_options_t redis = {
        .loop = self->loop,
        .url = &self->url,
        .key_prefix = config->key_prefix,
        .timeout_ms = (uint32_t)config->redis_timeout_ms,
        .lease_ms = (uint32_t)config->lease_ms,
        .replicas = (uint32_t)config->redis_replicas,
        .memory_needed = s_memory_needed(self),
        .token = random_u64()};
    self->ledger = redis_ledger_new(&redis, &events_of_ledger, &self->events);
    broker_use(self->events.broker, self->ledger);
    broker_parts(self->events.broker)->rights = self->rights;
}

serve_t *serve_new(const broker_config_t *config)
{
    serve_t *self = mem_zalloc(1, sizeof *self);
    self->config = config;
    self->signals = -1;
    if (s_check_config(self) < 0 || s_watch_signals(self) < 0 ||
        s_bind(self) < 0 || s_serve_metrics(self) < 0) {
        serve_destroy(&self);
        return NULL;
    }
    s_make(self);
    s_stand_on_loop(self);
    return self;
}

void serve_run(serve_t *self)
{
    zloop_start(self->loop);
    log_info("stopped", "seq=%" PRIu64,
             broker_parts(self->events.broker)->world.seq);
}

void serve_destroy(serve_t **self_p)
{
    serve_t *self = *self_p;
    if (!self)
        return;
    ledger_destroy(&self->ledger);
    broker_destroy(&self->events.broker);
    zloop_destroy(&self->loop);
    metrics_server_destroy(&self->metrics);
    for (int channel = BUS_INGRESS; channel <= BUS_CONTROL; channel++) {
        if (self->sockets[channel])
            zsock_set_linger(self->sockets[channel], LINGER_MS);
        zsock_destroy(&self->sockets[channel]);
    }
    if (self->signals >= 0)
        close(self->signals);
    redis_url_fini(&self->url);
    rights_destroy(&self->rights);
    bus_guard_destroy(&self->guard);
    role_keys_wipe(&self->keys);
    free(self);
    *self_p = NULL;
}
