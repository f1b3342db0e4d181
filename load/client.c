/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h: the socket's part; what messages mean is in client_message.c.
 */
#include "load/client.h"

#include "common/clock.h"
#include "common/mem.h"
#include "load/client_message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_DEADLINE_MS 30000
#define SILENCE_MS 15000
#define BACKOFF_BASE_MS 100
#define BACKOFF_CAP_MS 5000
#define RESTART_SPREAD_MS 5000 /* after 1012, as the protocol asks */
#define UPGRADE_BYTES 9216
#define NARROW_BYTES 4096 /* else the kernel hides that nobody reads */
#define WIDE_BYTES (256 << 10)
#define CODE_NONE 1006
#define CODE_RESTART 1012

void client_init(client_t *self, hub_t *hub, uint32_t index, state_t *state,
                 uint64_t due_ms)
{
    memset(self, 0, sizeof *self);
    self->hub = hub;
    self->fd = -1;
    self->index = index;
    self->endpoint = (uint8_t)(index % hub->config->endpoint_count);
    self->state = state_ref(state);
    self->due_ms = due_ms;
    self->backoff = backoff_of(BACKOFF_BASE_MS, BACKOFF_CAP_MS);
}

static void s_drop_buffers(client_t *self)
{
    free(self->rest);
    free(self->out);
    self->rest = self->out = NULL;
    self->rest_size = self->out_size = 0;
}

void client_fini(client_t *self)
{
    if (self->fd >= 0)
        close(self->fd);
    s_drop_buffers(self);
    if (self->wants_board)
        self->hub->waiting_board--;
    self->wants_board = false;
    state_unref(&self->state);
}

void client_lose(client_t *self, unsigned code)
{
    report_t *report = self->hub->report;
    bool was_open = self->phase >= CLIENT_OPEN;
    if (self->fd < 0)
        return;
    close(self->fd);
    self->fd = -1;
    self->phase = CLIENT_IDLE;
    self->writing = false;
    s_drop_buffers(self);
    if (was_open) {
        report->closes[report_close(code)]++;
        report->reconnects++;
        if (self->ops)
            self->ops->lost(self->player);
    }
    self->endpoint =
        (uint8_t)((self->endpoint + 1) % self->hub->config->endpoint_count);
    uint32_t wait = code == CODE_RESTART ? random_below(RESTART_SPREAD_MS)
                                         : backoff_next_ms(&self->backoff);
    self->due_ms = clock_mono_ms() + wait;
}

/* Sending */

static void s_watch(client_t *self, bool reading, bool writing)
{
    struct epoll_event event = {
        .events = (reading ? EPOLLIN : 0) | (writing ? EPOLLOUT : 0),
        .data.ptr = self,
    };
    epoll_ctl(self->hub->epoll, EPOLL_CTL_MOD, self->fd, &event);
    self->writing = writing;
}

static void s_keep_out(client_t *self, const uint8_t *bytes, size_t size)
{
    self->out = mem_realloc(self->out, self->out_size + size, 1);
    memcpy(self->out + self->out_size, bytes, size);
    self->out_size += (uint32_t)size;
    if (!self->writing)
        s_watch(self, self->phase != CLIENT_STALLED, true);
}

void client_send(client_t *self, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    if (self->fd < 0)
        return;
    if (!self->out_size) {
        ssize_t put = send(self->fd, at, size, MSG_NOSIGNAL);
        if (put == (ssize_t)size)
            return;
        if (put < 0 && errno != EAGAIN && errno != EINTR)
            return; /* epoll tells, and that way loses it once */
        if (put > 0) {
            at += put;
            size -= (size_t)put;
        }
    }
    s_keep_out(self, at, size);
}

/* Goes on with what was kept. */
static void s_flush(client_t *self)
{
    ssize_t put = send(self->fd, self->out, self->out_size, MSG_NOSIGNAL);
    if (put < 0)
        return;
    self->out_size -= (uint32_t)put;
    memmove(self->out, self->out + put, self->out_size);
    if (!self->out_size) {
        free(self->out);
        self->out = NULL;
        s_watch(self, self->phase != CLIENT_STALLED, false);
    }
}

/* Connecting */

static void s_connect(client_t *self, uint64_t now_ms)
{
    hub_t *hub = self->hub;
    const config_t *config = hub->config;
    unsigned source = 1 + (hub->worker * (unsigned)config->sources +
                           self->index % (unsigned)config->sources);
    self->fd = endpoint_connect(&config->endpoints[self->endpoint], source,
                                self->narrow ? NARROW_BYTES : 0);
    if (self->fd < 0) {
        hub->report->refused++;
        self->due_ms = now_ms + backoff_next_ms(&self->backoff);
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = self};
    if (epoll_ctl(hub->epoll, EPOLL_CTL_ADD, self->fd, &event) < 0)
        abort();
    self->writing = true;
    self->phase = CLIENT_CONNECTING;
    self->due_ms = now_ms + CONNECT_DEADLINE_MS;
}

static void s_refused(client_t *self)
{
    self->hub->report->refused++;
    client_lose(self, CODE_NONE);
}

