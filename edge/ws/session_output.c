/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session writes: frames that others share, its own replies by way of the
 * outbox, its CLOSE. Nothing is written while the socket is blocked.
 */
#include "common/clock.h"
#include "edge/ws/session.h"

#include "common/wire_json.h"

#define UNREAD_FREE 4096

static uint32_t s_now_s(void)
{
    return (uint32_t)(clock_mono_ms() / 1000);
}

void session_kill(session_t *self, edge_metric_t why)
{
    if (!self->closing)
        edge_count(self->edge, why);
    self->closing = true;
    liveness_end(&self->liveness, s_now_s());
    socket_kill(self->socket);
}

/* True if the session is not blocked after it. */
static bool s_wrote(session_t *self, socket_result_t result)
{
    if (result == SOCKET_PARTIAL)
        edge_count(self->edge, EDGE_PARTIALS);
    if (result == SOCKET_FAILED)
        session_kill(self, EDGE_CLOSED_ERROR);
    return result == SOCKET_SENT;
}

static void s_count(session_t *self, size_t size, edge_metric_t kind)
{
    edge_count(self->edge, kind);
    self->edge->metrics[EDGE_FRAME_BYTES] += (int64_t)size;
}

/* Bytes of its own. */
bool session_write(session_t *self, const uint8_t *bytes, size_t size)
{
    s_count(self, size, EDGE_FRAMES_REPLY);
    return s_wrote(self, socket_write(self->socket, bytes, size, NULL));
}

/* A frame that others share. */
bool session_write_frame(session_t *self, frame_t *frame, edge_metric_t kind)
{
    s_count(self, frame->size, kind);
    return s_wrote(
        self, socket_write(self->socket, frame->bytes, frame->size, frame));
}

void session_post_frame(session_t *self, frame_t *frame)
{
    s_count(self, frame->size, EDGE_FRAMES_HEAD);
    s_wrote(self, socket_post(self->socket, frame));
}

void session_posted(session_t *self, socket_result_t result)
{
    s_wrote(self, result);
}

bool session_may_write(const session_t *self)
{
    return !self->closing && !socket_blocked(self->socket);
}

static frame_opcode_t s_opcode(const session_t *self)
{
    return self->member.json ? FRAME_TEXT : FRAME_BINARY;
}

/* Keeps the sum of what all clients have not taken yet. */
void session_count_unread(session_t *self)
{
    self->edge->metrics[EDGE_UNREAD] +=
        (int64_t)self->outbox.capacity - (int64_t)self->unread;
    self->unread = self->outbox.capacity;
}

void session_flush(session_t *self)
{
    if (!self->outbox.size || self->state == SESSION_HELLO ||
        !session_may_write(self))
        return;
    session_write(self, self->outbox.bytes, self->outbox.size);
    outbox_clear(&self->outbox);
    session_count_unread(self);
}

/* One client's share of unread_bytes that nobody grudges it. */
static bool s_is_unread_too_long(const session_t *self)
{
    return self->outbox.size > UNREAD_FREE && socket_blocked(self->socket) &&
           self->edge->metrics[EDGE_UNREAD] > self->edge->config->unread_bytes;
}

/* Puts a message into the outbox; if that is full, what is there goes first. */
void session_put(session_t *self, frame_opcode_t opcode, const void *payload,
                 size_t size)
{
    if (self->closing)
        return;
    int added = outbox_add(&self->outbox, opcode, payload, size);
    if (added < 0) {
        session_flush(self);
        added = outbox_add(&self->outbox, opcode, payload, size);
    }
    session_count_unread(self);
    if (added < 0 || s_is_unread_too_long(self))
        session_close(self, CLOSE_POLICY_VIOLATION);
    else
        sessions_dirty(self->edge->sessions, &self->member);
}

void session_reply(session_t *self, const void *payload, size_t size)
{
    session_put(self, s_opcode(self), payload, size);
}

void session_notice(session_t *self, uint8_t kind, const char *members)
{
    size_t size = strlen(members), length;
    if (self->member.json) {
        char *text = wire_json_notice(kind, members, size, &length);
        session_reply(self, text, length);
        free(text);
        return;
    }
    uint8_t bytes[WIRE_NOTICE_MAX];
    length = wire_put_notice(bytes, sizeof bytes, kind, members, size);
    assert(length);
    session_reply(self, bytes, length);
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
 * the connection. */
void session_say_close(session_t *self)
{
    if (!self->close_code || socket_blocked(self->socket))
        return;
    const uint8_t frame[] = {0x80 | FRAME_CLOSE, 2,
                             (uint8_t)(self->close_code >> 8),
                             (uint8_t)self->close_code};
    self->close_code = 0;
    session_write(self, frame, sizeof frame);
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
    liveness_end(&self->liveness, s_now_s());
    session_say_close(self);
}
