/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h. The state of a session, and what it is sent when; what it asks
 * for is in session_messages.c.
 */
#include "edge/ws/session.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/wire_json.h"
#include "edge/bucket.h"
#include "edge/mirror.h"
#include "edge/ws/frames.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD_WAIT_MS 2000
/* Paced sessions: until a visit that they want, between looks whether the peer
 * is there, and what their times are rounded up to, so that many share. */
#define ATTEND_MS 20
#define LOOK_MS 5000
#define GRID_MS 50

static uint32_t s_now_s(void)
{
    return (uint32_t)(clock_mono_ms() / 1000);
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
    if (self->member.json) {
        size_t length;
        char *text = wire_json_resync(reason, &length);
        session_reply(self, text, length);
        free(text);
    } else {
        uint8_t bytes[WIRE_SMALL_MAX];
        session_reply(self, bytes, wire_put_resync(bytes, reason));
    }
}

void session_attend(session_t *self)
{
    sessions_t *sessions = self->edge->sessions;
    if (self->member.paced)
        sessions_pace(sessions, &self->member, clock_mono_ms() + ATTEND_MS);
    else
        sessions_attend(sessions);
}

/* Takes a diff's bytes from what this connection and its address may have of
 * those in a minute. */
static bool s_may_catch_up(session_t *self, size_t bytes)
{
    const edge_config_t *config = self->edge->config;
    uint64_t limit = (uint64_t)config->catch_up_per_connection;
    if ((!limit ||
         !bucket_spend(&self->catch_up_at_us, clock_mono_ms(), limit, bytes)) &&
        address_limits_catch_up(self->edge->limits, &self->address, bytes) == 0)
        return true;
    edge_count(self->edge, EDGE_DIFFS_REFUSED);
    return false;
}

/* LIVE, not blocked, behind the mirror: one diff of its own, which others
 * share. True if it may be sent more. */
static bool s_catch_up(session_t *self)
{
    uint64_t to;
    frame_t *frame = NULL;
    if (mirror_since(self->edge->mirror, self->seq) == SINCE_DIFF)
        frame = frames_catch_up(self->edge->frames, self->member.json,
                                self->seq, self->member.paced, &to);
    if (!frame || !s_may_catch_up(self, frame->size)) {
        session_resync(self, RESYNC_TOO_OLD);
        return true;
    }
    if (self->outbox.size && !outbox_append(&self->outbox, frame)) {
        session_count_unread(self);
        self->seq = to; /* HELLO and the diffs behind it are one write */
        return true;
    }
    session_flush(self);
    if (!session_may_write(self))
        return false;
    self->seq = to;
    return session_write_frame(self, frame, EDGE_FRAMES_LAGGARD);
}

/* The same until it is at the mirror's seq: a diff that others share may end a
 * little before. */
static bool s_catch_up_all(session_t *self)
{
    bool more = true;
    while (more && self->state == SESSION_LIVE &&
           self->seq != mirror_seq(self->edge->mirror))
        more = s_catch_up(self);
    session_flush(self);
    return more && session_may_write(self);
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
        if (session_may_write(self))
            s_catch_up_all(self);
        else
            session_attend(self);
        break;
    case SINCE_TOO_OLD:
        session_resync(self, RESYNC_TOO_OLD);
        break;
    case SINCE_NEWER:
        self->state = SESSION_AHEAD;
        self->wait_until_ms = clock_mono_ms() + AHEAD_WAIT_MS;
        session_attend(self);
        break;
    }
}

