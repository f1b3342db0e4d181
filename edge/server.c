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
#include "edge/address_limits.h"
#include "edge/admission.h"
#include "edge/errands.h"
#include "edge/http/http1.h"
#include "edge/listener.h"
#include "edge/mirror.h"
#include "edge/poller.h"
#include "edge/shared_budget.h"
#include "edge/tls.h"
#include "edge/uplink.h"
#include "edge/ws/fanout.h"
#include "edge/ws/sessions.h"

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
/* How often the certificate's files are looked at. */
#define CERTIFICATE_S 5

struct server {
    edge_t *edge;
    uv_loop_t loop;
    poller_t *poller;
    tls_t *tls; /* NULL: the public port speaks plain */
    metrics_server_t *metrics;
    int listener;
    uint64_t drain_until_ms, http_until_ms;
    unsigned drain_slice;
    uint32_t now_s; /* of the last deadlines */
    uv_poll_t accepting, measuring;
    uv_poll_t bus[BUS_FDS_MAX];
    size_t bus_count;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t wake, housekeeping, accept_again, draining;
    uv_signal_t terminate, interrupt, hang_up;
};

struct uv_loop_s *server_loop(server_t *self)
{
    return &self->loop;
}

/* --- Accepting ------------------------------------------------------------ */

static void s_admit(server_t *self, int fd, const struct sockaddr *peer)
{
    address_t address = address_of(peer);
    connection_t *connection =
        admission_socket(self->edge->admission, &address);
    if (!connection)
        close(fd);
    else
        http1_open(self->edge, self->poller, self->tls, fd, connection);
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
    poller_reap(self->poller); /* no visits to who left just now */
    fanout_slice(self->edge->fanout);
}

static void s_on_prepare(uv_prepare_t *handle)
{
    server_t *self = handle->data;
    bool more = uplink_turn(self->edge->uplink);
    fanout_flush(self->edge->fanout);
    poller_reap(self->poller);
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
    uint32_t now_s = (uint32_t)(clock_mono_ms() / 1000);
    uplink_tick(self->edge->uplink,
                (uint32_t)sessions_count(self->edge->sessions));
    errands_tick(self->edge->errands, clock_mono_ms());
    shared_budget_tick(self->edge->shared, clock_mono_ms());
    self->edge->metrics[EDGE_ERRANDS] =
        (int64_t)errands_count(self->edge->errands);
    if (now_s != self->now_s) {
        poller_expire(self->poller, now_s);
        if (now_s % CERTIFICATE_S == 0)
            tls_watch(self->tls);
    }
    self->now_s = now_s;
    self->edge->metrics[EDGE_READY] = !edge_fault(self->edge);
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
    return metrics_render(&(metrics_t){edge_metric_rows, edge->metrics,
                                       EDGE_METRICS, edge->histograms},
                          length);
}

/* --- Draining ------------------------------------------------------------- */

static void s_on_draining(uv_timer_t *timer)
{
    server_t *self = timer->data;
    uint64_t now_ms = clock_mono_ms();
    fanout_drain(self->edge->fanout, self->drain_slice);
    if (sessions_count(self->edge->sessions))
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
    uint32_t sessions = (uint32_t)sessions_count(self->edge->sessions);
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

static void s_on_hang_up(uv_signal_t *handle, int number)
{
    const server_t *self = handle->data;
    (void)number;
    tls_reload(self->tls);
}

/* --- Life ----------------------------------------------------------------- */

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
    uv_signal_init(loop, &self->hang_up);
    self->prepare.data = self->idle.data = self->housekeeping.data = self;
    self->accept_again.data = self->draining.data = self;
    self->terminate.data = self->interrupt.data = self->hang_up.data = self;
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
    uv_signal_start(&self->hang_up, s_on_hang_up, SIGHUP);
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
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

static int s_start_tls(server_t *self)
{
    const edge_config_t *config = self->edge->config;
    if (!edge_config_has_tls(config))
        return 0;
    self->tls = tls_new(config->tls_cert_file, config->tls_key_file);
    return self->tls ? 0 : -1;
}

server_t *server_new(edge_t *edge)
{
    server_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    uv_loop_init(&self->loop);
    self->listener =
        listener_open(edge->config->host, (uint16_t)edge->config->port);
    if (self->listener < 0 || s_start_metrics(self) < 0 ||
        s_start_tls(self) < 0 || !(self->poller = poller_new(&self->loop))) {
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
        (uv_handle_t *)&self->hang_up,
    };
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        s_close_handle(handles[i]);
    for (size_t i = 0; i < self->bus_count; i++)
        s_close_handle((uv_handle_t *)&self->bus[i]);
}

/* Handles are the loop's until it has closed them. */
static void s_run_out(server_t *self)
{
    unsigned turns = GOODBYE_TURNS;
    if (self->poller)
        poller_close(self->poller);
    while (uv_run(&self->loop, UV_RUN_NOWAIT) && --turns)
        ;
    uv_loop_close(&self->loop);
}

void server_destroy(server_t **self_p)
{
    server_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    s_close_handles(self);
    s_run_out(self);
    poller_destroy(&self->poller);
    tls_destroy(&self->tls);
    metrics_server_destroy(&self->metrics);
    if (self->listener >= 0)
        close(self->listener);
    free(self);
}

void server_run(server_t *self)
{
    const edge_config_t *config = self->edge->config;
    log_info("serving", "port=%lld worker=%u sessions_max=%llu",
             (long long)config->port, config->worker,
             (unsigned long long)admission_sessions_max(self->edge->admission));
    uv_run(&self->loop, UV_RUN_DEFAULT);
    log_info("stopped", "sessions=%u",
             (unsigned)sessions_count(self->edge->sessions));
}
