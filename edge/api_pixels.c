/* SPDX-License-Identifier: Apache-2.0
 *
 * One pixel: who placed it, and placing it. The checks come in the order that
 * docs/protocol.md gives for verdicts; the broker repeats them and goes on.
 */
#include "edge/api.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "edge/bucket.h"
#include "edge/input.h"
#include "edge/lookup_json.h"
#include "edge/uplink.h"

#include <stdio.h>

/* 0 and the pixel; -1 where the exchange is answered. */
static int s_pixel(exchange_t *exchange, uint16_t *x, uint16_t *y)
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

/* --- GET -------------------------------------------------------------------
 */

static void s_drop_query(exchange_t *exchange)
{
    uplink_query_cancel(exchange->edge->uplink, exchange->query_ticket);
}

static void s_on_answer(void *context, const bus_answer_t *answer)
{
    exchange_t *exchange = context;
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

void api_get_pixel(exchange_t *exchange)
{
    uint16_t x, y;
    if (s_pixel(exchange, &x, &y) < 0)
        return;
    exchange->drop = s_drop_query;
    exchange->query_ticket =
        uplink_query_pixel(exchange->edge->uplink, x, y, s_on_answer, exchange);
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
    const char *key = exchange->headers[HEADER_IDEMPOTENCY_KEY];
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
    if (!exchange->body ||
        input_color(exchange->body, exchange->body_size, &color) < 0) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "The body is {'color': a whole number}");
        return -1;
    }
    if (s_pixel(exchange, &place->x, &place->y) < 0)
        return -1;
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    if (color < 0 || color >= canvas->palette_size) {
        exchange_problem(exchange, PROBLEM_BAD_COLOR, NULL);
        return -1;
    }
    place->color = (uint8_t)color;
    return 0;
}

void api_put_pixel(exchange_t *exchange)
{
    bus_place_t place = {0};
    if (exchange_identify(exchange) != AUTH_GOOD) {
        exchange_problem(exchange, PROBLEM_UNAUTHORIZED, NULL);
        return;
    }
    uint32_t wait_ms = s_wait_ms(exchange);
    if (wait_ms) {
        exchange_retry(exchange, PROBLEM_RATE_LIMITED, wait_ms);
        return;
    }
    if (s_request(exchange, &place) < 0 || s_target(exchange, &place) < 0)
        return;
    place.user = exchange->identity.user;
    exchange->drop = s_drop_place;
    exchange->ticket =
        uplink_place(exchange->edge->uplink, &place, s_on_verdict, exchange);
}
