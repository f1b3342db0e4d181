/* SPDX-License-Identifier: Apache-2.0
 *
 * One pixel: who placed it, and placing it. The checks come in the order that
 * docs/protocol.md gives for verdicts; the broker repeats them and goes on.
 */
#include "edge/http/api.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "edge/bucket.h"
#include "edge/http/input.h"
#include "edge/http/lookup_json.h"
#include "edge/uplink.h"

#include <stdio.h>

int api_pixel(exchange_t *exchange, uint16_t *x, uint16_t *y)
{
    const route_arguments_t *arguments = &exchange->arguments;
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    int64_t column, row;
    if (input_integer(arguments->text[0], arguments->length[0], &column) < 0 ||
        input_integer(arguments->text[1], arguments->length[1], &row) < 0) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "x and y are whole numbers");
        return -1;
    }
    if (!canvas) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "No board has come from the broker yet");
        return -1;
    }
    if (column < 0 || column >= canvas->width || row < 0 ||
        row >= canvas->height) {
        exchange_problem(exchange, PROBLEM_OUT_OF_BOUNDS, NULL);
        return -1;
    }
    *x = (uint16_t)column;
    *y = (uint16_t)row;
    return 0;
}

bool api_look_up_refused(exchange_t *exchange)
{
    address_t client = exchange_client(exchange);
    uint32_t wait_ms = address_limits_lookup(exchange->edge->limits, &client);
    if (wait_ms)
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, wait_ms);
    return wait_ms;
}

/* --- GET -------------------------------------------------------------------
 */

static void s_reply_pixel(exchange_t *exchange, const bus_answer_t *answer)
{
    char body[LOOKUP_JSON_MAX];
    if (answer->status == BUS_STORE_FAILED) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "The history cannot be read now");
        return;
    }
    bool found = answer->status == BUS_FOUND;
    int64_t x = 0, y = 0;
    input_integer(exchange->arguments.text[0], exchange->arguments.length[0],
                  &x);
    input_integer(exchange->arguments.text[1], exchange->arguments.length[1],
                  &y);
    size_t size = found ? lookup_json_pixel(body, &answer->record)
                        : lookup_json_blank(body, (uint16_t)x, (uint16_t)y);
    exchange_reply(exchange, &(reply_t){
                                 .status = 200,
                                 .content_type = "application/json",
                                 .cache_control = "no-cache",
                                 .bytes = body,
                                 .size = size,
                             });
}

static void s_drop_pixel(exchange_t *exchange)
{
    pixel_cache_cancel(&exchange->pixel_waiter);
}

static void s_on_pixel(pixel_waiter_t *waiter, const bus_answer_t *answer)
{
    s_reply_pixel(
        (exchange_t *)((char *)waiter - offsetof(exchange_t, pixel_waiter)),
        answer);
}

void api_get_pixel(exchange_t *exchange)
{
    uint16_t x, y;
    if (api_pixel(exchange, &x, &y) < 0)
        return;
    const board_t *board = mirror_board(exchange->edge->mirror);
    uint8_t color = board_get(board, y * board_width(board) + x);
    if (pixel_cache_would_ask(exchange->pixels, x, y, color) &&
        api_look_up_refused(exchange))
        return;
    exchange->pixel_waiter.on_answer = s_on_pixel;
    const bus_answer_t *answer =
        pixel_cache_get(exchange->pixels, x, y, color, &exchange->pixel_waiter);
    if (answer)
        s_reply_pixel(exchange, answer);
    else
        exchange->drop = s_drop_pixel;
}

/* --- PUT -------------------------------------------------------------------
 */

static void s_drop_place(exchange_t *exchange)
{
    uplink_cancel(exchange->edge->uplink, exchange->ticket);
}

