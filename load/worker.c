/* SPDX-License-Identifier: Apache-2.0
 *
 * See worker.h.
 *
 *      fetch a board ──▶ running ──duration, signal, replay done──▶ draining
 *                                                                      │
 *      report ◀── all answered, shown and verified, or grace over ◀────┘
 *
 * The clients are walked every 50 ms for their timers; in between only those
 * that epoll names are touched. Paced placements go round the placers.
 */
#include "load/worker.h"

#include "common/canvas.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "load/boards.h"
#include "load/client.h"
#include "load/placer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define SCRATCH_BYTES (256u << 10)
#define EVENTS 512
#define TICK_MS 50
#define STALL_AFTER_MS 2000
#define LATE_US 1000000
#define NAP_NS 1000000

typedef struct {
    hub_t hub;
    boards_t *boards;
    client_t *clients; /* viewers, then placers */
    placer_t **placers;
    uint32_t viewers, count, placer_count;
    uint32_t stalled;
    uint32_t turn; /* the placer asked next */
    uint64_t start_ms, end_ms, grace_end_ms;
    uint64_t next_place_us; /* the next paced placement is due */
    uint64_t tick_ms;
    double place_every_us;
    double place_fraction;
    bool placing; /* counted in share->placing */
    uint8_t stall_stage;
} worker_t;

/* This worker's part of n, where all parts add up to n. */
static uint32_t s_part(const hub_t *hub, int64_t n)
{
    int64_t processes = hub->config->processes;
    return (uint32_t)(n * (hub->worker + 1) / processes -
                      n * hub->worker / processes);
}

/* Beginning */

static int s_make_placers(worker_t *self)
{
    const config_t *config = self->hub.config;
    if (!self->placer_count)
        return 0;
    signer_t *signer = signer_new(config);
    if (!signer)
        return -1;
    uint32_t first =
        (uint32_t)(config->placers * self->hub.worker / config->processes);
    self->placers = mem_zalloc(self->placer_count, sizeof(placer_t *));
    for (uint32_t i = 0; i < self->placer_count; i++) {
        client_t *client = &self->clients[self->viewers + i];
        self->placers[i] = placer_new(&self->hub, client, first + i, signer);
        client->player = self->placers[i];
        client->ops = &placer_ops;
    }
    signer_destroy(&signer);
    return 0;
}

static void s_make_clients(worker_t *self, state_t *board)
{
    const config_t *config = self->hub.config;
    self->clients = mem_zalloc(self->count + 1, sizeof(client_t));
    for (uint32_t i = 0; i < self->count; i++) {
        uint64_t nth = (uint64_t)i * (uint64_t)config->processes;
        client_init(&self->clients[i], &self->hub, i, board,
                    self->start_ms + nth * 1000 / (uint64_t)config->ramp);
        self->clients[i].narrow = i > 0 && i <= self->stalled;
    }
    self->hub.witness = &self->clients[0];
}

static void s_pace(worker_t *self)
{
    const config_t *config = self->hub.config;
    uint64_t ramp_us = (uint64_t)(config->viewers + config->placers) * 1000000 /
                       (uint64_t)config->ramp;
    if (config->rate && self->placer_count)
        self->place_every_us = 1e6 * (double)config->placers /
                               (double)config->rate /
                               (double)self->placer_count;
    self->next_place_us = self->start_ms * 1000 + ramp_us + 500000;
}

