/* SPDX-License-Identifier: Apache-2.0
 *
 * See placer.h.
 */
#include "load/placer.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_BYTES 10
#define FRAME_BYTES (6 + PLACE_BYTES)
#define FRAMES_A_SEND 1024
#define RETRY_SPREAD_MS 200
#define TOKEN_EXTRA_MS 3600000
#define PIXEL_TRIES 64

typedef enum {
    SLOT_DONE,
    SLOT_SENT,
    SLOT_DUE, /* to be sent (again) at due_ms */
} slot_phase_t;

typedef struct {
    uint64_t sent_us; /* when it was first due */
    uint64_t due_ms;
    uint32_t pixel;
    uint8_t color;
    uint8_t phase;
} slot_t;

struct placer {
    hub_t *hub;
    client_t *client;
    char *token;
    bool opened;
    uint32_t first, next; /* request ids, modulo 2^32 */
    uint32_t due;         /* slots of phase DUE */
    uint32_t window;
    uint64_t ready_ms;       /* cooldown: not before */
    uint64_t look_ms;        /* no slot is due before */
    const uint32_t *entries; /* of a replay, those left */
    uint32_t left;
    slot_t *slots;
};

placer_t *placer_new(hub_t *hub, client_t *client, uint32_t number,
                     const signer_t *signer)
{
    const config_t *config = hub->config;
    placer_t *self = mem_zalloc(1, sizeof *self);
    char sub[256];
    uint64_t now = clock_wall_ms();
    snprintf(sub, sizeof sub, "%s-%u", config->user_prefix, number);
    self->hub = hub;
    self->client = client;
    self->token =
        signer_token(signer, sub, now,
                     now + (uint64_t)config->duration * 1000 + TOKEN_EXTRA_MS);
    self->first = self->next = (uint32_t)random_u64();
    self->window = (uint32_t)config->window;
    self->slots = mem_zalloc(self->window, sizeof(slot_t));
    if (hub->replay) {
        self->entries = hub->replay->entries + hub->replay->starts[number];
        self->left =
            hub->replay->starts[number + 1] - hub->replay->starts[number];
    }
    return self;
}

void placer_destroy(placer_t **self_p)
{
    placer_t *self = *self_p;
    if (!self)
        return;
    free(self->token);
    free(self->slots);
    free(self);
    *self_p = NULL;
}

static slot_t *s_slot(placer_t *self, uint32_t request)
{
    return &self->slots[request % self->window];
}

static bool s_can_send(const placer_t *self)
{
    return self->opened && client_is_open(self->client) &&
           !self->client->out_size;
}

/* Pixels in flight */

static bool s_busy(hub_t *hub, uint32_t pixel)
{
    return pixel >= hub->busy_size || hub->busy[pixel];
}

/* A random pixel of this worker's share that is not in flight, so that no two
 * workers place on one. */
static bool s_random_pixel(hub_t *hub, uint32_t *pixel)
{
    uint32_t workers = (uint32_t)hub->config->processes;
    uint32_t share = hub->busy_size / workers;
    for (int i = 0; share && i < PIXEL_TRIES; i++) {
        *pixel = random_below(share) * workers + hub->worker;
        if (!s_busy(hub, *pixel))
            return true;
    }
    return false;
}

/* The next placement to send, if there is one now. */
static bool s_next_work(placer_t *self, slot_t *slot)
{
    hub_t *hub = self->hub;
    if (!hub->replay) {
        slot->color = (uint8_t)random_below(hub->colors);
        return s_random_pixel(hub, &slot->pixel);
    }
    if (!self->left)
        return false;
    uint32_t offset = *self->entries % REPLAY_PIXELS;
    uint32_t width = state_width(self->client->state);
    slot->pixel = offset / REPLAY_WIDTH * width + offset % REPLAY_WIDTH;
    slot->color = (uint8_t)(*self->entries >> 20);
    if (s_busy(hub, slot->pixel))
        return false;
    self->entries++;
    self->left--;
    return true;
}

/* Sending */

static size_t s_put(placer_t *self, uint8_t *bytes, uint32_t request)
{
    const slot_t *slot = s_slot(self, request);
    uint32_t width = state_width(self->client->state);
    wire_place_t place = {
        .request = request,
        .x = (int32_t)(slot->pixel % width),
        .y = (int32_t)(slot->pixel / width),
        .color = slot->color,
    };
    size_t head = ws_put_head(bytes, WS_BINARY, PLACE_BYTES);
    return head + wire_put_place(bytes + head, &place);
}

