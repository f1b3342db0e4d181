/* SPDX-License-Identifier: Apache-2.0
 *
 * See client_message.h.
 */
#include "load/client_message.h"

#include "common/clock.h"
#include "common/wire.h"

#include <string.h>

#define SINCE_EVERY_MS 1000
#define BEHIND_MAX 2 /* beats, then it asks: the last diff was lost */
#define SAMPLES_A_DIFF 4
#define CODE_NONE 1006
#define CONTROL_MAX 125

static void s_send_frame(client_t *self, ws_opcode_t opcode,
                         const uint8_t *payload, size_t size)
{
    uint8_t frame[WS_HEAD_MAX + CONTROL_MAX];
    size_t head = ws_put_head(frame, opcode, (uint32_t)size);
    memcpy(frame + head, payload, size);
    client_send(self, frame, head + size);
}

static void s_send_since(client_t *self, uint64_t now_us)
{
    uint8_t message[WIRE_SMALL_MAX];
    size_t size = wire_put_since(message, state_seq(self->state));
    s_send_frame(self, WS_BINARY, message, size);
    self->since_ms = now_us / 1000;
}

static void s_want_board(client_t *self)
{
    if (!self->wants_board)
        self->hub->waiting_board++;
    self->wants_board = true;
}

void client_board(client_t *self, state_t *board)
{
    hub_t *hub = self->hub;
    state_t *before = self->state;
    if (!self->wants_board)
        return;
    self->wants_board = false;
    hub->waiting_board--;
    self->state = state_ref(board);
    if (hub->witness == self) {
        bool onward = state_seq(before) <= state_seq(board);
        ledger_shown(hub->ledger, onward ? before : NULL, board, NULL, 0,
                     clock_mono_ns() / 1000);
    }
    state_unref(&before);
    if (self->phase >= CLIENT_OPEN)
        s_send_since(self, clock_mono_ns() / 1000);
}

/* How long some of the placements in (from, to] took to be shown here. */
static void s_sample(hub_t *hub, uint64_t from, uint64_t to, uint64_t now_us)
{
    uint64_t range = to - from;
    unsigned samples =
        range < SAMPLES_A_DIFF ? (unsigned)range : SAMPLES_A_DIFF;
    for (unsigned i = 0; i < samples; i++) {
        uint64_t seq = to - range * i / samples;
        share_sample_t *sample = &hub->share->samples[seq % SHARE_SAMPLES];
        if (atomic_load_explicit(&sample->seq, memory_order_acquire) != seq)
            continue;
        uint64_t sent =
            atomic_load_explicit(&sample->sent_us, memory_order_relaxed);
        histogram_add(&hub->report->everyone_latency,
                      now_us > sent ? now_us - sent : 0);
    }
}

static void s_on_moved(client_t *self, const state_t *before,
                       const wire_event_t *event, uint64_t now_us)
{
    hub_t *hub = self->hub;
    uint64_t to = state_seq(self->state);
    hub->report->diffs++;
    if (hub->witness == self)
        ledger_shown(hub->ledger, before, self->state, event->diff.body,
                     event->diff.size, now_us);
    if (!self->narrow) /* who stalls on purpose says nothing of the edge */
        s_sample(hub, state_seq(before), to, now_us);
    if (self->resumed_us && to >= self->recover_seq) {
        uint64_t took = (now_us - self->resumed_us) / 1000;
        self->resumed_us = 0;
        hub->report->recovered++;
        if (took > hub->report->recovery_ms_max)
            hub->report->recovery_ms_max = took;
    }
}

static void s_malformed(client_t *self)
{
    self->hub->report->malformed++;
    client_lose(self, CODE_NONE);
}