static int s_begin(worker_t *self)
{
    hub_t *hub = &self->hub;
    const config_t *config = hub->config;
    hub->history = history_new();
    hub->ledger = ledger_new(config->shared, &hub->report->witness_latency);
    ws_nonce_init(&hub->nonce);
    hub->epoll = epoll_create1(EPOLL_CLOEXEC);
    hub->scratch_size = SCRATCH_BYTES;
    hub->scratch = mem_alloc(hub->scratch_size);
    self->boards = boards_new(hub);
    self->viewers = s_part(hub, config->viewers);
    self->placer_count = s_part(hub, config->placers);
    self->stalled = s_part(hub, config->stalled);
    self->count = self->viewers + self->placer_count;
    state_t *board = boards_first(self->boards);
    if (!board)
        return -1;
    hub->busy_size = state_pixels(board);
    hub->busy = mem_zalloc(hub->busy_size, 1);
    self->start_ms = clock_mono_ms();
    self->end_ms = self->start_ms + (uint64_t)config->duration * 1000;
    s_make_clients(self, board);
    bool fits = !hub->replay || (state_width(board) >= REPLAY_WIDTH &&
                                 hub->busy_size >= REPLAY_WIDTH * REPLAY_WIDTH);
    state_unref(&board);
    if (!fits) {
        log_error("canvas_too_small_for_replay", NULL);
        return -1;
    }
    s_pace(self);
    return s_make_placers(self);
}

/* Running */

static void s_place_paced(worker_t *self, uint64_t now_us)
{
    while (self->next_place_us <= now_us) {
        if (now_us - self->next_place_us > LATE_US) {
            self->hub.report->late++;
        } else {
            uint32_t asked = 0;
            while (
                asked++ < self->placer_count &&
                !placer_place(self->placers[self->turn++ % self->placer_count],
                              self->next_place_us))
                ;
            if (asked > self->placer_count)
                return; /* nobody is free: it stays due */
        }
        self->place_fraction += self->place_every_us;
        self->next_place_us += (uint64_t)self->place_fraction;
        self->place_fraction -= (double)(uint64_t)self->place_fraction;
    }
}

static void s_stall_some(worker_t *self, uint64_t now_ms)
{
    const config_t *config = self->hub.config;
    uint64_t ramp_ms = (uint64_t)(config->viewers + config->placers) * 1000 /
                       (uint64_t)config->ramp;
    uint64_t from = self->start_ms + ramp_ms + STALL_AFTER_MS;
    if (!self->stalled || now_ms < from || self->stall_stage > 1)
        return;
    uint64_t target = state_seq(self->hub.witness->state);
    if (self->stall_stage == 1 && now_ms < from + (uint64_t)config->stall_ms &&
        !self->hub.draining)
        return;
    for (uint32_t i = 1; i <= self->stalled && i < self->viewers; i++) {
        if (self->stall_stage)
            client_resume(&self->clients[i], target, clock_mono_ns() / 1000);
        else
            client_stall(&self->clients[i]);
    }
    self->stall_stage++;
}

static bool s_placers_done(const worker_t *self)
{
    for (uint32_t i = 0; i < self->placer_count; i++)
        if (!placer_done(self->placers[i]))
            return false;
    return true;
}

/* Everybody who is connected has what was acknowledged, and a beat said that
 * it is right. */
static bool s_all_verified(const worker_t *self)
{
    uint64_t last = atomic_load(&self->hub.share->last_ack);
    for (uint32_t i = 0; i < self->count; i++)
        if (!client_is_verified(&self->clients[i], last))
            return false;
    return true;
}

static void s_tick(worker_t *self, uint64_t now_ms)
{
    hub_t *hub = &self->hub;
    bool placers = hub->config->placers;
    self->tick_ms = now_ms;
    s_stall_some(self, now_ms);
    for (uint32_t i = 0; i < self->count; i++)
        client_tick(&self->clients[i], now_ms);
    boards_tick(self->boards, self->clients, self->count, now_ms);
    if (!hub->draining) {
        bool replayed =
            hub->replay && placers &&
            (self->placer_count ? s_placers_done(self)
                                : !atomic_load(&hub->share->placing));
        hub->draining = replayed || now_ms >= self->end_ms ||
                        atomic_load(&hub->share->stop);
        if (hub->draining)
            self->grace_end_ms = now_ms + (uint64_t)hub->config->grace_ms;
    }
    if (hub->draining && self->placing && !hub->unanswered) {
        self->placing = false;
        atomic_fetch_sub(&hub->share->placing, 1);
    }
}