/* Takes a placement into the window. */
static bool s_take(placer_t *self, uint64_t due_us)
{
    hub_t *hub = self->hub;
    if (self->next - self->first >= self->window)
        return false;
    slot_t *slot = s_slot(self, self->next);
    if (!s_next_work(self, slot))
        return false;
    slot->phase = SLOT_SENT;
    slot->sent_us = due_us;
    hub->busy[slot->pixel] = 1;
    hub->unanswered++;
    hub->report->sent++;
    if (!hub->report->first_sent_us)
        hub->report->first_sent_us = due_us;
    self->next++;
    return true;
}

/* Slots whose time has come go out again, in the order of their requests. */
static void s_send_due(placer_t *self, uint64_t now_ms)
{
    uint8_t bytes[FRAMES_A_SEND * FRAME_BYTES];
    size_t size = 0;
    uint64_t look_ms = UINT64_MAX;
    for (uint32_t r = self->first; r != self->next && self->due; r++) {
        slot_t *slot = s_slot(self, r);
        if (slot->phase != SLOT_DUE)
            continue;
        if (slot->due_ms > now_ms || size + FRAME_BYTES > sizeof bytes) {
            look_ms = slot->due_ms < look_ms ? slot->due_ms : look_ms;
            continue;
        }
        slot->phase = SLOT_SENT;
        self->due--;
        size += s_put(self, bytes + size, r);
    }
    self->look_ms = look_ms;
    if (size)
        client_send(self->client, bytes, size);
}

static void s_send_new(placer_t *self, uint64_t now_us)
{
    uint8_t bytes[FRAMES_A_SEND * FRAME_BYTES];
    size_t size = 0;
    while (size + FRAME_BYTES <= sizeof bytes && s_take(self, now_us))
        size += s_put(self, bytes + size, self->next - 1);
    if (size)
        client_send(self->client, bytes, size);
}

void placer_pump(placer_t *self)
{
    uint32_t in_flight = self->next - self->first;
    bool paced = self->hub->config->rate;
    /* Half a window at once: many frames a send. */
    bool room = in_flight <= self->window / 2;
    if (!s_can_send(self) || (!self->due && (paced || !room)))
        return;
    uint64_t now_us = clock_mono_ns() / 1000;
    if (self->due && now_us / 1000 >= self->look_ms)
        s_send_due(self, now_us / 1000);
    if (!paced && room && !self->hub->draining && s_can_send(self) &&
        now_us / 1000 >= self->ready_ms)
        s_send_new(self, now_us);
}

bool placer_place(placer_t *self, uint64_t due_us)
{
    uint8_t bytes[FRAME_BYTES];
    if (!s_can_send(self) || due_us / 1000 < self->ready_ms ||
        !s_take(self, due_us))
        return false;
    size_t size = s_put(self, bytes, self->next - 1);
    client_send(self->client, bytes, size);
    return true;
}

/* Answers */

static void s_finish(placer_t *self, slot_t *slot)
{
    hub_t *hub = self->hub;
    slot->phase = SLOT_DONE;
    hub->busy[slot->pixel] = 0;
    hub->unanswered--;
    while (self->first != self->next &&
           s_slot(self, self->first)->phase == SLOT_DONE)
        self->first++;
}

static void s_acknowledge(placer_t *self, const slot_t *slot,
                          const wire_verdict_t *verdict, uint64_t now_us)
{
    hub_t *hub = self->hub;
    ack_t ack = {verdict->seq, slot->sent_us, slot->pixel, slot->color};
    share_sample_t *sample = &hub->share->samples[ack.seq % SHARE_SAMPLES];
    atomic_store_explicit(&sample->sent_us, ack.sent_us, memory_order_relaxed);
    atomic_store_explicit(&sample->seq, ack.seq, memory_order_release);
    if (ack.seq >
        atomic_load_explicit(&hub->share->last_ack, memory_order_relaxed))
        atomic_store(&hub->share->last_ack, ack.seq);
    if (ack.seq > hub->report->last_ack)
        hub->report->last_ack = ack.seq;
    hub->report->last_verdict_us = now_us;
    histogram_add(&hub->report->verdict_latency,
                  now_us > slot->sent_us ? now_us - slot->sent_us : 0);
    ledger_ack(hub->ledger, &ack, now_us);
}

