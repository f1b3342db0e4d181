/* SPDX-License-Identifier: Apache-2.0
 *
 * See canary.h.
 */
#include "load/canary.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics_server.h"
#include "load/boards.h"
#include "load/client.h"
#include "load/probe.h"
#include "load/signer.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SCRATCH_BYTES (256u << 10)
#define EVENTS 16
#define TICK_MS 50
#define TOKEN_MS 86400000
#define PLACE_BYTES 10

#define METRIC(id, type, name, help) {type, name, help},
static const metric_row_t s_rows[CANARY_METRICS] = {
#include "load/metrics.def"
};
#undef METRIC

typedef struct {
    config_t *config;
    hub_t hub;
    report_t report;
    client_t client;
    probe_t probe;
    boards_t *boards;
    signer_t *signer;
    char *token;
    metrics_server_t *metrics;
} canary_t;

static uint64_t s_now_us(void)
{
    return clock_mono_ns() / 1000;
}

static void s_send(canary_t *self)
{
    uint8_t frame[WS_HEAD_MAX + WIRE_SMALL_MAX];
    wire_place_t place = {.request = self->probe.request,
                          .x = (int32_t)self->config->canary_x,
                          .y = (int32_t)self->config->canary_y,
                          .color = self->probe.color};
    size_t head = ws_put_head(frame, WS_BINARY, PLACE_BYTES);
    size_t size = wire_put_place(frame + head, &place);
    client_send(&self->client, frame, head + size);
}

/* The colour that our board shows there. */
static uint8_t s_shown(const canary_t *self)
{
    const state_t *board = self->client.state;
    uint32_t x = (uint32_t)self->config->canary_x;
    uint32_t y = (uint32_t)self->config->canary_y;
    bool on_board = x < state_width(board) && y < state_height(board);
    return on_board ? state_get(board, y * state_width(board) + x) : 0;
}

/* --- as the client's player --- */

/* A new one each time: it outlives what was signed at the start. */
static const char *s_token(void *player)
{
    canary_t *self = player;
    uint64_t now_ms = clock_wall_ms();
    free(self->token);
    self->token = signer_token(self->signer, self->config->user_prefix, now_ms,
                               now_ms + TOKEN_MS);
    return self->token;
}

static void s_opened(void *player, const wire_hello_t *hello, uint64_t now_us)
{
    canary_t *self = player;
    (void)hello, (void)now_us;
    if (probe_unanswered(&self->probe))
        s_send(self);
}

static void s_verdict(void *player, const wire_verdict_t *verdict,
                      uint64_t now_us)
{
    canary_t *self = player;
    probe_verdict(&self->probe, verdict, now_us);
}

static void s_lost(void *player)
{
    (void)player; /* the probe's deadline goes on; the report counts it */
}

static void s_pump(void *player)
{
    canary_t *self = player;
    if (self->client.wants_board)
        return;
    probe_board(&self->probe, state_seq(self->client.state), s_now_us());
    if (probe_place(&self->probe, s_shown(self), s_now_us()))
        s_send(self);
}

static const client_ops_t s_ops = {.token = s_token,
                                   .opened = s_opened,
                                   .verdict = s_verdict,
                                   .lost = s_lost,
                                   .pump = s_pump};

/* --- measures --- */

static char *s_render(void *context, size_t *length)
{
    canary_t *self = context;
    const report_t *report = &self->report;
    int64_t *values = self->probe.values;
    probe_tick(&self->probe, s_now_us());
    values[CANARY_CONNECTED] = client_is_open(&self->client);
    values[CANARY_RECONNECTS] = (int64_t)report->reconnects;
    values[CANARY_REFUSED] = (int64_t)(report->refused + report->silent);
    values[CANARY_BEATS] = (int64_t)report->beats;
    values[CANARY_DIGESTS_CHECKED] = (int64_t)report->beats_checked;
    values[CANARY_DIGESTS_WRONG] =
        (int64_t)(report->digest_mismatches + report->board_mismatches);
    values[CANARY_RESYNCS] = (int64_t)report->resyncs;
    values[CANARY_MALFORMED] = (int64_t)report->malformed;
    return metrics_render(
        &(metrics_t){s_rows, values, CANARY_METRICS, self->probe.histograms},
        length);
}

/* --- life --- */

/* A balancer's addresses change while the canary runs. */
static void s_resolve(canary_t *self)
{
    endpoint_t fresh;
    const char *why;
    if (!endpoint_parse(&fresh, self->config->url, &why))
        self->config->endpoints[0] = fresh;
}

static void s_tick(canary_t *self, uint64_t now_ms)
{
    client_t *client = &self->client;
    if (client->phase == CLIENT_IDLE && now_ms >= client->due_ms)
        s_resolve(self);
    client_tick(client, now_ms);
    boards_tick(self->boards, client, 1, now_ms);
    probe_tick(&self->probe, now_ms * 1000);
}

static void s_turn(canary_t *self)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(self->hub.epoll, events, EVENTS, TICK_MS);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == self->metrics)
            metrics_server_run(self->metrics);
        else if (boards_owns(self->boards, events[i].data.ptr))
            boards_event(self->boards, events[i].data.ptr);
        else
            client_event(events[i].data.ptr, events[i].events);
    }
    s_tick(self, clock_mono_ms());
}

static int s_begin(canary_t *self)
{
    const config_t *config = self->config;
    hub_t *hub = &self->hub;
    self->signer = signer_new(config);
    self->metrics = metrics_server_new(
        config->metrics_host, (uint16_t)config->metrics_port, s_render, self);
    if (!self->signer || !self->metrics)
        return -1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = self->metrics};
    epoll_ctl(hub->epoll, EPOLL_CTL_ADD, metrics_server_fd(self->metrics),
              &event);
    return 0;
}

static void s_make_client(canary_t *self)
{
    hub_t *hub = &self->hub;
    hub->history = history_new();
    hub->epoll = epoll_create1(EPOLL_CLOEXEC);
    hub->scratch_size = SCRATCH_BYTES;
    hub->scratch = mem_alloc(hub->scratch_size);
    ws_nonce_init(&hub->nonce);
    self->boards = boards_new(hub);
    /* HELLO tells its true size, and then the board is fetched. */
    state_t *blank = history_blank(hub->history, 1, 1, 4);
    client_init(&self->client, hub, 0, blank, 0);
    state_unref(&blank);
    self->client.ops = &s_ops;
    self->client.player = self;
    probe_init(&self->probe, (uint64_t)self->config->canary_every_ms * 1000,
               (uint32_t)random_u64(), s_now_us());
}

static void s_free(canary_t *self)
{
    hub_t *hub = &self->hub;
    client_fini(&self->client);
    boards_destroy(&self->boards);
    history_destroy(&hub->history);
    metrics_server_destroy(&self->metrics);
    signer_destroy(&self->signer);
    free(self->token);
    free(hub->scratch);
    close(hub->epoll);
    free(self);
}

int canary_run(config_t *config, share_t *share)
{
    canary_t *self = mem_zalloc(1, sizeof *self);
    self->config = config;
    self->hub =
        (hub_t){.config = config, .share = share, .report = &self->report};
    s_make_client(self);
    int status = s_begin(self) < 0;
    if (!status)
        log_info("canary", "x=%lld y=%lld every_ms=%lld metrics_port=%lld",
                 (long long)config->canary_x, (long long)config->canary_y,
                 (long long)config->canary_every_ms,
                 (long long)config->metrics_port);
    while (!status && !atomic_load(&share->stop))
        s_turn(self);
    s_free(self);
    return status;
}
