/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_link.h. What hiredis 0.14 and czmq's zloop ask for:
 *
 * - zloop drops a poller that reports an error unless it is tolerant, and then
 *   the loss of Redis would never be seen.
 * - Ending a poller ends all of that descriptor: one item with a mask, changed
 *   only where the mask differs.
 * - A board of 64 MB takes longer than the timeout on a busy machine: bytes
 * that come or go count as life, not only whole answers.
 * - hiredis frees its context inside the handlers (and runs every pending
 *   callback with a NULL reply before): self->redis is looked at again after
 *   each, and a loss is told only when no frame of hiredis is on the stack.
 */
#include "broker/redis_link.h"

#include "broker/metrics.h"
#include "broker/resolver.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <hiredis/async.h>

#define BACKOFF_MS 50
/* A memory that Redis has lost must come back soon: see GRACE_MS. */
#define BACKOFF_MAX_MS 500
#define WATCH_MS 100
#define WHY_MAX 160
/* The same reason is logged again after so long, another one after a second. */
#define REMIND_MS 10000
#define NEWS_MS 1000
#define VERSION_LEAST 7

struct redis_link {
    zloop_t *loop;
    const redis_url_t *url;
    uint32_t timeout_ms;
    const redis_link_events_t *events;
    void *context;
    redisAsyncContext *redis; /* NULL: down */
    short wanted, polled;     /* poll masks: hiredis', zloop's */
    int fd;
    bool up;         /* set up, on_up was called */
    bool inside;     /* a handler of hiredis is on the stack */
    bool lost;       /* gone; on_down is still to be called */
    bool told;       /* a loss was logged, and no return yet */
    unsigned setups; /* answers of AUTH, SELECT and INFO to come */
    unsigned pending;
    uint64_t heard_at_ms; /* bytes came or went, or waiting began */
    resolver_t *resolver;
    resolver_answer_t addresses;
    size_t next; /* of the addresses, to be tried */
    backoff_t backoff;
    int watch_timer, retry_timer;
    char why[WHY_MAX];
    char told_why[WHY_MAX]; /* the reason of the last line */
    uint64_t told_at_ms;
    redis_reply_fn answering; /* whose answer is being looked at */
    redis_reply_fn failing;   /* whose answer the last loss was for … */
    uint64_t failed_at_ms;    /* … and when … */
    char failed_why[WHY_MAX]; /* … and why */
};

typedef struct {
    redis_link_t *link;
    redis_reply_fn on_reply;
    uint64_t argument;
} call_t;

static int s_on_retry(zloop_t *loop, int timer, void *arg);
static void s_connect(redis_link_t *self);
static int s_on_ready(zloop_t *loop, zmq_pollitem_t *item, void *arg);

/* ---- the six hooks --------------------------------------------------- */

static void s_add_read(void *arg)
{
    ((redis_link_t *)arg)->wanted |= ZMQ_POLLIN;
}

static void s_del_read(void *arg)
{
    ((redis_link_t *)arg)->wanted &= ~ZMQ_POLLIN;
}

static void s_add_write(void *arg)
{
    ((redis_link_t *)arg)->wanted |= ZMQ_POLLOUT;
}

static void s_del_write(void *arg)
{
    ((redis_link_t *)arg)->wanted &= ~ZMQ_POLLOUT;
}

static void s_end_poll(redis_link_t *self)
{
    zmq_pollitem_t item = {.fd = self->fd};
    if (self->polled)
        zloop_poller_end(self->loop, &item);
    self->polled = 0;
}

/* hiredis is about to free its context. */
static void s_cleanup(void *arg)
{
    redis_link_t *self = arg;
    if (!*self->why && self->redis->errstr && *self->redis->errstr)
        snprintf(self->why, sizeof self->why, "%s", self->redis->errstr);
    s_end_poll(self);
    self->redis = NULL;
    self->wanted = 0;
    self->lost = true;
}