static void s_on_verdict(void *context, const bus_place_t *place,
                         const bus_verdict_t *verdict)
{
    exchange_t *exchange = context;
    verdict_status_t status = verdict->status;
    char body[96];
    (void)place;
    if (status != VERDICT_OK && status != VERDICT_DUPLICATE) {
        uint32_t retry_ms = status == VERDICT_UNAVAILABLE
                                ? PROBLEM_RETRY_MS
                                : verdict->remaining_ms;
        exchange_retry(exchange, problem_of_verdict(status), retry_ms);
        return;
    }
    int length =
        snprintf(body, sizeof body, "{\"seq\":%llu,\"cooldown_ms\":%u}",
                 (unsigned long long)verdict->seq, verdict->remaining_ms);
    exchange_reply(exchange, &(reply_t){
                                 .status = 200,
                                 .content_type = "application/json",
                                 .bytes = body,
                                 .size = (size_t)length,
                             });
}

/* The wait by place_rate, which is a connection's; 0 for none. */
static uint32_t s_wait_ms(exchange_t *exchange)
{
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    connection_t *connection = exchange->connection;
    unsigned rate = edge_config_place_rate(exchange->edge->config,
                                           canvas ? canvas->cooldown_ms : 1);
    if (!rate || !connection)
        return 0;
    return bucket_take(&connection->place_at_us, clock_mono_ms(), rate, rate);
}

/* 0, place's request and flags set; -1 where the exchange is answered. */
static int s_request(exchange_t *exchange, bus_place_t *place)
{
    const char *key = exchange->fields[FIELD_IDEMPOTENCY_KEY];
    if (!key) {
        place->request = (uint32_t)random_u64();
        place->flags = BUS_PLACE_KEYLESS;
        return 0;
    }
    if (input_u32(key, &place->request) == 0)
        return 0;
    exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                     "Idempotency-Key is an unsigned 32-bit number");
    return -1;
}

/* 0, place's pixel and colour set; -1 where the exchange is answered. */
static int s_target(exchange_t *exchange, bus_place_t *place)
{
    int64_t color;
    if (!exchange->body || input_member(exchange->body, exchange->body_size,
                                        "color", &color) < 0) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "The body is {'color': a whole number}");
        return -1;
    }
    if (api_pixel(exchange, &place->x, &place->y) < 0)
        return -1;
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    if (color < 0 || color >= canvas->palette_size) {
        exchange_problem(exchange, PROBLEM_BAD_COLOR, NULL);
        return -1;
    }
    place->color = (uint8_t)color;
    return 0;
}

/* Identity, rate and request, as both writers have them: 0; -1 where the
 * exchange is answered. */
static int s_admit(exchange_t *exchange, bus_place_t *place)
{
    if (exchange_identify(exchange) != AUTH_GOOD) {
        exchange_problem(exchange, PROBLEM_UNAUTHORIZED, NULL);
        return -1;
    }
    if (!rank_reaches(exchange->identity.rank, RANK_PLAYER)) {
        exchange_problem(exchange, PROBLEM_ROLE_TOO_LOW,
                         "A viewer may not place");
        return -1;
    }
    place->user = exchange->identity.user;
    uint32_t wait_ms = s_wait_ms(exchange);
    if (wait_ms) {
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, wait_ms);
        return -1;
    }
    return s_request(exchange, place);
}

static void s_place(exchange_t *exchange, const bus_place_t *place)
{
    exchange->drop = s_drop_place;
    exchange->ticket =
        uplink_place(exchange->edge->uplink, place, s_on_verdict, exchange);
}

void api_put_pixel(exchange_t *exchange)
{
    bus_place_t place = {0};
    if (s_admit(exchange, &place) == 0 && s_target(exchange, &place) == 0)
        s_place(exchange, &place);
}

void api_post_undo(exchange_t *exchange)
{
    bus_place_t place = {0};
    int64_t seq;
    if (s_admit(exchange, &place) < 0)
        return;
    if (!exchange->body ||
        input_member(exchange->body, exchange->body_size, "seq", &seq) < 0) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "The body is {'seq': a whole number}");
        return;
    }
    if (seq < 1 || (uint64_t)seq > BUS_UNDO_MASK) {
        exchange_problem(exchange, PROBLEM_TOO_LATE, NULL);
        return;
    }
    bus_undo_put(&place, (uint64_t)seq);
    s_place(exchange, &place);
}
