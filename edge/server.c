/* SPDX-License-Identifier: Apache-2.0
 *
 * See server.h. A turn of the loop: timers, then (idle) a slice of the running
 * round, then (prepare) the bus, replies and the next round, then the sockets.
 */
#include "edge/server.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics_server.h"
#include "edge/address.h"
#include "edge/bucket.h"
#include "edge/fanout.h"
#include "edge/front.h"
#include "edge/guest.h"
#include "edge/listener.h"
#include "edge/mirror.h"
#include "edge/uplink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define BUS_FDS_MAX 64
#define ACCEPTS_A_TURN 64
#define HOUSEKEEPING_MS 50
#define ACCEPT_PAUSE_MS 100
#define DRAIN_SLICE_MS 100
/* How long HTTP may still end what it began, once the sessions are gone. */
#define DRAIN_HTTP_MS 300
#define GOODBYE_TURNS 1000

struct server {
    edge_t *edge;
    uv_loop_t loop;
    guest_t *guest;
    front_t *front;
    metrics_server_t *metrics;
    int listener;
    uint64_t sessions_max, connections_max;
    uint64_t handshakes; /* bucket */
    uint64_t drain_until_ms, http_until_ms;
    unsigned drain_slice;
    uv_poll_t accepting, measuring;
    uv_poll_t bus[BUS_FDS_MAX];
    size_t bus_count;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t wake, housekeeping, accept_again, draining;
    uv_signal_t terminate, interrupt;
};

struct uv_loop_s *server_loop(server_t *self)
{
    return &self->loop;
}

admit_t server_admit(server_t *self, uint32_t *retry_ms)
{
    uint32_t rate = (uint32_t)self->edge->config->handshake_rate;
    *retry_ms = 1000;
    if (!edge_ready(self->edge)) {
        edge_count(self->edge, EDGE_REFUSED_NOT_READY);
        return ADMIT_NOT_READY;
    }
    uint32_t wait_ms =
        bucket_take(&self->handshakes, clock_mono_ms(), rate, rate);
    if (!wait_ms)
        return ADMIT_OK;
    *retry_ms = wait_ms;
    edge_count(self->edge, EDGE_REFUSED_STORM);
    return ADMIT_STORM;
}

bool server_is_full(const server_t *self)
{
    return fanout_count(self->edge->fanout) > self->sessions_max;
}

/* --- Accepting ------------------------------------------------------------ */

static void s_admit(server_t *self, int fd, const struct sockaddr *peer)
{
    edge_t *edge = self->edge;
    address_t address = address_of(peer);
    connection_t *connection = NULL;
    edge_count(edge, EDGE_ACCEPTED);
    if ((uint64_t)edge->metrics[EDGE_CONNECTIONS] >= self->connections_max)
        edge_count(edge, EDGE_REFUSED_FULL);
    else if (!(connection = connection_new(edge, &address)))
        edge_count(edge, EDGE_REFUSED_ADDRESS);
    if (!connection)
        close(fd);
    else if (edge_config_has_tls(edge->config))
        guest_adopt(self->guest, fd, connection);
    else
        front_admit(self->front, fd, connection);
}

static void s_on_accept(uv_poll_t *handle, int status, int events)
{
    server_t *self = handle->data;
    (void)status, (void)events;
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage peer;
        int fd = listener_accept(self->listener, &peer);
        if (fd == LISTENER_EXHAUSTED) {
            uv_poll_stop(&self->accepting); /* readable all the time */
            uv_timer_start(&self->accept_again, self->accept_again.timer_cb,
                           ACCEPT_PAUSE_MS, 0);
        }
        if (fd < 0)
            return;
        s_admit(self, fd, (struct sockaddr *)&peer);
    }
}

static void s_on_accept_again(uv_timer_t *timer)
{
    server_t *self = timer->data;
    if (self->listener >= 0)
        uv_poll_start(&self->accepting, UV_READABLE, s_on_accept);
}

/* --- Turns ---------------------------------------------------------------- */

/* The wake-up is all: s_on_prepare drains every bus socket each turn, since
 * ZMQ_FD tells of edges, which a send elsewhere may swallow. */
static void s_on_bus(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)status, (void)events;
}

static void s_on_wake(uv_timer_t *timer)
{
    (void)timer;
}