static bool s_over(const worker_t *self, uint64_t now_ms)
{
    const hub_t *hub = &self->hub;
    if (!hub->draining)
        return false;
    if (now_ms >= self->grace_end_ms || !hub->config->placers)
        return true;
    return !atomic_load(&hub->share->placing) && !ledger_waiting(hub->ledger) &&
           s_all_verified(self);
}

static int s_timeout_ms(const worker_t *self, uint64_t now_us)
{
    uint64_t due_us = (self->tick_ms + TICK_MS) * 1000;
    if (self->place_every_us > 0 && !self->hub.draining &&
        self->next_place_us < due_us)
        due_us = self->next_place_us;
    if (due_us <= now_us)
        return self->place_every_us > 0 ? 1 : 0;
    return (int)((due_us - now_us + 999) / 1000);
}

/* As fast as answered: a nap gathers answers, so that a read brings many. */
static void s_nap(const worker_t *self)
{
    if (self->placer_count && !(self->place_every_us > 0) &&
        self->hub.unanswered)
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

static void s_loop(worker_t *self)
{
    struct epoll_event events[EVENTS];
    hub_t *hub = &self->hub;
    for (;;) {
        s_nap(self);
        uint64_t now_us = clock_mono_ns() / 1000;
        if (now_us / 1000 >= self->tick_ms + TICK_MS)
            s_tick(self, now_us / 1000);
        if (s_over(self, now_us / 1000))
            return;
        if (self->place_every_us > 0 && !hub->draining)
            s_place_paced(self, now_us);
        int n =
            epoll_wait(hub->epoll, events, EVENTS, s_timeout_ms(self, now_us));
        for (int i = 0; i < n; i++) {
            if (boards_owns(self->boards, events[i].data.ptr))
                boards_event(self->boards, events[i].data.ptr);
            else
                client_event(events[i].data.ptr, events[i].events);
        }
    }
}

/* Ending */

static void s_conclude(worker_t *self)
{
    hub_t *hub = &self->hub;
    report_t *report = hub->report;
    uint64_t last = atomic_load(&hub->share->last_ack);
    report->unanswered = hub->unanswered;
    report->conflicts = history_conflicts(hub->history);
    report->ledger = ledger_counts(hub->ledger);
    report->frames_least = report->bytes_least = UINT64_MAX;
    for (uint32_t i = 0; i < self->count; i++) {
        const client_t *client = &self->clients[i];
        report->frames += client->frames;
        report->bytes += client->bytes;
        if (client->frames < report->frames_least)
            report->frames_least = client->frames;
        if (client->frames > report->frames_most)
            report->frames_most = client->frames;
        if (client->bytes < report->bytes_least)
            report->bytes_least = client->bytes;
        if (client->bytes > report->bytes_most)
            report->bytes_most = client->bytes;
        report->open_at_end += client->phase >= CLIENT_OPEN;
        report->behind_at_end += !client_is_verified(client, last);
    }
}

static void s_free(worker_t *self)
{
    hub_t *hub = &self->hub;
    for (uint32_t i = 0; i < self->placer_count && self->placers; i++)
        placer_destroy(&self->placers[i]);
    free(self->placers);
    for (uint32_t i = 0; i < self->count && self->clients; i++)
        client_fini(&self->clients[i]);
    free(self->clients);
    boards_destroy(&self->boards);
    ledger_destroy(&hub->ledger);
    history_destroy(&hub->history);
    free(hub->scratch);
    free(hub->busy);
    close(hub->epoll);
}

int worker_run(const config_t *config, const replay_t *replay, share_t *share,
               report_t *report, unsigned number)
{
    worker_t *self = mem_zalloc(1, sizeof *self);
    self->hub = (hub_t){
        .config = config,
        .replay = replay,
        .share = share,
        .report = report,
        .worker = number,
    };
    self->placing = s_part(&self->hub, config->placers) > 0;
    int status = s_begin(self) < 0;
    if (!status) {
        s_loop(self);
        s_conclude(self);
    }
    if (self->placing)
        atomic_fetch_sub(&share->placing, 1);
    s_free(self);
    free(self);
    return status;
}