static void s_put_hello(session_t *self, const wire_hello_t *hello)
{
    int added;
    if (self->member.json) {
        size_t length;
        char *text = wire_json_hello(hello, &length);
        added = outbox_add_first(&self->outbox, FRAME_TEXT, text, length);
        free(text);
    } else {
        uint8_t bytes[WIRE_SMALL_MAX];
        size_t size = wire_put_hello(bytes, hello);
        added = outbox_add_first(&self->outbox, FRAME_BINARY, bytes, size);
    }
    session_count_unread(self);
    if (added < 0)
        session_close(self, CLOSE_POLICY_VIOLATION);
    else
        sessions_dirty(self->edge->sessions, &self->member);
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
    if (first) /* what was said before is not for newcomers */
        self->message_version = frames_message_version(self->edge->frames);
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
    edge_count(self->edge, EDGE_SKIPPED);
    if (liveness_is_blocked(&self->liveness) && !round->beat_frame[0])
        return; /* a look a second is enough */
    if (liveness_look_blocked(&self->liveness, (uint32_t)(round->now_ms / 1000),
                              socket_acknowledged(self->socket)) ==
        LIVENESS_SLOW)
        session_kill(self, EDGE_CLOSED_SLOW);
}

/* True if it may be sent more. */
static bool s_serve_ping(session_t *self, uint32_t now_s)
{
    /* One byte of payload, which the pong brings back. */
    static const uint8_t ping[] = {0x80 | FRAME_PING, 1, '.'};
    liveness_result_t due = liveness_look(&self->liveness, now_s);
    if (due == LIVENESS_SILENT)
        session_kill(self, EDGE_CLOSED_SILENT);
    if (due == LIVENESS_PING)
        return session_write(self, ping, sizeof ping);
    return due == LIVENESS_FINE;
}

static bool s_serve_notice(session_t *self)
{
    frame_t *notice = frames_notice(self->edge->frames, self->member.json);
    self->canvas_version = mirror_canvas_version(self->edge->mirror);
    return session_write_frame(self, notice, EDGE_FRAMES_REPLY);
}

static bool s_serve_message(session_t *self)
{
    frames_t *frames = self->edge->frames;
    self->message_version = frames_message_version(frames);
    return session_write_frame(self, frames_message(frames, self->member.json),
                               EDGE_FRAMES_REPLY);
}

static void s_serve_ahead(session_t *self, const round_t *round)
{
    if (mirror_since(self->edge->mirror, self->seq) != SINCE_NEWER)
        self->state = SESSION_LIVE;
    else if (round->now_ms < self->wait_until_ms)
        session_attend(self);
    else {
        edge_count(self->edge, EDGE_SINCE_AHEAD);
        session_resync(self, RESYNC_UNKNOWN_SEQ);
    }
}