/* Not now: the same request again after the time that the edge names. */
static void s_again(placer_t *self, slot_t *slot, const wire_verdict_t *verdict,
                    uint64_t now_us)
{
    uint64_t wait =
        verdict->cooldown_remaining_ms + 1 + random_below(RETRY_SPREAD_MS);
    slot->phase = SLOT_DUE;
    slot->due_ms = now_us / 1000 + wait;
    if (!self->due++ || slot->due_ms < self->look_ms)
        self->look_ms = slot->due_ms;
    self->hub->report->retried++;
}

/* What a verdict makes of a placement. */
typedef enum { ACKNOWLEDGED, LATER, REFUSED } fate_t;

static fate_t s_fate(const placer_t *self, verdict_status_t status)
{
    static const fate_t fates[VERDICT_COUNT] = {
        [VERDICT_OK] = ACKNOWLEDGED,       [VERDICT_DUPLICATE] = ACKNOWLEDGED,
        [VERDICT_RATE_LIMITED] = LATER,    [VERDICT_UNAVAILABLE] = LATER,
        [VERDICT_PAUSED] = LATER,          [VERDICT_COOLDOWN] = REFUSED,
        [VERDICT_OUT_OF_BOUNDS] = REFUSED, [VERDICT_BAD_COLOR] = REFUSED,
        [VERDICT_BANNED] = REFUSED,        [VERDICT_UNAUTHORIZED] = REFUSED,
        [VERDICT_PROTECTED] = REFUSED,     [VERDICT_TOO_LATE] = REFUSED,
    };
    /* A replay leaves nothing out; a player waits and thinks of another. */
    if (status == VERDICT_COOLDOWN && self->hub->replay)
        return LATER;
    return fates[status];
}

void placer_verdict(placer_t *self, const wire_verdict_t *verdict,
                    uint64_t now_us)
{
    report_t *report = self->hub->report;
    slot_t *slot = s_slot(self, verdict->request);
    uint32_t place = verdict->request - self->first;
    if (place >= self->next - self->first || slot->phase != SLOT_SENT) {
        report->unasked++;
        return;
    }
    report->verdicts[verdict->status]++;
    /* Left alone where it is short: a cooldown of 0 needs no clock. */
    if (verdict->cooldown_remaining_ms)
        self->ready_ms = now_us / 1000 + verdict->cooldown_remaining_ms;
    fate_t fate = s_fate(self, verdict->status);
    if (fate == LATER) {
        s_again(self, slot, verdict, now_us);
        return;
    }
    if (fate == ACKNOWLEDGED)
        s_acknowledge(self, slot, verdict, now_us);
    else
        report->failed += verdict->status != VERDICT_COOLDOWN;
    s_finish(self, slot);
}

void placer_opened(placer_t *self, const wire_hello_t *hello, uint64_t now_us)
{
    self->opened = true;
    if (hello->cooldown_remaining_ms)
        self->ready_ms = now_us / 1000 + hello->cooldown_remaining_ms;
    placer_pump(self);
}

void placer_lost(placer_t *self)
{
    self->opened = false;
    self->look_ms = 0;
    for (uint32_t r = self->first; r != self->next; r++) {
        slot_t *slot = s_slot(self, r);
        if (slot->phase != SLOT_SENT)
            continue;
        slot->phase = SLOT_DUE;
        slot->due_ms = 0;
        self->due++;
        self->hub->report->resent++;
    }
}

bool placer_done(const placer_t *self)
{
    return self->first == self->next && !self->left;
}

/* For its client */

static const char *s_token(void *player)
{
    const placer_t *self = player;
    return self->token;
}

static void s_opened(void *player, const wire_hello_t *hello, uint64_t now_us)
{
    placer_opened(player, hello, now_us);
}

static void s_verdict(void *player, const wire_verdict_t *verdict,
                      uint64_t now_us)
{
    placer_verdict(player, verdict, now_us);
}

static void s_lost(void *player)
{
    placer_lost(player);
}

static void s_pump(void *player)
{
    placer_pump(player);
}

const client_ops_t placer_ops = {.token = s_token,
                                 .opened = s_opened,
                                 .verdict = s_verdict,
                                 .lost = s_lost,
                                 .pump = s_pump};
