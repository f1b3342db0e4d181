/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients ask for over WebSocket: whole messages out of pieces, their
 * checks, and the way of a placement to the brokers and of its verdict back.
 */
#include "common/clock.h"
#include "common/mem.h"
#include "common/wire_json.h"
#include "edge/auth.h"
#include "edge/bucket.h"
#include "edge/mirror.h"
#include "edge/uplink.h"
#include "edge/ws/session.h"

#include <stdlib.h>
#include <string.h>

/* Placements without a verdict, by flavour: their verdicts, at the longest, fit
 * the outbox beside other replies, even if all come in one turn. */
#define IN_FLIGHT_BINARY 8192
#define IN_FLIGHT_JSON 1024
#define VERDICT_BINARY_MAX 20
#define VERDICT_JSON_MAX 136
#define REPLIES_MAX 65536 /* of other kinds */
_Static_assert(IN_FLIGHT_BINARY *VERDICT_BINARY_MAX + REPLIES_MAX <= OUTBOX_MAX,
               "binary verdicts do not fit");
_Static_assert(IN_FLIGHT_JSON *VERDICT_JSON_MAX + REPLIES_MAX <= OUTBOX_MAX,
               "JSON verdicts do not fit");
#define HELLO_WAIT_MS 500
#define BUSY_WAIT_MS 100
/* Messages a second, where there is a placing rate: this many times it. */
#define MESSAGE_FACTOR 4
#define MESSAGE_RATE_MIN 20
#define MESSAGE_BURST_S 5

static void s_bad_message(session_t *self, close_code_t code)
{
    edge_count(self->edge, EDGE_MESSAGES_BAD);
    session_close(self, code);
}

/* --- Pieces to messages --------------------------------------------------- */

/* How long this message may become, by its first byte. A JSON one is looked at
 * again when it is whole. */
static size_t s_limit(const session_t *self, uint8_t first)
{
    return self->member.json || first == WIRE_AUTH ? WIRE_AUTH_MAX
                                                   : WIRE_CLIENT_MAX;
}

static void s_collect(session_t *self, const uint8_t *bytes, size_t size)
{
    if (!size)
        return;
    uint8_t first = self->partial_size ? self->partial[0] : bytes[0];
    if (self->partial_size + size > s_limit(self, first)) {
        s_bad_message(self, CLOSE_TOO_LARGE);
        return;
    }
    self->partial = mem_realloc(self->partial, self->partial_size + size, 1);
    memcpy(self->partial + self->partial_size, bytes, size);
    self->partial_size += (uint32_t)size;
}

void session_receive(session_t *self, const uint8_t *bytes, size_t size,
                     bool first, bool last, bool binary)
{
    session_heard(self);
    if (self->closing)
        return;
    if (binary == self->member.json) {
        s_bad_message(self, CLOSE_UNACCEPTABLE);
        return;
    }
    if (first && last) {
        session_request(self, bytes, size);
        return;
    }
    s_collect(self, bytes, size);
    if (!last || self->closing)
        return;
    uint8_t *whole = self->partial;
    size = self->partial_size;
    self->partial = NULL;
    self->partial_size = 0;
    session_request(self, whole, size);
    free(whole);
}

/* --- Greeting a player ---------------------------------------------------- */

return_path_t *session_path(session_t *self)
{
    if (!self->path) {
        self->path = mem_alloc(sizeof *self->path);
        *self->path = (return_path_t){.session = self, .refs = 1};
    }
    return self->path;
}

void return_path_unref(return_path_t *path)
{
    if (path && !--path->refs)
        free(path);
}

static void s_on_cooldown(void *context, const bus_place_t *place,
                          const bus_verdict_t *verdict)
{
    return_path_t *path = context;
    session_t *self = path->session;
    if (self && self->hello_owed && self->user == place->user) {
        self->cooldown_until_ms = clock_mono_ms() + verdict->remaining_ms;
        session_hello(self);
    }
    return_path_unref(path);
}

void session_greet(session_t *self)
{
    return_path_t *path = session_path(self);
    self->hello_owed = true;
    self->cooldown_until_ms = 0;
    self->wait_until_ms = clock_mono_ms() + HELLO_WAIT_MS;
    if (uplink_cooldown(self->edge->uplink, self->user, s_on_cooldown, path))
        path->refs++;
    session_attend(self);
}