static void s_on_idle(uv_idle_t *handle)
{
    server_t *self = handle->data;
    front_reap(self->front); /* no visits to who left just now */
    fanout_slice(self->edge->fanout);
}

static void s_on_prepare(uv_prepare_t *handle)
{
    server_t *self = handle->data;
    bool more = uplink_turn(self->edge->uplink);
    fanout_flush(self->edge->fanout);
    front_reap(self->front);
    uint64_t next_ms = fanout_poll(self->edge->fanout);
    if (more || !next_ms)
        uv_idle_start(&self->idle, s_on_idle);
    else
        uv_idle_stop(&self->idle);
    if (next_ms)
        uv_timer_start(&self->wake, s_on_wake, next_ms, 0);
}

static void s_on_housekeeping(uv_timer_t *timer)
{
    server_t *self = timer->data;
    uplink_tick(self->edge->uplink);
    front_expire(self->front);
    self->edge->metrics[EDGE_READY] = edge_ready(self->edge);
}

static void s_on_measuring(uv_poll_t *handle, int status, int events)
{
    server_t *self = handle->data;
    (void)status, (void)events;
    metrics_server_run(self->metrics);
}

static char *s_render_metrics(void *context, size_t *length)
{
    edge_t *edge = context;
    return metrics_render(edge_metric_rows, edge->metrics, EDGE_METRICS,
                          length);
}

/* --- Draining ------------------------------------------------------------- */

static void s_on_draining(uv_timer_t *timer)
{
    server_t *self = timer->data;
    uint64_t now_ms = clock_mono_ms();
    fanout_drain(self->edge->fanout, self->drain_slice);
    if (fanout_count(self->edge->fanout))
        self->http_until_ms = now_ms + DRAIN_HTTP_MS;
    if (now_ms >= self->drain_until_ms ||
        !self->edge->metrics[EDGE_CONNECTIONS] || now_ms >= self->http_until_ms)
        uv_stop(&self->loop);
}

static void s_close_listener(server_t *self)
{
    uv_poll_stop(&self->accepting);
    uv_timer_stop(&self->accept_again);
    close(self->listener);
    self->listener = -1;
}

static void s_on_signal(uv_signal_t *handle, int number)
{
    server_t *self = handle->data;
    uint64_t drain_ms = (uint64_t)self->edge->config->drain_ms;
    uint32_t sessions = fanout_count(self->edge->fanout);
    if (self->edge->draining)
        return;
    log_info("draining", "signal=%d sessions=%u", number, sessions);
    self->edge->draining = true;
    s_close_listener(self);
    self->drain_until_ms = clock_mono_ms() + drain_ms;
    self->http_until_ms = clock_mono_ms() + DRAIN_HTTP_MS;
    /* All are told in the first half, the rest is for their goodbyes. */
    self->drain_slice =
        (unsigned)(sessions / (drain_ms / 2 / DRAIN_SLICE_MS + 1)) + 50;
    uv_timer_start(&self->draining, s_on_draining, 0, DRAIN_SLICE_MS);
}

/* --- Life ----------------------------------------------------------------- */

static void s_set_limits(server_t *self)
{
    uint64_t files = listener_raise_files();
    uint64_t reserve = 256 + files / 50;
    uint64_t most = files > 2 * reserve ? files - reserve : files / 2;
    uint64_t wanted = (uint64_t)self->edge->config->max_connections;
    self->sessions_max = wanted && wanted < most ? wanted : most;
    /* Room to be told that it is full, and for HTTP. */
    self->connections_max = self->sessions_max + reserve / 2;
}

static void s_init_handles(server_t *self)
{
    uv_loop_t *loop = &self->loop;
    uv_prepare_init(loop, &self->prepare);
    uv_idle_init(loop, &self->idle);
    uv_timer_init(loop, &self->wake);
    uv_timer_init(loop, &self->housekeeping);
    uv_timer_init(loop, &self->accept_again);
    uv_timer_init(loop, &self->draining);
    uv_signal_init(loop, &self->terminate);
    uv_signal_init(loop, &self->interrupt);
    self->prepare.data = self->idle.data = self->housekeeping.data = self;
    self->accept_again.data = self->draining.data = self;
    self->terminate.data = self->interrupt.data = self;
    self->accept_again.timer_cb = s_on_accept_again;
    uv_poll_init(loop, &self->accepting, self->listener);
    self->accepting.data = self;
    int fds[BUS_FDS_MAX];
    self->bus_count = uplink_fds(self->edge->uplink, fds, BUS_FDS_MAX);
    for (size_t i = 0; i < self->bus_count; i++)
        uv_poll_init(loop, &self->bus[i], fds[i]);
    if (self->metrics) {
        uv_poll_init(loop, &self->measuring, metrics_server_fd(self->metrics));
        self->measuring.data = self;
    }
}