static void s_apply_mask(redis_link_t *self)
{
    if (self->wanted == self->polled)
        return;
    s_end_poll(self);
    zmq_pollitem_t item = {.fd = self->fd, .events = self->wanted};
    if (!item.events)
        return;
    zloop_poller(self->loop, &item, s_on_ready, self);
    zloop_poller_set_tolerant(self->loop, &item);
    self->polled = item.events;
}

/* ---- up and down ----------------------------------------------------- */

static void s_retry_later(redis_link_t *self)
{
    if (self->retry_timer < 0)
        self->retry_timer = zloop_timer(
            self->loop, backoff_next_ms(&self->backoff), 1, s_on_retry, self);
}

/* The first reason, each other one, and a reminder while it lasts. */
static void s_log_loss(redis_link_t *self)
{
    char quoted[WHY_MAX * 2];
    uint64_t now_ms = clock_mono_ms(), since_ms = now_ms - self->told_at_ms;
    bool changed = strcmp(self->why, self->told_why) != 0;
    if (self->told && since_ms < (changed ? NEWS_MS : REMIND_MS))
        return;
    log_warn("redis_lost", "error=%s tries=%u",
             log_quote(quoted, sizeof quoted, self->why), self->backoff.tries);
    memcpy(self->told_why, self->why, sizeof self->why);
    self->told_at_ms = now_ms;
    self->told = true;
}

static void s_tell_loss(redis_link_t *self)
{
    bool was_up = self->up;
    self->lost = self->up = false;
    self->pending = self->setups = 0;
    COUNT(REDIS_LOSSES);
    s_log_loss(self);
    *self->why = '\0';
    if (!was_up && self->next < self->addresses.count)
        s_connect(self);
    else
        s_retry_later(self);
    if (was_up)
        self->events->on_down(self->context);
}

static int s_on_lost(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    redis_link_t *self = arg;
    if (self->lost)
        s_tell_loss(self);
    return 0;
}

/* After anything that may have written or lost the connection, from outside
 * the loop's own handlers. */
static void s_settle_later(redis_link_t *self)
{
    if (self->lost)
        zloop_timer(self->loop, 1, 1, s_on_lost, self);
    else if (self->redis)
        s_apply_mask(self);
}

static void s_write(redis_link_t *self)
{
    if (self->redis && (self->wanted & ZMQ_POLLOUT)) {
        size_t before = sdslen(self->redis->c.obuf);
        self->inside = true;
        redisAsyncHandleWrite(self->redis);
        self->inside = false;
        if (self->redis && sdslen(self->redis->c.obuf) != before)
            self->heard_at_ms = clock_mono_ms();
    }
}

static int s_on_ready(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    redis_link_t *self = arg;
    if (self->redis && (item->revents & (ZMQ_POLLIN | ZMQ_POLLERR))) {
        self->inside = true;
        redisAsyncHandleRead(self->redis);
        self->inside = false;
        self->heard_at_ms = clock_mono_ms();
    }
    s_write(self);
    if (self->lost)
        s_tell_loss(self);
    else if (self->redis)
        s_apply_mask(self);
    return 0;
}

/* Whether what made the connection useless has not worked since, for as long as
 * that says something: somebody else may have to do it now. */
static bool s_is_failing(const redis_link_t *self)
{
    return self->failing && clock_mono_ms() - self->failed_at_ms < REMIND_MS;
}

void redis_link_drop(redis_link_t *self, const char *why)
{
    if (!self->redis)
        return;
    if (self->answering) {
        self->failing = self->answering;
        self->failed_at_ms = clock_mono_ms();
        snprintf(self->failed_why, sizeof self->failed_why, "%s", why);
    }
    snprintf(self->why, sizeof self->why, "%s", why);
    redisAsyncFree(self->redis); /* only marks it where it is called inside */
    if (!self->inside)
        s_settle_later(self);
}

void redis_link_settled(redis_link_t *self)
{
    if (s_is_failing(self))
        return;
    if (self->told)
        log_info("redis_back", "tries=%u", self->backoff.tries);
    self->told = false;
    backoff_reset(&self->backoff);
}

