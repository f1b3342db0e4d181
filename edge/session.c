/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h. The state of a session, and what it is sent when; what it asks
 * for is in request.c.
 */
#include "edge/session.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/wire_json.h"
#include "edge/fanout.h"
#include "edge/mirror.h"
#include "edge/uplink.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD_WAIT_MS 2000
#define PING_S 25
#define SILENT_S 60
#define SLOW_S 60
#define CLOSING_S 10

static uint32_t s_now_s(void)
{
    return (uint32_t)(clock_mono_ms() / 1000);
}

/* --- Writing -------------------------------------------------------------- */

static void s_kill(session_t *self, edge_metric_t why)
{
    if (!self->closing)
        edge_count(self->edge, why);
    self->closing = true;
    self->blocked_s = s_now_s();
    socket_kill(self->socket);
}

/* The session is not blocked. True where it still is not. */
static bool s_write(session_t *self, const uint8_t *bytes, size_t size,
                    edge_metric_t kind)
{
    edge_count(self->edge, kind);
    self->edge->metrics[EDGE_FRAME_BYTES] += (int64_t)size;
    switch (socket_write(self->socket, bytes, size)) {
    case SOCKET_SENT:
        return true;
    case SOCKET_PARTIAL:
        edge_count(self->edge, EDGE_PARTIALS);
        return false;
    case SOCKET_FAILED:
        s_kill(self, EDGE_CLOSED_ERROR);
        return false;
    }
    return false;
}

static bool s_may_write(const session_t *self)
{
    return !self->closing && !socket_blocked(self->socket);
}

static frame_opcode_t s_opcode(const session_t *self)
{
    return self->json ? FRAME_TEXT : FRAME_BINARY;
}

void session_flush(session_t *self)
{
    if (!self->outbox.size || self->state == SESSION_HELLO ||
        !s_may_write(self))
        return;
    s_write(self, self->outbox.bytes, self->outbox.size, EDGE_FRAMES_REPLY);
    outbox_clear(&self->outbox);
}

void session_reply(session_t *self, const void *payload, size_t size)
{
    if (self->closing)
        return;
    if (outbox_add(&self->outbox, s_opcode(self), payload, size) < 0)
        session_close(self, CLOSE_POLICY_VIOLATION);
    else
        fanout_dirty(self->edge->fanout, self);
}

static edge_metric_t s_close_metric(close_code_t code)
{
    static const struct {
        close_code_t code;
        edge_metric_t metric;
    } rows[] = {
        {CLOSE_PROTOCOL_ERROR, EDGE_CLOSED_1002},
        {CLOSE_UNACCEPTABLE, EDGE_CLOSED_1003},
        {CLOSE_POLICY_VIOLATION, EDGE_CLOSED_1008},
        {CLOSE_TOO_LARGE, EDGE_CLOSED_1009},
        {CLOSE_SERVICE_RESTART, EDGE_CLOSED_1012},
        {CLOSE_TRY_AGAIN, EDGE_CLOSED_1013},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].metric;
    return EDGE_CLOSED_4401;
}

/* Says CLOSE as soon as the socket allows; the peer's CLOSE, or CLOSING_S, ends
 * the connection. Our own frame, since libwebsockets 4.1 on libuv kills the
 * connection in the same breath as it decides to say it. */
static void s_say_close(session_t *self)
{
    if (!self->close_code || socket_blocked(self->socket))
        return;
    const uint8_t frame[] = {0x80 | FRAME_CLOSE, 2,
                             (uint8_t)(self->close_code >> 8),
                             (uint8_t)self->close_code};
    self->close_code = 0;
    s_write(self, frame, sizeof frame, EDGE_FRAMES_REPLY);
}

void session_close(session_t *self, close_code_t code)
{
    if (self->closing)
        return;
    session_flush(self); /* what was decided before still gets out */
    if (self->closing)
        return; /* it failed */
    edge_count(self->edge, s_close_metric(code));
    self->closing = true;
    self->close_code = (uint16_t)code;
    self->blocked_s = s_now_s();
    s_say_close(self);
}