/* The socket became writable: connected, or not. */
static void s_upgrade(client_t *self)
{
    char text[UPGRADE_BYTES];
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) {
        s_refused(self);
        return;
    }
    const hub_t *hub = self->hub;
    size_t size = ws_put_upgrade(
        text, sizeof text, hub->config->endpoints[self->endpoint].host,
        state_seq(self->state),
        self->ops ? self->ops->token(self->player) : NULL, &hub->nonce);
    assert(size);
    self->phase = CLIENT_UPGRADING;
    s_watch(self, true, false);
    client_send(self, text, size);
}

/* Reading */

/* Whole messages in `bytes`; returns how many bytes were used up. */
static size_t s_consume_frames(client_t *self, const uint8_t *bytes,
                               size_t size, uint64_t now_us)
{
    size_t at = 0;
    ws_frame_t frame;
    int whole = 0;
    while (self->fd >= 0 &&
           (whole = ws_read_head(&frame, bytes + at, size - at)) > 0 &&
           size - at - frame.head >= frame.length) {
        client_message(self, &frame, bytes + at + frame.head, now_us);
        at += frame.head + frame.length;
    }
    if (self->fd >= 0 && whole < 0) {
        self->hub->report->malformed++;
        client_lose(self, CODE_NONE);
    }
    return at;
}

/* The answer to the upgrade, then maybe frames behind it. */
static size_t s_consume_answer(client_t *self, const uint8_t *bytes,
                               size_t size, uint64_t now_us)
{
    size_t used = 0;
    int status;
    switch (ws_read_answer((const char *)bytes, size, &self->hub->nonce, &used,
                           &status)) {
    case WS_MORE:
        return 0;
    case WS_OPEN:
        break;
    case WS_REFUSED:
    case WS_BROKEN:
        s_refused(self);
        return size;
    }
    self->phase = CLIENT_OPEN;
    self->hub->report->opened++;
    return used + s_consume_frames(self, bytes + used, size - used, now_us);
}

/* Room in the scratch for what is kept, and at least as much again. */
static uint8_t *s_scratch(client_t *self)
{
    hub_t *hub = self->hub;
    if (hub->scratch_size < 2 * (size_t)self->rest_size) {
        hub->scratch_size = 4 * (size_t)self->rest_size;
        free(hub->scratch);
        hub->scratch = mem_alloc(hub->scratch_size);
    }
    if (self->rest_size)
        memcpy(hub->scratch, self->rest, self->rest_size);
    return hub->scratch;
}

static void s_keep_rest(client_t *self, const uint8_t *bytes, size_t size)
{
    if (self->fd < 0)
        return; /* lost meanwhile, and its buffers with it */
    if (size != self->rest_size) {
        free(self->rest);
        self->rest = size ? mem_alloc(size) : NULL;
    }
    if (size)
        memcpy(self->rest, bytes, size);
    self->rest_size = (uint32_t)size;
}

static void s_read(client_t *self)
{
    uint8_t *bytes = s_scratch(self);
    size_t kept = self->rest_size;
    ssize_t got =
        recv(self->fd, bytes + kept, self->hub->scratch_size - kept, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        if (self->phase == CLIENT_UPGRADING)
            self->hub->report->refused++;
        client_lose(self, CODE_NONE);
        return;
    }
    uint64_t now_us = clock_mono_ns() / 1000;
    size_t size = kept + (size_t)got;
    self->heard_ms = now_us / 1000;
    self->bytes += (uint64_t)got;
    size_t used = self->phase == CLIENT_UPGRADING
                      ? s_consume_answer(self, bytes, size, now_us)
                      : s_consume_frames(self, bytes, size, now_us);
    s_keep_rest(self, bytes + used, size - used);
}

void client_event(client_t *self, uint32_t events)
{
    if (self->fd < 0)
        return;
    if (self->phase == CLIENT_CONNECTING) {
        s_upgrade(self);
        return;
    }
    if (events & EPOLLOUT && self->out_size)
        s_flush(self);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        s_read(self);
    if (self->ops && client_is_open(self))
        self->ops->pump(self->player);
}

/* Time */

void client_tick(client_t *self, uint64_t now_ms)
{
    if (self->phase == CLIENT_IDLE) {
        if (now_ms >= self->due_ms)
            s_connect(self, now_ms);
        return;
    }
    bool hangs = self->phase <= CLIENT_UPGRADING
                     ? now_ms >= self->due_ms
                     : self->phase == CLIENT_OPEN &&
                           now_ms > self->heard_ms + SILENCE_MS;
    if (hangs) {
        self->hub->report->silent++;
        client_lose(self, CODE_NONE);
        return;
    }
    if (self->ops && client_is_open(self))
        self->ops->pump(self->player);
}

void client_stall(client_t *self)
{
    if (!client_is_open(self))
        return;
    self->phase = CLIENT_STALLED;
    s_watch(self, false, self->out_size != 0);
    self->hub->report->stalled++;
}

void client_resume(client_t *self, uint64_t target_seq, uint64_t now_us)
{
    if (self->phase != CLIENT_STALLED)
        return;
    self->phase = CLIENT_OPEN;
    self->heard_ms = now_us / 1000;
    self->resumed_us = now_us;
    self->recover_seq = target_seq;
    int size = WIDE_BYTES;
    setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    s_watch(self, true, self->out_size != 0);
}