/* ---- connecting ------------------------------------------------------ */

static void s_up(redis_link_t *self)
{
    self->up = true;
    self->events->on_up(self->context);
}

static void s_on_setup(void *context, uint64_t argument,
                       const redisReply *reply)
{
    (void)argument;
    redis_link_t *self = context;
    if (reply->type == REDIS_REPLY_ERROR)
        redis_link_drop(self, reply->str);
    else if (!--self->setups)
        s_up(self);
}

static void s_send(redis_link_t *self, redis_reply_fn on_reply,
                   uint64_t argument, int argc, const char **argv,
                   const size_t *sizes);

/* The major version in INFO's text; 0 if it says none. */
static int s_version(const char *info)
{
    static const char name[] = "redis_version:";
    const char *at = strstr(info, name);
    return at ? atoi(at + sizeof name - 1) : 0;
}

/* Whoever may not ask for INFO is not told: the scripts will show it. */
static void s_on_info(void *context, uint64_t argument, const redisReply *reply)
{
    char why[WHY_MAX];
    redis_link_t *self = context;
    int version = reply->type == REDIS_REPLY_STRING ? s_version(reply->str) : 0;
    if (!version || version >= VERSION_LEAST) {
        static const redisReply fine = {.type = REDIS_REPLY_STATUS};
        s_on_setup(self, argument, &fine);
        return;
    }
    snprintf(why, sizeof why, "Redis %d is too old: %d.0 or later is needed",
             version, VERSION_LEAST);
    redis_link_drop(self, why);
}

static void s_set_up(redis_link_t *self)
{
    static const char *info[2] = {"INFO", "server"};
    const redis_url_t *url = self->url;
    if (url->password) {
        const char *auth[3] = {"AUTH", url->user ? url->user : url->password,
                               url->password};
        self->setups++;
        s_send(self, s_on_setup, 0, url->user ? 3 : 2, auth, NULL);
    }
    if (url->db) {
        char number[12];
        snprintf(number, sizeof number, "%d", url->db);
        const char *select[2] = {"SELECT", number};
        self->setups++;
        s_send(self, s_on_setup, 0, 2, select, NULL);
    }
    self->setups++;
    s_send(self, s_on_info, 0, 2, info, NULL);
}

static void s_on_connect(const redisAsyncContext *redis, int status)
{
    if (status == REDIS_OK)
        s_set_up(redis->data);
}

/* A try that failed before there was a connection to lose. */
static void s_fail(redis_link_t *self, const char *why)
{
    snprintf(self->why, sizeof self->why, "%s", why);
    self->lost = true;
    s_settle_later(self);
}

/* To the path, or to the next of the addresses. */
static void s_connect(redis_link_t *self)
{
    const redis_url_t *url = self->url;
    COUNT(REDIS_TRIES);
    redisAsyncContext *redis =
        url->path
            ? redisAsyncConnectUnix(url->path)
            : redisAsyncConnect(self->addresses.text[self->next++], url->port);
    if (!redis || redis->err) {
        s_fail(self, redis ? redis->errstr : "no memory");
        if (redis)
            redisAsyncFree(redis);
        return;
    }
    self->redis = redis;
    self->fd = redis->c.fd;
    self->heard_at_ms = clock_mono_ms();
    redis->data = self;
    redis->ev.data = self;
    redis->ev.addRead = s_add_read;
    redis->ev.delRead = s_del_read;
    redis->ev.addWrite = s_add_write;
    redis->ev.delWrite = s_del_write;
    redis->ev.cleanup = s_cleanup;
    /* Asks for POLLOUT, so the hooks must be there before. */
    redisAsyncSetConnectCallback(redis, s_on_connect);
    s_apply_mask(self);
}

static void s_on_resolved(void *context, const resolver_answer_t *answer)
{
    redis_link_t *self = context;
    char why[WHY_MAX];
    self->addresses = *answer;
    self->next = 0;
    if (answer->count) {
        s_connect(self);
        return;
    }
    snprintf(why, sizeof why, "%s: %s", self->url->host, answer->error);
    s_fail(self, why);
}

