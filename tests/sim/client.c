/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h.
 */
#include "tests/sim/client.h"

#include "common/diff.h"
#include "common/wire.h"
#include "tests/sim/check.h"
#include "tests/sim/scenario.h"
#include "tests/sim/web.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLIENTS_MAX 64
#define PONG 0xff
#define COLORS 16

typedef struct {
    unsigned number;
    char name[16];
    bool player;
    unsigned web;    /* 0: not connected */
    uint64_t visits; /* counts connections */
    bool open, greeted, wants_board, stalled;
    uint8_t board[BOARD_PIXELS];
    uint64_t seq, hash;
    uint64_t doubt; /* wrong since then, after a loss; 0: right */
    uint32_t epoch;
    bool waiting, resent; /* for a verdict */
    uint32_t request;
    uint8_t x, y, color;
    uint64_t place_at;
} client_t;

static clients_options_t s_options;
static client_t s_clients[CLIENTS_MAX];
static bool s_placing;
static uint64_t s_last_ok;

static void s_on_place_due(void *object, uint64_t at, uint64_t unused);
static void s_on_connect_due(void *object, uint64_t visits, uint64_t unused);

/* ---- placing ---------------------------------------------------------- */

static void s_place_later(client_t *self, uint64_t wait)
{
    self->place_at = world_now() + wait + rng_below(s_options.pace);
    world_at(self->place_at, s_on_place_due, self, self->place_at, 0);
}

static void s_say_place(client_t *self)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    wire_place_t place = {.request = self->request,
                          .x = self->x,
                          .y = self->y,
                          .color = self->color};
    trace("%s places request=%" PRIu32 "%s", self->name, self->request,
          self->resent ? " again" : "");
    web_send(self->web, bytes, wire_put_place(bytes, &place));
}

static void s_on_place_due(void *object, uint64_t at, uint64_t unused)
{
    client_t *self = object;
    (void)unused;
    if (self->place_at != at || !self->open || !self->greeted)
        return;
    if (self->waiting)
        return;
    if (!s_placing) {
        s_place_later(self, SECOND);
        return;
    }
    self->waiting = true;
    self->resent = false;
    self->request++;
    self->x = (uint8_t)rng_below(BOARD_SIDE);
    self->y = (uint8_t)rng_below(rng_chance(50) ? 4 : BOARD_SIDE);
    self->color = (uint8_t)rng_below(COLORS);
    s_say_place(self);
}

static void s_on_again_due(void *object, uint64_t request, uint64_t visits)
{
    client_t *self = object;
    if (self->request != request || self->visits != visits || self->waiting ||
        !self->open || !self->greeted)
        return;
    self->waiting = self->resent = true;
    s_say_place(self);
}

static void s_unavailable(client_t *self)
{
    if (rng_chance(60))
        world_at(world_now() + rng_range(50 * MS, 800 * MS), s_on_again_due,
                 self, self->request, self->visits);
    s_place_later(self, SECOND);
}

static void s_on_verdict(client_t *self, const wire_verdict_t *verdict)
{
    trace("%s hears request=%" PRIu32 " status=%d seq=%" PRIu64, self->name,
          verdict->request, (int)verdict->status, verdict->seq);
    if (!self->waiting || verdict->request != self->request)
        violation("ack",
                  "%s hears a verdict for request %" PRIu32
                  ", it asked %" PRIu32 "%s",
                  self->name, verdict->request, self->request,
                  self->waiting ? "" : " and had its answer");
    self->waiting = false;
    uint64_t remaining = verdict->cooldown_remaining_ms * MS;
    if (rng_chance(10)) /* some cannot wait */
        remaining -= rng_below(remaining + 1);
    if (verdict->status == VERDICT_UNAVAILABLE) {
        if (scenario_forbids_unavailable() && s_last_ok)
            violation("ack", "%s is told `unavailable`", self->name);
        s_unavailable(self);
        return;
    }
    s_place_later(self, remaining);
    if (verdict->status == VERDICT_OK || verdict->status == VERDICT_DUPLICATE) {
        s_last_ok = world_now();
        uint64_t life;
        const process_t *edge = web_edge(self->web, &life);
        check_ack_by(edge, life);
        check_ack(self->number, self->request, self->x, self->y, self->color,
                  verdict->seq, verdict->status == VERDICT_DUPLICATE);
        return;
    }
    if (verdict->status == VERDICT_BANNED ||
        verdict->status == VERDICT_PROTECTED)
        check_barred(self->number, self->x, self->y,
                     verdict->status == VERDICT_BANNED);
    if (!self->resent)
        check_refused(self->number, self->request,
                      verdict->status == VERDICT_COOLDOWN,
                      verdict->cooldown_remaining_ms);
}