/* --- Verdicts ------------------------------------------------------------- */

static void s_verdict(session_t *self, const wire_verdict_t *verdict)
{
    if (self->member.json) {
        size_t length;
        char *text = wire_json_verdict(verdict, &length);
        session_reply(self, text, length);
        free(text);
    } else {
        uint8_t bytes[WIRE_SMALL_MAX];
        session_reply(self, bytes, wire_put_verdict(bytes, verdict));
    }
}

static uint32_t s_remaining_ms(const session_t *self, uint64_t now_ms)
{
    return self->cooldown_until_ms > now_ms
               ? (uint32_t)(self->cooldown_until_ms - now_ms)
               : 0;
}

static void s_on_verdict(void *context, const bus_place_t *place,
                         const bus_verdict_t *verdict)
{
    return_path_t *path = context;
    session_t *self = path->session;
    if (self) {
        uint64_t now_ms = clock_mono_ms();
        self->in_flight--;
        wire_verdict_t reply = {.request = place->request,
                                .status = verdict->status,
                                .seq = verdict->seq,
                                .cooldown_remaining_ms = verdict->remaining_ms};
        if (place->user != self->user)
            ; /* AUTH came in between: it is another's cooldown */
        else if (verdict->status == VERDICT_UNAVAILABLE)
            reply.cooldown_remaining_ms = s_remaining_ms(self, now_ms);
        else
            self->cooldown_until_ms = now_ms + verdict->remaining_ms;
        s_verdict(self, &reply);
    }
    return_path_unref(path);
}

/* --- PLACE and UNDO
 * ---------------------------------------------------------------- */

static unsigned s_in_flight_max(const session_t *self)
{
    return self->member.json ? IN_FLIGHT_JSON : IN_FLIGHT_BINARY;
}

/* Who may say PLACE and UNDO now. */
static verdict_status_t s_admit(session_t *self, uint64_t now_ms,
                                uint32_t *wait_ms)
{
    const canvas_t *canvas = mirror_canvas(self->edge->mirror);
    uint32_t rate =
        edge_config_place_rate(self->edge->config, canvas->cooldown_ms);
    if (!self->player ||
        clock_wall_ms() >= self->expires_at_ms + TOKEN_LEEWAY_MS)
        return VERDICT_UNAUTHORIZED;
    if (rate)
        *wait_ms = bucket_take(&self->place_at_us, now_ms, rate, 2 * rate);
    if (self->in_flight >= s_in_flight_max(self))
        *wait_ms = BUSY_WAIT_MS;
    return *wait_ms ? VERDICT_RATE_LIMITED : VERDICT_OK;
}

/* What the edge itself decides, in the protocol's order; VERDICT_OK where the
 * broker is to be asked. */
static verdict_status_t s_judge(session_t *self, const wire_place_t *place,
                                uint64_t now_ms, uint32_t *wait_ms)
{
    const canvas_t *canvas = mirror_canvas(self->edge->mirror);
    verdict_status_t status = s_admit(self, now_ms, wait_ms);
    if (status != VERDICT_OK)
        return status;
    if (place->x < 0 || place->y < 0 || (uint32_t)place->x >= canvas->width ||
        (uint32_t)place->y >= canvas->height)
        return VERDICT_OUT_OF_BOUNDS;
    if (place->color < 0 || (uint32_t)place->color >= canvas->palette_size)
        return VERDICT_BAD_COLOR;
    return VERDICT_OK;
}

/* Asks the broker, or says why not: `status` is what the edge decided. */
static void s_send(session_t *self, bus_place_t *place, verdict_status_t status,
                   uint32_t wait_ms)
{
    wire_verdict_t verdict = {.request = place->request, .status = status};
    place->user = self->user;
    if (status == VERDICT_OK) {
        return_path_t *path = session_path(self);
        if (uplink_place(self->edge->uplink, place, s_on_verdict, path)) {
            path->refs++;
            self->in_flight++;
            return;
        }
        verdict.status = VERDICT_UNAVAILABLE;
    }
    verdict.cooldown_remaining_ms =
        wait_ms ? wait_ms : s_remaining_ms(self, clock_mono_ms());
    s_verdict(self, &verdict);
}