/* The name is resolved anew each time: a failover may have moved it. */
static int s_on_retry(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    redis_link_t *self = arg;
    self->retry_timer = -1;
    if (self->redis)
        return 0;
    if (self->url->path)
        s_connect(self);
    else if (resolver_ask(self->resolver, self->url->host) < 0)
        s_fail(self, "no pipe: too many files are open");
    return 0;
}

static int s_on_watch(zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    redis_link_t *self = arg;
    bool waiting = self->redis && (!self->up || self->pending);
    if (waiting && clock_mono_ms() - self->heard_at_ms > self->timeout_ms)
        redis_link_drop(self, "no answer in time");
    return 0;
}

redis_link_t *redis_link_new(zloop_t *loop, const redis_url_t *url,
                             uint32_t timeout_ms,
                             const redis_link_events_t *events, void *context)
{
    redis_link_t *self = mem_zalloc(1, sizeof *self);
    self->loop = loop;
    self->url = url;
    self->timeout_ms = timeout_ms;
    self->events = events;
    self->context = context;
    self->resolver = resolver_new(loop, s_on_resolved, self);
    self->backoff = backoff_of(BACKOFF_MS, BACKOFF_MAX_MS);
    self->watch_timer = zloop_timer(loop, WATCH_MS, 0, s_on_watch, self);
    self->retry_timer = zloop_timer(loop, 1, 1, s_on_retry, self);
    return self;
}

void redis_link_destroy(redis_link_t **self_p)
{
    redis_link_t *self = *self_p;
    if (!self)
        return;
    if (self->redis)
        redisAsyncFree(self->redis);
    resolver_destroy(&self->resolver);
    zloop_timer_end(self->loop, self->watch_timer);
    if (self->retry_timer >= 0)
        zloop_timer_end(self->loop, self->retry_timer);
    free(self);
    *self_p = NULL;
}

bool redis_link_is_up(const redis_link_t *self)
{
    return self->up && self->redis && !*self->why;
}

const char *redis_link_trouble(const redis_link_t *self)
{
    if (redis_link_is_up(self))
        return s_is_failing(self) ? self->failed_why : NULL;
    if (*self->why)
        return self->why;
    return self->told ? self->told_why : "connecting";
}

/* ---- commands -------------------------------------------------------- */

static void s_on_reply(redisAsyncContext *redis, void *reply, void *privdata)
{
    (void)redis;
    call_t call = *(call_t *)privdata;
    free(privdata);
    if (!reply)
        return;
    redis_link_t *self = call.link;
    self->pending--;
    self->heard_at_ms = clock_mono_ms();
    /* After a drop from inside, answers already read still come. */
    if (*self->why)
        return;
    bool ours = call.on_reply == s_on_setup || call.on_reply == s_on_info;
    void *context = ours ? self : self->context;
    if (self->failing == call.on_reply)
        self->failing = NULL; /* it works again, or is dropped for again */
    self->answering = call.on_reply;
    call.on_reply(context, call.argument, reply);
    self->answering = NULL;
}

static void s_send(redis_link_t *self, redis_reply_fn on_reply,
                   uint64_t argument, int argc, const char **argv,
                   const size_t *sizes)
{
    call_t *call = mem_alloc(sizeof *call);
    *call = (call_t){self, on_reply, argument};
    if (redisAsyncCommandArgv(self->redis, s_on_reply, call, argc, argv,
                              sizes) != REDIS_OK) {
        free(call);
        return;
    }
    if (!self->pending++)
        self->heard_at_ms = clock_mono_ms();
}

void redis_link_call(redis_link_t *self, redis_reply_fn on_reply,
                     uint64_t argument, int argc, const char **argv,
                     const size_t *sizes)
{
    if (!redis_link_is_up(self))
        return;
    s_send(self, on_reply, argument, argc, argv, sizes);
    if (self->inside)
        return;
    s_write(self);
    s_settle_later(self);
}
