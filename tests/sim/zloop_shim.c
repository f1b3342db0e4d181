/* SPDX-License-Identifier: Apache-2.0
 *
 * czmq's zloop and zpoller on virtual time: timers first, then whatever is
 * ready, one call each; as czmq 4.2 does.
 */
#include "tests/sim/heap.h"
#include "tests/sim/image.h"
#include "tests/sim/shim.h"

#include <czmq.h>

#define ITEMS_MAX 24
#define TIMERS_MAX 64

typedef struct {
    sock_t *sock; /* or NULL: */
    zmq_pollitem_t item;
    zloop_reader_fn *on_sock;
    zloop_fn *on_item;
    void *arg;
} item_t;

typedef struct {
    int id;
    uint64_t when_ms, delay_ms;
    size_t times;
    zloop_timer_fn *fn;
    void *arg;
} timer_entry_t;

struct _zloop_t {
    item_t items[ITEMS_MAX];
    size_t count;
    timer_entry_t timers[TIMERS_MAX];
    size_t timer_count;
    int last_timer;
    bool nonstop, changed;
};

static uint64_t s_now_ms(void)
{
    return process_mono_ns(process_now()) / MS;
}

/* Sleeps until then, or until any socket or descriptor of the process may be
 * ready. */
static void s_sleep_until_ms(uint64_t when_ms)
{
    process_t *process = process_now();
    fiber_wait(process_mono_to_world(process, when_ms * MS));
}

zloop_t *zloop_new(void)
{
    zloop_t *self = heap_alloc(sizeof *self);
    memset(self, 0, sizeof *self);
    process_now()->loop = self;
    return self;
}

void zloop_destroy(zloop_t **self_p)
{
    if (*self_p)
        heap_free(*self_p);
    *self_p = NULL;
}

void zloop_set_nonstop(zloop_t *self, bool nonstop)
{
    self->nonstop = nonstop;
}

/* ---- items ------------------------------------------------------------ */

static item_t *s_add(zloop_t *self)
{
    assert(self->count < ITEMS_MAX);
    self->changed = true;
    item_t *item = &self->items[self->count++];
    memset(item, 0, sizeof *item);
    return item;
}

static void s_drop(zloop_t *self, size_t i)
{
    self->items[i] = self->items[--self->count];
    self->changed = true;
}

int zloop_reader(zloop_t *self, zsock_t *sock, zloop_reader_fn handler,
                 void *arg)
{
    item_t *item = s_add(self);
    item->sock = sock_of(sock);
    item->on_sock = handler;
    item->arg = arg;
    return 0;
}

void zloop_reader_end(zloop_t *self, zsock_t *sock)
{
    for (size_t i = self->count; i--;)
        if (self->items[i].sock == sock)
            s_drop(self, i);
}

void zloop_reader_set_tolerant(zloop_t *self, zsock_t *sock)
{
    (void)self, (void)sock;
}

int zloop_poller(zloop_t *self, zmq_pollitem_t *asked, zloop_fn handler,
                 void *arg)
{
    item_t *item = s_add(self);
    item->item = *asked;
    item->on_item = handler;
    item->arg = arg;
    return 0;
}

void zloop_poller_end(zloop_t *self, zmq_pollitem_t *asked)
{
    for (size_t i = self->count; i--;)
        if (!self->items[i].sock && self->items[i].item.fd == asked->fd)
            s_drop(self, i);
}

void zloop_poller_set_tolerant(zloop_t *self, zmq_pollitem_t *item)
{
    (void)self, (void)item;
}

/* ---- timers ----------------------------------------------------------- */

int zloop_timer(zloop_t *self, size_t delay, size_t times,
                zloop_timer_fn handler, void *arg)
{
    assert(self->timer_count < TIMERS_MAX);
    self->timers[self->timer_count++] =
        (timer_entry_t){.id = ++self->last_timer,
                        .when_ms = s_now_ms() + delay,
                        .delay_ms = delay,
                        .times = times,
                        .fn = handler,
                        .arg = arg};
    return self->last_timer;
}

static timer_entry_t *s_timer(zloop_t *self, int id)
{
    for (size_t i = 0; i < self->timer_count; i++)
        if (self->timers[i].id == id)
            return &self->timers[i];
    return NULL;
}

int zloop_timer_end(zloop_t *self, int id)
{
    timer_entry_t *timer = s_timer(self, id);
    if (timer)
        *timer = self->timers[--self->timer_count];
    return 0;
}