static void s_on_place(session_t *self, const wire_request_t *request)
{
    const wire_place_t *place = &request->place;
    uint32_t wait_ms = 0;
    edge_count(self->edge, EDGE_PLACES);
    verdict_status_t status = s_judge(self, place, clock_mono_ms(), &wait_ms);
    bus_place_t mine = {.request = place->request,
                        .x = (uint16_t)place->x,
                        .y = (uint16_t)place->y,
                        .color = (uint8_t)place->color};
    s_send(self, &mine, status, wait_ms);
}

static void s_on_undo(session_t *self, const wire_request_t *request)
{
    uint32_t wait_ms = 0;
    edge_count(self->edge, EDGE_PLACES);
    verdict_status_t status = s_admit(self, clock_mono_ms(), &wait_ms);
    bus_place_t mine = {.request = request->undo.request};
    bus_undo_put(&mine, request->undo.seq);
    s_send(self, &mine, status, wait_ms);
}

/* --- SINCE, AUTH and PACE
 * ------------------------------------------------------- */

static void s_on_since(session_t *self, const wire_request_t *request)
{
    if (self->state == SESSION_HELLO)
        self->seq = request->since; /* HELLO comes first, then from there */
    else
        session_since(self, request->since);
}

static void s_on_auth(session_t *self, const wire_request_t *request)
{
    identity_t identity;
    if (auth_verify(self->edge->auth, request->token.text,
                    request->token.length, &identity) < 0) {
        session_close(self, CLOSE_UNAUTHORIZED);
        return;
    }
    self->player = rank_reaches(identity.rank, RANK_PLAYER);
    self->user = identity.user;
    self->expires_at_ms = identity.expires_at_ms;
    session_greet(self);
}

static void s_on_pace(session_t *self, const wire_request_t *request)
{
    session_set_pace(self, request->pace_ms);
}

static const struct {
    void (*handle)(session_t *self, const wire_request_t *request);
} s_requests[] = {
    [WIRE_PLACE & 0x7f] = {s_on_place}, [WIRE_SINCE & 0x7f] = {s_on_since},
    [WIRE_AUTH & 0x7f] = {s_on_auth},   [WIRE_PACE & 0x7f] = {s_on_pace},
    [WIRE_UNDO & 0x7f] = {s_on_undo},
};

/* --- Messages ------------------------------------------------------------- */

/* Whether this is one message too many. */
static bool s_floods(session_t *self)
{
    const canvas_t *canvas = mirror_canvas(self->edge->mirror);
    uint32_t rate =
        edge_config_place_rate(self->edge->config, canvas->cooldown_ms);
    if (!rate)
        return false;
    rate *= MESSAGE_FACTOR;
    rate = rate > MESSAGE_RATE_MIN ? rate : MESSAGE_RATE_MIN;
    return bucket_take(&self->message_at_us, clock_mono_ms(), rate,
                       rate * MESSAGE_BURST_S);
}

static int s_decode(session_t *self, const uint8_t *bytes, size_t size,
                    wire_request_t *request, char **token)
{
    if (!self->member.json)
        return wire_decode_request(request, bytes, size);
    return wire_json_decode_request(request, (const char *)bytes, size, token);
}

void session_request(session_t *self, const uint8_t *bytes, size_t size)
{
    wire_request_t request;
    char *token = NULL;
    edge_count(self->edge, EDGE_MESSAGES);
    if (s_floods(self)) {
        s_bad_message(self, CLOSE_POLICY_VIOLATION);
        return;
    }
    if (size && size > s_limit(self, bytes[0])) {
        s_bad_message(self, CLOSE_TOO_LARGE);
        return;
    }
    int result = s_decode(self, bytes, size, &request, &token);
    if (size > WIRE_CLIENT_MAX && (result < 0 || request.type != WIRE_AUTH))
        s_bad_message(self, CLOSE_TOO_LARGE);
    else if (result < 0)
        s_bad_message(self, CLOSE_POLICY_VIOLATION);
    else
        s_requests[request.type & 0x7f].handle(self, &request);
    free(token);
}
