/* SPDX-License-Identifier: Apache-2.0
 *
 * See broker.h for the states. Here: what stands on the loop, and which phase
 * gets what it brings.
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/signalfd.h>

#define SECOND_MS 1000
#define STOP_TICK_MS 10
/* A commit on its way at SIGTERM is waited for, but not for ever. */
#define STOP_MAX_MS 5000
/* Verdicts already sent may still leave. */
#define LINGER_MS 500
/* Sends, not placements, are in a verdicts' queue. */
#define VERDICT_MAILS 8192

static int s_on_ingress(zloop_t *loop, zsock_t *socket, void *arg);

static const char *const s_words[] = {"standby", "loading", "restoring",
                                      "leader", "away"};

const char *broker_state_word(const broker_t *self)
{
    return s_words[self->state];
}

void broker_enter(broker_t *self, broker_state_t state)
{
    if (self->state != state)
        log_info("state", "from=%s to=%s", s_words[self->state],
                 s_words[state]);
    self->state = state;
    GAUGE(STATE, state);
    GAUGE(LEADING, broker_serves(self));
    GAUGE(EPOCH, self->world.epoch);
}

void broker_step_down(broker_t *self, const char *why)
{
    log_warn("step_down", "why=%s epoch=%" PRIu32 " seq=%" PRIu64, why,
             self->world.epoch, self->world.seq);
    COUNT(STEP_DOWNS);
    ledger_forget(self->ledger);
    ctl_give_up(self, "standby");
    leading_clear(self);
    ingress_clear(&self->ingress);
    sync_forget_board(self);
    persisters_forget_grant(&self->persisters);
    world_clear(&self->world);
    self->repair.active = self->raising = self->asked = self->ahead = false;
    broker_enter(self, STANDBY);
}