/* ---- watching --------------------------------------------------------- */

static void s_say_since(client_t *self)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    web_send(self->web, bytes, wire_put_since(bytes, self->seq));
}

static void s_blank(client_t *self)
{
    memset(self->board, 0, sizeof self->board);
    self->seq = self->hash = 0;
}

static void s_set(client_t *self, uint32_t index, uint8_t color)
{
    self->hash ^= view_hash_pixel(index, self->board[index]) ^
                  view_hash_pixel(index, color);
    self->board[index] = color;
}

static void s_check_view(client_t *self)
{
    if (check_view(self->name, self->seq, self->hash,
                   self->wants_board ? 0 : self->doubt))
        self->doubt = 0;
    else if (!self->doubt)
        self->doubt = world_now();
}

static void s_on_diff(client_t *self, const wire_event_t *event)
{
    diff_t diff;
    uint32_t index;
    uint8_t color;
    if (diff_open(&diff, event->diff.body, event->diff.size, BOARD_PIXELS, 4) <
        0)
        violation("view", "%s is sent a malformed diff", self->name);
    if (self->wants_board || diff.to <= self->seq)
        return;
    if (diff.from > self->seq) {
        s_say_since(self);
        return;
    }
    int more;
    while ((more = diff_next(&diff, &index, &color)) > 0)
        s_set(self, index, color);
    if (more < 0)
        violation("view", "%s is sent a malformed diff", self->name);
    self->seq = diff.to;
    s_check_view(self);
}

static uint32_t s_digest(const client_t *self)
{
    uint32_t digest = 0;
    for (uint32_t i = 0; i < BOARD_PIXELS; i++)
        if (self->board[i])
            digest ^= fmix32(i * 256 + self->board[i]);
    return digest;
}

/* What the protocol asks of a client whose digest differs. */
static void s_on_beat(client_t *self, const wire_beat_t *beat)
{
    if (beat->seq != self->seq || self->wants_board ||
        beat->digest == s_digest(self))
        return;
    if (self->doubt || check_lost()) {
        self->wants_board = true;
        web_ask_board(self->web);
    } else
        violation("view",
                  "%s at seq %" PRIu64 " is told digest %" PRIu32
                  ", it has %" PRIu32,
                  self->name, self->seq, beat->digest, s_digest(self));
}

static void s_on_resync(client_t *self, resync_reason_t reason)
{
    trace("%s resync reason=%d seq=%" PRIu64, self->name, (int)reason,
          self->seq);
    if (reason == RESYNC_BOARD_CHANGED)
        check_resync_lost();
    self->wants_board = true;
    web_ask_board(self->web);
}

static void s_on_ask_again(void *object, uint64_t visits, uint64_t unused)
{
    client_t *self = object;
    (void)unused;
    if (self->visits == visits && self->open && self->wants_board)
        web_ask_board(self->web);
}

static void s_on_board(void *object, uint32_t epoch, uint64_t seq,
                       const uint8_t *bytes, size_t size)
{
    client_t *self = object;
    (void)epoch;
    if (!self->wants_board)
        return;
    if (size != BOARD_PIXELS / 2) {
        world_at(world_now() + 300 * MS, s_on_ask_again, self, self->visits, 0);
        return;
    }
    s_blank(self);
    for (uint32_t i = 0; i < BOARD_PIXELS; i++)
        s_set(self, i, i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4);
    self->seq = seq;
    self->wants_board = false;
    s_check_view(self);
    s_say_since(self);
}

static void s_on_hello(client_t *self, const wire_hello_t *hello)
{
    self->epoch = hello->epoch;
    self->greeted = true;
    if (!self->player)
        return;
    if (self->waiting) {
        self->resent = true;
        s_say_place(self); /* its answer may be lost with the connection */
    } else {
        s_place_later(self, hello->cooldown_remaining_ms * MS);
    }
}

static void s_on_message(client_t *self, const uint8_t *bytes, size_t size)
{
    wire_event_t event;
    if (wire_decode_event(&event, bytes, size) < 0)
        violation("view", "%s is sent a malformed message", self->name);
    switch (event.type) {
    case WIRE_HELLO:
        s_on_hello(self, &event.hello);
        return;
    case WIRE_DIFF:
        s_on_diff(self, &event);
        return;
    case WIRE_VERDICT:
        s_on_verdict(self, &event.verdict);
        return;
    case WIRE_BEAT:
        s_on_beat(self, &event.beat);
        return;
    case WIRE_RESYNC:
        s_on_resync(self, event.resync);
        return;
    default:
        return;
    }
}

/* ---- connections ------------------------------------------------------ */

