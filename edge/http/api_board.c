/* SPDX-License-Identifier: Apache-2.0
 *
 * The board over HTTP, from the cache: at once, or when its rendering is made.
 */
#include "edge/http/api.h"

#include "common/clock.h"
#include "edge/http/input.h"

#include <stdio.h>
#include <string.h>

/* Only where it is set: caches before the edges (CloudFront) take
 * stale-while-revalidate from nowhere else. */
static void s_cache_control(const edge_config_t *config, char *out, size_t size)
{
    int used = snprintf(out, size, "public, max-age=%lld",
                        (long long)config->board_max_age_s);
    if (config->board_stale_s > 0)
        snprintf(out + used, size - (size_t)used,
                 ", stale-while-revalidate=%lld",
                 (long long)config->board_stale_s);
}

static void s_reply(exchange_t *exchange, const rendering_t *made)
{
    char cache[64], age[32];
    encoding_t encoding =
        encoding_choose(exchange->fields[FIELD_ACCEPT_ENCODING]);
    if (!made->body[encoding])
        encoding = ENCODING_IDENTITY;
    bool held = etag_matches(exchange->fields[FIELD_IF_NONE_MATCH], made->etag);
    s_cache_control(exchange->edge->config, cache, sizeof cache);
    snprintf(
        age, sizeof age, "Age: %llu\r\n",
        (unsigned long long)board_renderings_age_s(exchange->boards, made));
    exchange_reply(exchange,
                   &(reply_t){
                       .status = held ? 304 : 200,
                       .content_type = exchange->kind
                                           ? "image/png"
                                           : "application/vnd.stipple.board",
                       .cache_control = cache,
                       .etag = made->etag,
                       .encoding = encoding_name(encoding),
                       .negotiated = true,
                       .fields = age,
                       .blob = made->body[encoding],
                   });
}

static void s_on_rendering(board_waiter_t *waiter, const rendering_t *made)
{
    exchange_t *exchange =
        (exchange_t *)((char *)waiter - offsetof(exchange_t, waiter));
    s_reply(exchange, made);
}

static void s_drop(exchange_t *exchange)
{
    board_renderings_cancel(&exchange->waiter);
}

static void s_get(exchange_t *exchange, rendering_kind_t kind)
{
    if (!mirror_board(exchange->edge->mirror)) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "No board has come from the broker yet");
        return;
    }
    exchange->kind = kind;
    exchange->waiter.on_rendering = s_on_rendering;
    const rendering_t *made =
        board_renderings_get(exchange->boards, kind, &exchange->waiter);
    if (made)
        s_reply(exchange, made);
    else
        exchange->drop = s_drop;
}

void api_get_board(exchange_t *exchange)
{
    s_get(exchange, 0);
}

/* 0 before the first board. */
static int64_t s_picture_pixels(const exchange_t *exchange, int64_t scale)
{
    const board_t *board = mirror_board(exchange->edge->mirror);
    return board ? (int64_t)board_pixels(board) * scale * scale : 0;
}

void api_get_board_png(exchange_t *exchange)
{
    const char *text = exchange_query(exchange, "scale");
    int64_t scale = 1;
    if (text && (input_integer(text, strlen(text), &scale) < 0 || scale < 1 ||
                 scale > PNG_SCALE_MAX)) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "scale is a whole number from 1 to 8");
        return;
    }
    if (s_picture_pixels(exchange, scale) >
        exchange->edge->config->png_pixels_max)
        exchange_problem(exchange, PROBLEM_TOO_LARGE,
                         "Such a picture of this board is too large");
    else
        s_get(exchange, (rendering_kind_t)scale);
}