/* --- What it is told ------------------------------------------------------ */

static edge_metric_t s_resync_metric(resync_reason_t reason)
{
    return reason == RESYNC_TOO_OLD       ? EDGE_RESYNC_TOO_OLD
           : reason == RESYNC_UNKNOWN_SEQ ? EDGE_RESYNC_UNKNOWN
                                          : EDGE_RESYNC_CHANGED;
}

void session_resync(session_t *self, resync_reason_t reason)
{
    edge_count(self->edge, s_resync_metric(reason));
    self->state = SESSION_RESYNC;
    if (self->json) {
        size_t length;
        char *text = wire_json_resync(reason, &length);
        session_reply(self, text, length);
        free(text);
    } else {
        uint8_t bytes[WIRE_SMALL_MAX];
        session_reply(self, bytes, wire_put_resync(bytes, reason));
    }
}

/* LIVE, not blocked, behind the mirror: its own net diff, shared with whoever
 * is as far behind. True where it may be sent more. */
static bool s_catch_up(session_t *self)
{
    uint64_t to;
    if (mirror_since(self->edge->mirror, self->seq) != SINCE_DIFF) {
        session_resync(self, RESYNC_TOO_OLD);
        return true;
    }
    const frame_t *frame =
        fanout_diff(self->edge->fanout, self->json, self->seq, &to);
    if (!frame) {
        session_resync(self, RESYNC_TOO_OLD);
        return true;
    }
    if (self->outbox.size && !outbox_append(&self->outbox, frame)) {
        self->seq = to; /* HELLO and the first diff are one write */
        session_flush(self);
        return s_may_write(self);
    }
    session_flush(self);
    if (!s_may_write(self))
        return false;
    self->seq = to;
    return s_write(self, frame->bytes, frame->size, EDGE_FRAMES_LAGGARD);
}

void session_since(session_t *self, uint64_t since)
{
    self->seq = since;
    self->state = SESSION_LIVE;
    self->history = mirror_history(self->edge->mirror);
    switch (mirror_since(self->edge->mirror, since)) {
    case SINCE_LEVEL:
        break;
    case SINCE_DIFF:
        if (s_may_write(self))
            s_catch_up(self);
        else
            fanout_attend(self->edge->fanout);
        break;
    case SINCE_TOO_OLD:
        session_resync(self, RESYNC_TOO_OLD);
        break;
    case SINCE_NEWER:
        self->state = SESSION_AHEAD;
        self->wait_until_ms = clock_mono_ms() + AHEAD_WAIT_MS;
        fanout_attend(self->edge->fanout);
        break;
    }
}

static void s_put_hello(session_t *self, const wire_hello_t *hello)
{
    int added;
    if (self->json) {
        size_t length;
        char *text = wire_json_hello(hello, &length);
        added = outbox_add_first(&self->outbox, FRAME_TEXT, text, length);
        free(text);
    } else {
        uint8_t bytes[WIRE_SMALL_MAX];
        size_t size = wire_put_hello(bytes, hello);
        added = outbox_add_first(&self->outbox, FRAME_BINARY, bytes, size);
    }
    if (added < 0)
        session_close(self, CLOSE_POLICY_VIOLATION);
    else
        fanout_dirty(self->edge->fanout, self);
}

static uint32_t s_remaining_ms(const session_t *self)
{
    uint64_t now_ms = clock_mono_ms();
    return self->cooldown_until_ms > now_ms
               ? (uint32_t)(self->cooldown_until_ms - now_ms)
               : 0;
}