static size_t s_payload(const uint8_t *bytes, size_t *size)
{
    size_t length = bytes[1] & 127, head = 2;
    if (length == 126) {
        length = (size_t)bytes[2] << 8 | bytes[3];
        head = 4;
    } else if (length == 127) {
        length = 0;
        for (int i = 0; i < 8; i++)
            length = length << 8 | bytes[2 + i];
        head = 10;
    }
    *size = length;
    return head;
}

static void s_reconnect_later(client_t *self)
{
    self->web = 0;
    self->open = self->greeted = self->wants_board = false;
    self->visits++;
    world_at(world_now() + rng_range(20 * MS, 1500 * MS), s_on_connect_due,
             self, self->visits, 0);
}

static void s_on_bytes(void *object, const uint8_t *bytes, size_t size)
{
    client_t *self = object;
    uint64_t visits = self->visits;
    while (size && self->visits == visits) {
        size_t length, head = s_payload(bytes, &length);
        unsigned opcode = bytes[0] & 15u;
        if (opcode == 2)
            s_on_message(self, bytes + head, length);
        else if (opcode == 9)
            web_send(self->web, &(uint8_t){PONG}, 1);
        else if (opcode == 8) {
            web_leave(self->web);
            s_reconnect_later(self);
        }
        bytes += head + length;
        size -= head + length;
    }
}

static void s_on_open(void *object)
{
    client_t *self = object;
    self->open = true;
}

static void s_on_closed(void *object)
{
    s_reconnect_later(object);
}

static const web_events_t s_events = {
    .on_open = s_on_open,
    .on_closed = s_on_closed,
    .on_bytes = s_on_bytes,
    .on_board = s_on_board,
};

static const process_t *s_some_edge(void)
{
    const process_t *chosen = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < process_count; i++)
        if (processes[i].kind == KIND_EDGE && !rng_below(++count))
            chosen = &processes[i];
    return chosen;
}

static void s_on_connect_due(void *object, uint64_t visits, uint64_t unused)
{
    client_t *self = object;
    (void)unused;
    if (self->visits != visits || self->web)
        return;
    web_hello_t hello = {.since = self->seq,
                         .user = user_identity(self->number),
                         .player = self->player};
    self->web = web_connect(self, s_some_edge(), &hello);
}

/* Some leave of their own will, to come back elsewhere. */
static void s_on_leave_due(void *object, uint64_t a, uint64_t b)
{
    client_t *self = object;
    (void)a, (void)b;
    world_at(world_now() + rng_range(SECOND, 60 * SECOND), s_on_leave_due, self,
             0, 0);
    if (!self->open || self->stalled || !s_placing)
        return;
    web_leave(self->web);
    s_reconnect_later(self);
}

static void s_on_read_again(void *object, uint64_t visits, uint64_t unused)
{
    client_t *self = object;
    (void)unused;
    self->stalled = false;
    if (self->visits == visits && self->web)
        web_read_on(self->web, true);
}

void clients_stall_one(uint64_t time)
{
    client_t *self = &s_clients[rng_below(s_options.count)];
    if (!self->open || self->stalled)
        return;
    self->stalled = true;
    web_read_on(self->web, false);
    world_at(world_now() + time, s_on_read_again, self, self->visits, 0);
}

/* ---- all -------------------------------------------------------------- */

void clients_reset(const clients_options_t *options)
{
    s_options = *options;
    s_placing = true;
    s_last_ok = 0;
    web_reset(&s_events);
    for (unsigned i = 0; i < options->count; i++) {
        client_t *self = &s_clients[i];
        *self = (client_t){.number = i, .player = i % 4 != 3};
        snprintf(self->name, sizeof self->name, "client%u", i);
    }
}

void clients_start(void)
{
    for (unsigned i = 0; i < s_options.count; i++) {
        s_reconnect_later(&s_clients[i]);
        s_on_leave_due(&s_clients[i], 0, 0);
    }
}

void clients_place(bool on)
{
    s_placing = on;
}

uint64_t clients_last_ok(void)
{
    return s_last_ok;
}

void clients_check_level(void)
{
    for (unsigned i = 0; i < s_options.count; i++) {
        const client_t *self = &s_clients[i];
        if (!self->open || !self->greeted)
            violation("liveness", "%s found no edge", self->name);
        if (self->waiting)
            violation("liveness",
                      "%s waits for the verdict of request %" PRIu32,
                      self->name, self->request);
        if (self->seq != check_seq())
            violation("liveness", "%s is at seq %" PRIu64 " of %" PRIu64,
                      self->name, self->seq, check_seq());
        check_view(self->name, self->seq, self->hash, 1);
    }
}