/* Stops reading the ingress where it is full, and reads on where it is not. */
static void s_poll_ingress(broker_t *self)
{
    zsock_t *socket = self->sockets[BUS_INGRESS];
    bool room = ingress_has_room(&self->ingress);
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

void broker_pump(broker_t *self)
{
    if (broker_serves(self))
        leading_pump(self);
    s_poll_ingress(self);
    GAUGE(SEQ, self->world.seq);
}

bool broker_epoch_fits(broker_t *self)
{
    uint32_t known = persisters_epoch(&self->persisters);
    if (self->world.epoch > known)
        return true;
    if (!self->raising) {
        self->raising = true;
        ledger_lead(self->ledger, known);
    }
    return false;
}

/* ---- the ledger's answers -------------------------------------------- */

static void s_ask_lead(broker_t *self)
{
    if (self->asked || self->stopping)
        return;
    self->asked = true;
    ledger_lead(self->ledger, persisters_epoch(&self->persisters));
}

static void s_on_ready(void *context)
{
    broker_t *self = context;
    if (self->state == AWAY)
        ledger_resume(self->ledger, self->world.epoch);
    else
        s_ask_lead(self);
}

static void s_on_lost(void *context)
{
    broker_t *self = context;
    self->asked = self->raising = false;
    if (broker_serves(self))
        leading_suspend(self);
    else if (self->state != STANDBY)
        broker_step_down(self, "redis_lost");
    broker_pump(self);
}

static void s_on_lead(void *context, const ledger_meta_t *meta)
{
    broker_t *self = context;
    self->asked = false;
    ledger_settled(self->ledger);
    if (self->stopping && meta) {
        ledger_release(self->ledger);
    } else if (self->state == STANDBY && meta) {
        loading_begin(self, meta);
    } else if (self->state == STANDBY) {
        self->seen = true;
    } else if (!meta) {
        broker_step_down(self, "superseded");
    } else if (self->raising) {
        self->raising = false;
        self->world.epoch = meta->epoch;
        if (self->state == LOADING)
            loading_tick(self);
        else if (self->state == RESTORING)
            restoring_tick(self);
    }
}

static void s_on_resume(void *context, const ledger_meta_t *meta)
{
    broker_t *self = context;
    if (self->state == AWAY)
        leading_on_resume(self, meta);
    broker_pump(self);
}

static void s_on_renew(void *context, bool done)
{
    broker_t *self = context;
    if (done || self->state == STANDBY)
        return;
    if (self->state != LEADING) {
        broker_step_down(self, "superseded");
        return;
    }
    leading_suspend(self);
    ledger_resume(self->ledger, self->world.epoch);
}

static void s_on_commit(void *context, bool done)
{
    broker_t *self = context;
    leading_on_commit(self, done);
    broker_pump(self);
}

static void s_on_put(void *context, bool done)
{
    broker_t *self = context;
    repair_on_put(self, done);
    broker_pump(self);
}

static void s_on_canvas(void *context, bool done)
{
    ctl_on_canvas(context, done);
}

static void s_on_released(void *context)
{
    ((broker_t *)context)->ended = true;
}

static void s_on_board(void *context, const void *bytes, size_t size)
{
    loading_on_board(context, bytes, size);
}

static void s_on_ban(void *context, uint64_t user)
{
    loading_on_ban(context, user);
}

static void s_on_log(void *context, const uint8_t *records, size_t size)
{
    loading_on_log(context, records, size);
}

static void s_on_loaded(void *context)
{
    loading_on_loaded(context);
}

static const ledger_events_t s_ledger_events = {
    .on_ready = s_on_ready,
    .on_lost = s_on_lost,
    .on_lead = s_on_lead,
    .on_resume = s_on_resume,
    .on_renew = s_on_renew,
    .on_commit = s_on_commit,
    .on_put = s_on_put,
    .on_canvas = s_on_canvas,
    .on_released = s_on_released,
    .on_board = s_on_board,
    .on_ban = s_on_ban,
    .on_log = s_on_log,
    .on_loaded = s_on_loaded,
};

/* ---- the loop -------------------------------------------------------- */

static int s_on_ingress(zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop, (void)socket;
    broker_t *self = arg;
    ingress_read(&self->ingress, broker_serves(self));
    broker_pump(self);
    return 0;
}

static int s_on_publish(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    broker_t *self = arg;
    self->leading.publish_due = true;
    broker_pump(self);
    return 0;
}

static void s_gauge(broker_t *self)
{
    const world_t *world = &self->world;
    GAUGE(LOG_RECORDS,
          history_next(world->history) - history_first(world->history));
    GAUGE(UNCONFIRMED, leading_unconfirmed(self));
    GAUGE(USERS, users_count(world->users));
    GAUGE(VIEWERS, edges_viewers(self->ingress.edges));
    GAUGE(EDGES, edges_count(self->ingress.edges));
    GAUGE(PERSISTERS, persisters_count(&self->persisters, clock_mono_ms()));
    GAUGE(EPOCH, world->epoch);
}

static int s_on_second(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    broker_t *self = arg;
    edges_expire(self->ingress.edges, clock_mono_ms());
    if (broker_serves(self)) {
        self->leading.beat_due = true;
        leading_second(self);
    }
    s_gauge(self);
    if (self->metrics)
        metrics_server_run(self->metrics);
    broker_pump(self);
    return 0;
}

/* Stands by for the lease, renews it, or lets a waiting phase go on. */
static int s_on_lease(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    broker_t *self = arg;
    if (!ledger_ready(self->ledger))
        return 0;
    if (self->state == STANDBY)
        s_ask_lead(self);
    else if (self->state != AWAY && !self->raising && !self->stopping)
        ledger_renew(self->ledger, self->world.epoch);
    if (self->state == LOADING)
        loading_tick(self);
    else if (self->state == RESTORING)
        restoring_tick(self);
    return 0;
}

static int s_on_metrics(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop, (void)item;
    metrics_server_run(((broker_t *)arg)->metrics);
    return 0;
}

/* Ends the loop once the commit on its way is answered and the lease given
 * back. */
static int s_on_stopping(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    broker_t *self = arg;
    bool late = clock_mono_ms() > self->stop_at_ms;
    if (self->ended || late || self->state == STANDBY || self->state == AWAY ||
        !ledger_ready(self->ledger))
        return -1;
    if (!self->leading.in_flight && !self->asked) {
        self->asked = true;
        self->leading.publish_due = true;
        broker_pump(self);
        ledger_release(self->ledger);
    }
    return 0;
}

static int s_on_signal(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    broker_t *self = arg;
    struct signalfd_siginfo info;
    if (read(item->fd, &info, sizeof info) != sizeof info || self->stopping)
        return 0;
    log_info("stopping", "signal=%u", info.ssi_signo);
    self->stopping = true;
    self->asked = false;
    self->stop_at_ms = clock_mono_ms() + STOP_MAX_MS;
    zloop_timer(loop, STOP_TICK_MS, 0, s_on_stopping, self);
    return 0;
}

static void s_poll(broker_t *self, int fd, zloop_fn on_ready)
{
    zmq_pollitem_t item = {.fd = fd, .events = ZMQ_POLLIN};
    zloop_poller(self->loop, &item, on_ready, self);
    zloop_poller_set_tolerant(self->loop, &item);
}

static void s_stand_on_loop(broker_t *self)
{
    size_t lease_ms = (size_t)self->config->lease_ms;
    size_t often_ms = lease_ms / 4 < 500 ? lease_ms / 4 : 500;
    zsock_t *control = self->sockets[BUS_CONTROL];
    s_poll_ingress(self);
    zloop_reader(self->loop, control, control_on_readable, self);
    zloop_reader_set_tolerant(self->loop, control);
    zloop_timer(self->loop, (size_t)self->config->publish_ms, 0, s_on_publish,
                self);
    zloop_timer(self->loop, SECOND_MS, 0, s_on_second, self);
    zloop_timer(self->loop, often_ms, 0, s_on_lease, self);
    s_poll(self, self->signals, s_on_signal);
    if (self->metrics)
        s_poll(self, metrics_server_fd(self->metrics), s_on_metrics);
}

/* ---- making it ------------------------------------------------------- */

static int s_watch_signals(broker_t *self)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return self->signals < 0 ? -1 : 0;
}