static uint64_t s_next_ms(const zloop_t *self)
{
    uint64_t next_ms = s_now_ms() + 3600000;
    for (size_t i = 0; i < self->timer_count; i++)
        if (self->timers[i].when_ms < next_ms)
            next_ms = self->timers[i].when_ms;
    return next_ms;
}

/* The earliest that is due at `now_ms` and was there when the turn began. */
static timer_entry_t *s_due(zloop_t *self, uint64_t now_ms, int newest)
{
    timer_entry_t *due = NULL;
    for (size_t i = 0; i < self->timer_count; i++) {
        timer_entry_t *timer = &self->timers[i];
        if (timer->when_ms <= now_ms && timer->id <= newest &&
            (!due || timer->when_ms < due->when_ms))
            due = timer;
    }
    return due;
}

static int s_run_timers(zloop_t *self)
{
    uint64_t now_ms = s_now_ms();
    int newest = self->last_timer;
    for (timer_entry_t *timer; (timer = s_due(self, now_ms, newest));) {
        int id = timer->id;
        if (timer->fn(self, id, timer->arg) == -1)
            return -1;
        timer = s_timer(self, id);
        if (!timer)
            continue;
        if (timer->times && --timer->times == 0)
            zloop_timer_end(self, id);
        else
            timer->when_ms += timer->delay_ms;
    }
    return 0;
}

/* ---- turns ------------------------------------------------------------ */

static bool s_ready(item_t *item)
{
    if (item->sock)
        return sock_readable(item->sock);
    item->item.revents =
        fd_ready(process_now(), item->item.fd) & item->item.events;
    return item->item.revents;
}

static bool s_any_ready(zloop_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (s_ready(&self->items[i]))
            return true;
    return false;
}

/* A change of the set ends the pass, as in czmq. */
static int s_run_items(zloop_t *self)
{
    self->changed = false;
    for (size_t i = 0; i < self->count && !self->changed; i++) {
        item_t *item = &self->items[i];
        if (!s_ready(item))
            continue;
        int result = item->sock ? item->on_sock(self, item->sock, item->arg)
                                : item->on_item(self, &item->item, item->arg);
        if (result == -1)
            return -1;
    }
    return 0;
}

static bool s_interrupted(const zloop_t *self)
{
    volatile int *flag = image_interrupted(process_now()->image);
    return !self->nonstop && flag && *flag;
}

static void s_watch(zloop_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].sock)
            self->items[i].sock->waiter = fiber_now();
}

int zloop_start(zloop_t *self)
{
    while (!s_interrupted(self)) {
        s_watch(self);
        s_sleep_until_ms(s_any_ready(self) ? 0 : s_next_ms(self));
        if (s_interrupted(self))
            return 0;
        if (s_run_timers(self) == -1 || s_run_items(self) == -1)
            return -1;
    }
    return 0;
}

/* ---- zpoller ---------------------------------------------------------- */

struct _zpoller_t {
    sock_t *socks[4];
    void *given[4];
    size_t count;
};

int zpoller_add(zpoller_t *self, void *reader)
{
    assert(self->count < 4);
    self->given[self->count] = reader;
    self->socks[self->count++] = sock_of(reader);
    return 0;
}

zpoller_t *zpoller_new(void *reader, ...)
{
    zpoller_t *self = heap_alloc(sizeof *self);
    memset(self, 0, sizeof *self);
    va_list readers;
    va_start(readers, reader);
    for (; reader; reader = va_arg(readers, void *))
        zpoller_add(self, reader);
    va_end(readers);
    return self;
}

void zpoller_destroy(zpoller_t **self_p)
{
    if (*self_p)
        heap_free(*self_p);
    *self_p = NULL;
}

void zpoller_set_nonstop(zpoller_t *self, bool nonstop)
{
    (void)self, (void)nonstop;
}

static void *s_poll(zpoller_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (sock_readable(self->socks[i]))
            return self->given[i];
    return NULL;
}

void *zpoller_wait(zpoller_t *self, int timeout_ms)
{
    uint64_t until_ms = timeout_ms < 0 ? s_now_ms() + 3600000
                                       : s_now_ms() + (unsigned)timeout_ms;
    for (;;) {
        void *ready = s_poll(self);
        if (ready)
            return ready;
        for (size_t i = 0; i < self->count; i++)
            self->socks[i]->waiter = fiber_now();
        if (s_now_ms() >= until_ms)
            return NULL;
        s_sleep_until_ms(until_ms);
    }
}