void session_hello(session_t *self)
{
    const mirror_t *mirror = self->edge->mirror;
    const canvas_t *canvas = mirror_canvas(mirror);
    bool first = self->state == SESSION_HELLO;
    self->hello_owed = false;
    self->canvas_version = mirror_canvas_version(mirror);
    wire_hello_t hello = {
        .bits = canvas->bits,
        .width = (uint16_t)canvas->width,
        .height = (uint16_t)canvas->height,
        .epoch = mirror_epoch(mirror),
        .seq = mirror_seq(mirror),
        .cooldown_ms = canvas->cooldown_ms,
        .cooldown_remaining_ms = s_remaining_ms(self),
        .flags = (uint8_t)((self->player ? 0 : HELLO_READ_ONLY) |
                           (canvas->paused ? HELLO_PAUSED : 0)),
    };
    s_put_hello(self, &hello);
    if (first)
        session_since(self, self->seq);
}

/* --- Rounds --------------------------------------------------------------- */

/* Blocked: alive only while the peer reads. */
static void s_check_progress(session_t *self, const round_t *round)
{
    uint32_t now_s = (uint32_t)(round->now_ms / 1000);
    edge_count(self->edge, EDGE_SKIPPED);
    if (self->blocked_s && !round->beat_frame[0])
        return; /* a look a second is enough */
    uint32_t acknowledged = socket_acknowledged(self->socket);
    if (!self->blocked_s || acknowledged != self->acknowledged) {
        self->acknowledged = acknowledged;
        self->blocked_s = now_s;
        self->heard_s = now_s;
    } else if (clock_elapsed_s(now_s, self->blocked_s) >= SLOW_S) {
        s_kill(self, EDGE_CLOSED_SLOW);
    }
}

/* True where it may be sent more. */
static bool s_serve_ping(session_t *self, uint32_t now_s)
{
    if (clock_elapsed_s(now_s, self->heard_s) >= SILENT_S) {
        s_kill(self, EDGE_CLOSED_SILENT);
        return false;
    }
    if (clock_elapsed_s(now_s, self->pinged_s) < PING_S)
        return true;
    /* Not empty: libwebsockets 4.1 hides an empty pong from us. */
    static const uint8_t ping[] = {0x80 | FRAME_PING, 1, '.'};
    self->pinged_s = now_s;
    return s_write(self, ping, sizeof ping, EDGE_FRAMES_REPLY);
}

static bool s_serve_notice(session_t *self)
{
    const frame_t *notice = fanout_notice(self->edge->fanout, self->json);
    self->canvas_version = mirror_canvas_version(self->edge->mirror);
    return s_write(self, notice->bytes, notice->size, EDGE_FRAMES_REPLY);
}

static void s_serve_ahead(session_t *self, const round_t *round)
{
    if (mirror_since(self->edge->mirror, self->seq) != SINCE_NEWER)
        self->state = SESSION_LIVE;
    else if (round->now_ms >= self->wait_until_ms)
        session_resync(self, RESYNC_UNKNOWN_SEQ);
    else
        fanout_attend(self->edge->fanout);
}

/* What is rare: true where diff and beat may follow. */
static bool s_serve_rest(session_t *self, const round_t *round)
{
    if (self->hello_owed) {
        if (round->now_ms >= self->wait_until_ms)
            session_hello(self);
        else
            fanout_attend(self->edge->fanout);
    }
    if (self->state == SESSION_HELLO)
        return false;
    if (self->history != mirror_history(self->edge->mirror)) {
        self->history = mirror_history(self->edge->mirror);
        session_resync(self, RESYNC_BOARD_CHANGED);
    }
    if (self->state == SESSION_AHEAD)
        s_serve_ahead(self, round);
    session_flush(self);
    if (!s_may_write(self))
        return false;
    return self->canvas_version == mirror_canvas_version(self->edge->mirror) ||
           s_serve_notice(self);
}

static bool s_serve_diff(session_t *self, const round_t *round)
{
    const frame_t *diff = round->diff[self->json];
    if (self->state != SESSION_LIVE)
        return true;
    if (diff && self->seq >= round->from && self->seq < round->to) {
        self->seq = round->to;
        return s_write(self, diff->bytes, diff->size, EDGE_FRAMES_HEAD);
    }
    if (self->seq == mirror_seq(self->edge->mirror) || self->seq == round->to)
        return true;
    return s_catch_up(self);
}