static int s_bind(broker_t *self)
{
    const settings_common_t *common = &self->config->common;
    bus_security_t security = {.curve = common->curve};
    if (common->secret_file) {
        self->secret = secret_read(common->secret_file, &security.secret_size);
        if (!self->secret)
            return -1;
        security.secret = self->secret;
    }
    for (int channel = BUS_INGRESS; channel <= BUS_CONTROL; channel++) {
        self->sockets[channel] =
            bus_bind(self->config->bind, (bus_channel_t)channel, &security);
        if (!self->sockets[channel])
            return -1;
    }
    return 0;
}

static int s_check_config(broker_t *self)
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

static int s_serve_metrics(broker_t *self)
{
    const settings_common_t *common = &self->config->common;
    if (!common->metrics_port)
        return 0;
    self->metrics =
        metrics_server_new(common->metrics_host, (uint16_t)common->metrics_port,
                           counters_render, NULL);
    return self->metrics ? 0 : -1;
}

static void s_make(broker_t *self)
{
    const broker_config_t *config = self->config;
    self->loop = zloop_new();
    zloop_set_nonstop(self->loop, true);
    self->token = random_u64();
    ingress_init(&self->ingress, self->sockets[BUS_INGRESS]);
    self->feed = feed_new(self->sockets[BUS_FEED]);
    world_init(&self->world);
    /* One message may follow the placement that makes the batch full. */
    self->leading.batch = batch_new((size_t)config->batch_max + BUS_PLACES_MAX);
    mailbox_init(&self->leading.verdicts, VERDICT_MAILS);
    ledger_options_t options = {.loop = self->loop,
                                .url = &self->url,
                                .key_prefix = config->key_prefix,
                                .timeout_ms =
                                    (uint32_t)config->redis_timeout_ms,
                                .lease_ms = (uint32_t)config->lease_ms,
                                .token = self->token};
    self->ledger = ledger_new(&options, &s_ledger_events, self);
}

broker_t *broker_new(const broker_config_t *config)
{
    broker_t *self = mem_zalloc(1, sizeof *self);
    self->config = config;
    self->signals = -1;
    if (s_check_config(self) < 0 || s_watch_signals(self) < 0 ||
        s_bind(self) < 0 || s_serve_metrics(self) < 0) {
        broker_destroy(&self);
        return NULL;
    }
    s_make(self);
    s_stand_on_loop(self);
    return self;
}

void broker_run(broker_t *self)
{
    zloop_start(self->loop);
    log_info("stopped", "seq=%" PRIu64, self->world.seq);
}

static void s_unmake(broker_t *self)
{
    if (!self->loop)
        return;
    ctl_give_up(self, "stopping");
    ledger_destroy(&self->ledger);
    zloop_destroy(&self->loop);
    mailbox_fini(&self->leading.verdicts);
    batch_destroy(&self->leading.batch);
    sync_forget_board(self);
    touched_destroy(&self->range);
    world_fini(&self->world);
    feed_destroy(&self->feed);
    ingress_fini(&self->ingress);
}

void broker_destroy(broker_t **self_p)
{
    broker_t *self = *self_p;
    if (!self)
        return;
    s_unmake(self);
    metrics_server_destroy(&self->metrics);
    for (int channel = BUS_INGRESS; channel <= BUS_CONTROL; channel++) {
        if (self->sockets[channel])
            zsock_set_linger(self->sockets[channel], LINGER_MS);
        zsock_destroy(&self->sockets[channel]);
    }
    if (self->signals >= 0)
        close(self->signals);
    redis_url_fini(&self->url);
    free(self->secret);
    free(self);
    *self_p = NULL;
}