static void s_start_handles(server_t *self)
{
    uv_prepare_start(&self->prepare, s_on_prepare);
    uv_timer_start(&self->housekeeping, s_on_housekeeping, 0, HOUSEKEEPING_MS);
    uv_signal_start(&self->terminate, s_on_signal, SIGTERM);
    uv_signal_start(&self->interrupt, s_on_signal, SIGINT);
    uv_poll_start(&self->accepting, UV_READABLE, s_on_accept);
    for (size_t i = 0; i < self->bus_count; i++)
        uv_poll_start(&self->bus[i], UV_READABLE, s_on_bus);
    if (self->metrics)
        uv_poll_start(&self->measuring, UV_READABLE, s_on_measuring);
}

static int s_start_metrics(server_t *self)
{
    const settings_common_t *common = &self->edge->config->common;
    if (!common->metrics_port)
        return 0;
    self->metrics = metrics_server_new(
        common->metrics_host,
        (uint16_t)(common->metrics_port + self->edge->config->worker),
        s_render_metrics, self->edge);
    return self->metrics ? 0 : -1;
}

server_t *server_new(edge_t *edge)
{
    server_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    uv_loop_init(&self->loop);
    s_set_limits(self);
    self->listener =
        listener_open(edge->config->host, (uint16_t)edge->config->port);
    if (self->listener < 0 || s_start_metrics(self) < 0 ||
        !(self->guest = guest_new(edge, &self->loop)) ||
        !(self->front = front_new(edge, self->guest, &self->loop))) {
        server_destroy(&self);
        return NULL;
    }
    s_init_handles(self);
    s_start_handles(self);
    return self;
}

static void s_close_handle(uv_handle_t *handle)
{
    if (handle->loop) /* it was initialised */
        uv_close(handle, NULL);
}

static void s_close_handles(server_t *self)
{
    uv_handle_t *handles[] = {
        (uv_handle_t *)&self->prepare,      (uv_handle_t *)&self->idle,
        (uv_handle_t *)&self->wake,         (uv_handle_t *)&self->housekeeping,
        (uv_handle_t *)&self->accept_again, (uv_handle_t *)&self->draining,
        (uv_handle_t *)&self->terminate,    (uv_handle_t *)&self->interrupt,
        (uv_handle_t *)&self->accepting,    (uv_handle_t *)&self->measuring,
    };
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        s_close_handle(handles[i]);
    for (size_t i = 0; i < self->bus_count; i++)
        s_close_handle((uv_handle_t *)&self->bus[i]);
}

/* Never freed: see guest_leave. Said so to leak checkers. */
static server_t *volatile s_left;

static void s_close_sockets(server_t *self)
{
    unsigned turns = GOODBYE_TURNS;
    if (self->front)
        front_close(self->front);
    if (self->guest)
        guest_leave(self->guest);
    while (uv_run(&self->loop, UV_RUN_NOWAIT) && --turns)
        ;
}

void server_destroy(server_t **self_p)
{
    server_t *self = *self_p;
    if (!self)
        return;
    s_close_handles(self);
    s_close_sockets(self);
    front_destroy(&self->front);
    metrics_server_destroy(&self->metrics);
    if (self->listener >= 0)
        close(self->listener);
    s_left = self;
    *self_p = NULL;
}

void server_run(server_t *self)
{
    const edge_config_t *config = self->edge->config;
    log_info("serving", "port=%lld worker=%u sessions_max=%llu",
             (long long)config->port, config->worker,
             (unsigned long long)self->sessions_max);
    uv_run(&self->loop, UV_RUN_DEFAULT);
    log_info("stopped", "sessions=%u", fanout_count(self->edge->fanout));
}