/* What is rare: true where diff and beat may follow. */
static bool s_serve_rest(session_t *self, const round_t *round)
{
    if (self->hello_owed) {
        if (round->now_ms >= self->wait_until_ms)
            session_hello(self);
        else
            session_attend(self);
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
    if (!session_may_write(self))
        return false;
    if (self->message_version != frames_message_version(self->edge->frames) &&
        !s_serve_message(self))
        return false;
    return self->canvas_version == mirror_canvas_version(self->edge->mirror) ||
           s_serve_notice(self);
}

static bool s_serve_diff(session_t *self, const round_t *round)
{
    frame_t *diff = round->diff[self->member.json];
    if (self->state != SESSION_LIVE)
        return true;
    if (diff && self->seq >= round->from && self->seq < round->to) {
        self->seq = round->to;
        return session_write_frame(self, diff, EDGE_FRAMES_HEAD);
    }
    if (self->seq == mirror_seq(self->edge->mirror) || self->seq == round->to)
        return true;
    return s_catch_up_all(self);
}

static void s_serve_beat(session_t *self, const round_t *round)
{
    frame_t *beat = round->beat_frame[self->member.json];
    if (!beat || self->beat == round->beat)
        return;
    self->beat = round->beat;
    session_write_frame(self, beat, EDGE_FRAMES_HEAD);
}

/* Nothing but the round's own frames is due: one write. */
static bool s_is_plain(const session_t *self, const round_t *round)
{
    const edge_t *edge = self->edge;
    return self->state == SESSION_LIVE && !self->outbox.size &&
           !self->hello_owed && self->seq >= round->from &&
           self->seq < round->to && round->diff[self->member.json] &&
           self->history == mirror_history(edge->mirror) &&
           self->message_version == frames_message_version(edge->frames) &&
           self->canvas_version == mirror_canvas_version(edge->mirror);
}

/* --- Pace ----------------------------------------------------------------- */

void session_set_pace(session_t *self, uint16_t ms)
{
    uint64_t now_ms = clock_mono_ms();
    self->pace_ms = ms;
    if (!ms) {
        sessions_unpace(self->edge->sessions, &self->member);
        session_attend(self);
        return;
    }
    if (!self->member.paced || now_ms + ms < self->diff_at_ms)
        self->diff_at_ms = now_ms + ms;
    sessions_pace(self->edge->sessions, &self->member, now_ms + ATTEND_MS);
}

/* Says when its next visit is. True if diff and beat may be sent in this one.
 */
static bool s_is_on_time(session_t *self, const round_t *round)
{
    if (!self->member.paced)
        return true;
    uint64_t now_ms = round->now_ms, look_ms = now_ms + LOOK_MS;
    bool due = now_ms >= self->diff_at_ms && !socket_blocked(self->socket);
    if (due) {
        uint32_t pace_ms =
            self->pace_ms > round->tick_ms ? self->pace_ms : round->tick_ms;
        self->diff_at_ms = (now_ms + pace_ms + GRID_MS - 1) / GRID_MS * GRID_MS;
    }
    bool soon = self->diff_at_ms > now_ms && self->diff_at_ms < look_ms;
    sessions_pace(self->edge->sessions, &self->member,
                  soon ? self->diff_at_ms : look_ms);
    return due;
}

void session_serve(session_t *self, const round_t *round)
{
    uint32_t now_s = (uint32_t)(round->now_ms / 1000);
    bool on_time = s_is_on_time(self, round);
    if (self->closing) {
        if (liveness_is_over(&self->liveness, now_s))
            socket_kill(self->socket);
        return;
    }
    if (socket_blocked(self->socket)) {
        s_check_progress(self, round);
        return;
    }
    if (!s_serve_ping(self, now_s))
        return;
    if (s_is_plain(self, round)) {
        bool beat = self->beat != round->beat && round->both[self->member.json];
        frame_t *frame = beat ? round->both[self->member.json]
                              : round->diff[self->member.json];
        if (beat)
            self->beat = round->beat;
        self->seq = round->to;
        session_post_frame(self, frame);
        return;
    }
    if (s_serve_rest(self, round) && on_time && s_serve_diff(self, round))
        s_serve_beat(self, round);
}

/* --- Life ----------------------------------------------------------------- */

void session_open(session_t *self, edge_t *edge, socket_t *socket,
                  const upgrade_t *upgrade)
{
    self->edge = edge;
    self->socket = socket;
    self->member.json = upgrade->json;
    self->player = upgrade->player;
    self->seq = upgrade->since;
    self->address = upgrade->address;
    self->user = upgrade->identity.user;
    self->expires_at_ms = upgrade->identity.expires_at_ms;
    self->liveness = liveness_of(s_now_s(), (uint32_t)((uintptr_t)self >> 6) %
                                                LIVENESS_PING_S);
    self->history = mirror_history(edge->mirror);
    sessions_add(edge->sessions, &self->member);
    edge->metrics[EDGE_SESSIONS]++;
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
    sessions_remove(self->edge->sessions, &self->member);
    self->edge->metrics[EDGE_SESSIONS]--;
    outbox_clear(&self->outbox);
    session_count_unread(self);
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
    session_say_close(self);
    session_flush(self);
    if (liveness_is_blocked(&self->liveness)) /* it lagged, and reads again */
        session_attend(self);
}

void session_heard(session_t *self)
{
    liveness_heard(&self->liveness, s_now_s());
}

void session_pong(session_t *self, const uint8_t *bytes, size_t size)
{
    session_heard(self);
    session_put(self, FRAME_PONG, bytes, size);
}

int session_peer_closes(session_t *self)
{
    if (self->closing)
        return -1;
    self->closing = true;
    liveness_end(&self->liveness, s_now_s());
    return 0;
}