static void s_serve_beat(session_t *self, const round_t *round)
{
    const frame_t *beat = round->beat_frame[self->json];
    if (!beat || self->beat == round->beat)
        return;
    self->beat = round->beat;
    s_write(self, beat->bytes, beat->size, EDGE_FRAMES_HEAD);
}

/* Nothing but the round's own frames is due: one write. */
static bool s_is_plain(const session_t *self, const round_t *round)
{
    const edge_t *edge = self->edge;
    return self->state == SESSION_LIVE && !self->outbox.size &&
           !self->hello_owed && self->seq >= round->from &&
           self->seq < round->to && round->diff[self->json] &&
           self->history == mirror_history(edge->mirror) &&
           self->canvas_version == mirror_canvas_version(edge->mirror);
}

void session_serve(session_t *self, const round_t *round)
{
    uint32_t now_s = (uint32_t)(round->now_ms / 1000);
    if (self->closing) {
        if (clock_elapsed_s(now_s, self->blocked_s) >= CLOSING_S)
            socket_kill(self->socket);
        return;
    }
    if (socket_blocked(self->socket)) {
        s_check_progress(self, round);
        return;
    }
    self->blocked_s = 0;
    if (!s_serve_ping(self, now_s))
        return;
    if (s_is_plain(self, round)) {
        bool beat = self->beat != round->beat && round->both[self->json];
        const frame_t *frame =
            beat ? round->both[self->json] : round->diff[self->json];
        if (beat)
            self->beat = round->beat;
        self->seq = round->to;
        s_write(self, frame->bytes, frame->size, EDGE_FRAMES_HEAD);
        return;
    }
    if (s_serve_rest(self, round) && s_serve_diff(self, round))
        s_serve_beat(self, round);
}

/* --- Life ----------------------------------------------------------------- */

void session_open(session_t *self, edge_t *edge, socket_t *socket,
                  const upgrade_t *upgrade)
{
    self->edge = edge;
    self->socket = socket;
    self->json = upgrade->json;
    self->player = upgrade->player;
    self->seq = upgrade->since;
    self->user = upgrade->identity.user;
    self->expires_at_ms = upgrade->identity.expires_at_ms;
    /* Pings of those who came together are spread out. */
    self->heard_s = s_now_s();
    self->pinged_s = self->heard_s - (uint32_t)((uintptr_t)self >> 6) % PING_S;
    self->history = mirror_history(edge->mirror);
    fanout_add(edge->fanout, self);
    edge_count(edge, EDGE_SESSIONS_OPENED);
}

void session_start(session_t *self, bool full)
{
    if (full) {
        edge_count(self->edge, EDGE_REFUSED_FULL);
        session_close(self, CLOSE_TRY_AGAIN);
    } else if (self->player) {
        session_greet(self);
    } else {
        session_hello(self);
    }
}

void session_fini(session_t *self)
{
    if (!self->edge)
        return;
    fanout_remove(self->edge->fanout, self);
    outbox_clear(&self->outbox);
    free(self->partial);
    self->partial = NULL;
    if (self->path)
        self->path->session = NULL;
    return_path_unref(self->path);
    self->path = NULL;
    self->edge = NULL;
}

void session_writable(session_t *self)
{
    s_say_close(self);
    session_flush(self);
    if (self->blocked_s) /* it lagged, and reads again */
        fanout_attend(self->edge->fanout);
}

void session_heard(session_t *self)
{
    self->heard_s = s_now_s();
}

void session_pong(session_t *self, const uint8_t *bytes, size_t size)
{
    session_heard(self);
    if (self->closing)
        return;
    if (outbox_add(&self->outbox, FRAME_PONG, bytes, size) < 0)
        session_close(self, CLOSE_POLICY_VIOLATION);
    else
        fanout_dirty(self->edge->fanout, self);
}

int session_peer_closes(session_t *self)
{
    if (self->closing)
        return -1;
    self->closing = true;
    self->blocked_s = s_now_s();
    return 0;
}