static void s_on_diff(client_t *self, const wire_event_t *event,
                      uint64_t now_us)
{
    hub_t *hub = self->hub;
    if (self->wants_board)
        return;
    state_t *before = state_ref(self->state);
    switch (history_apply(hub->history, &self->state, event->diff.body,
                          event->diff.size)) {
    case STATE_MOVED:
        s_on_moved(self, before, event, now_us);
        break;
    case STATE_KNOWN:
        hub->report->diffs_known++;
        break;
    case STATE_GAP:
        hub->report->gaps++;
        if (now_us / 1000 >= self->since_ms + SINCE_EVERY_MS)
            s_send_since(self, now_us);
        break;
    case STATE_BAD_DIFF:
        s_malformed(self);
        break;
    }
    state_unref(&before);
}

static void s_on_hello(client_t *self, const wire_event_t *event,
                       uint64_t now_us)
{
    const wire_hello_t *hello = &event->hello;
    const state_t *state = self->state;
    backoff_reset(&self->backoff);
    if (hello->width != state_width(state) ||
        hello->height != state_height(state) ||
        hello->bits != state_bits(state))
        s_want_board(self);
    if (self->ops)
        self->ops->opened(self->player, hello, now_us);
}

static void s_on_verdict(client_t *self, const wire_event_t *event,
                         uint64_t now_us)
{
    if (self->ops)
        self->ops->verdict(self->player, &event->verdict, now_us);
    else
        self->hub->report->unasked++;
}

static void s_on_beat(client_t *self, const wire_event_t *event,
                      uint64_t now_us)
{
    const wire_beat_t *beat = &event->beat;
    report_t *report = self->hub->report;
    uint64_t seq = state_seq(self->state);
    report->beats++;
    if (self->wants_board)
        return;
    self->behind = seq < beat->seq ? self->behind + 1 : 0;
    report->beats_behind += seq < beat->seq;
    report->beats_ahead += seq > beat->seq;
    if (self->behind >= BEHIND_MAX) {
        self->behind = 0;
        s_send_since(self, now_us);
    }
    if (seq != beat->seq)
        return;
    report->beats_checked++;
    if (state_digest(self->state) == beat->digest) {
        self->verified = true;
        self->verified_seq = seq;
        return;
    }
    report->digest_mismatches++;
    s_want_board(self);
}

static void s_on_resync(client_t *self, const wire_event_t *event,
                        uint64_t now_us)
{
    (void)now_us;
    self->hub->report->resyncs++;
    if (event->resync == RESYNC_BOARD_CHANGED)
        history_forget(self->hub->history, self->state);
    s_want_board(self);
}

static void s_on_notice(client_t *self, const wire_event_t *event,
                        uint64_t now_us)
{
    (void)event, (void)now_us;
    self->hub->report->notices++;
}

static void s_on_data(client_t *self, const uint8_t *payload, size_t size,
                      uint64_t now_us)
{
    static void (*const handlers[])(client_t *, const wire_event_t *,
                                    uint64_t) = {
        [WIRE_HELLO] = s_on_hello,     [WIRE_DIFF] = s_on_diff,
        [WIRE_VERDICT] = s_on_verdict, [WIRE_BEAT] = s_on_beat,
        [WIRE_RESYNC] = s_on_resync,   [WIRE_NOTICE] = s_on_notice,
    };
    wire_event_t event;
    self->frames++;
    if (wire_decode_event(&event, payload, size) < 0)
        s_malformed(self);
    else
        handlers[event.type](self, &event, now_us);
}

void client_message(client_t *self, const ws_frame_t *frame,
                    const uint8_t *payload, uint64_t now_us)
{
    unsigned code = CODE_NONE;
    switch (frame->opcode) {
    case WS_BINARY:
        if (frame->fin)
            s_on_data(self, payload, frame->length, now_us);
        else
            s_malformed(self); /* an edge's messages are whole */
        break;
    case WS_PING:
        if (frame->length <= CONTROL_MAX)
            s_send_frame(self, WS_PONG, payload, frame->length);
        break;
    case WS_PONG:
        break;
    case WS_CLOSE:
        if (frame->length >= 2)
            code = (unsigned)payload[0] << 8 | payload[1];
        s_send_frame(self, WS_CLOSE, payload, frame->length < 2 ? 0 : 2);
        client_lose(self, code);
        break;
    default:
        s_malformed(self);
        break;
    }
}
