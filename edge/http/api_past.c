/* SPDX-License-Identifier: Apache-2.0
 *
 * The past: a pixel's history, the snapshots there are, the net diff from one
 * seq to another. All of it is the store's, by way of the cache.
 */
#include "edge/http/api.h"

#include "edge/http/input.h"

#include <string.h>

#define HISTORY_STANDARD 20

static void s_drop(exchange_t *exchange)
{
    past_cache_cancel(&exchange->past_waiter);
}

static void s_reply(exchange_t *exchange, const past_body_t *body)
{
    bool diff = exchange->past == BUS_PAST_DIFF;
    if (body->status == BUS_TOO_MUCH)
        exchange_problem(exchange, PROBLEM_TOO_LARGE,
                         "Too many placements lie between them and the nearest "
                         "snapshots");
    else if (!body->body)
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "The history cannot be read now");
    else
        exchange_reply(
            exchange,
            &(reply_t){
                .status = 200,
                .content_type =
                    diff ? "application/vnd.stipple.diff" : "application/json",
                .cache_control = diff ? "public, max-age=31536000, immutable"
                                      : "public, max-age=1",
                .blob = body->body,
            });
}

static void s_on_body(past_waiter_t *waiter, const past_body_t *body)
{
    s_reply((exchange_t *)((char *)waiter - offsetof(exchange_t, past_waiter)),
            body);
}

static void s_ask(exchange_t *exchange, bus_type_t type,
                  const bus_query_t *query)
{
    if (past_cache_would_ask(exchange->past_answers, type, query) &&
        api_look_up_refused(exchange))
        return;
    exchange->past = type;
    exchange->past_waiter.on_body = s_on_body;
    const past_body_t *body = past_cache_get(exchange->past_answers, type,
                                             query, &exchange->past_waiter);
    if (body)
        s_reply(exchange, body);
    else
        exchange->drop = s_drop;
}

/* A whole number of the query, `standard` where it is absent: 0; -1 where the
 * exchange is answered. */
static int s_number(exchange_t *exchange, const char *name, int64_t standard,
                    int64_t *number)
{
    const char *text = exchange_query(exchange, name);
    *number = standard;
    if (!text || input_integer(text, strlen(text), number) == 0)
        return 0;
    exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                     "Seqs and limits are whole numbers");
    return -1;
}

void api_get_history(exchange_t *exchange)
{
    bus_query_t query = {0};
    int64_t limit, before;
    if (s_number(exchange, "limit", HISTORY_STANDARD, &limit) < 0 ||
        s_number(exchange, "before", INT64_MAX, &before) < 0)
        return;
    if (limit < 1 || limit > BUS_HISTORY_MAX) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                         "limit is a whole number from 1 to 100");
        return;
    }
    if (api_pixel(exchange, &query.x, &query.y) < 0)
        return;
    if (before < 1) {
        exchange_problem(exchange, PROBLEM_OUT_OF_BOUNDS, "No seq is below 1");
        return;
    }
    /* All that are yet to come are alike. */
    bool newest = (uint64_t)before > mirror_seq(exchange->edge->mirror);
    query.from = newest ? INT64_MAX : (uint64_t)before;
    query.max = (uint16_t)limit;
    s_ask(exchange, BUS_HISTORY, &query);
}

void api_get_snapshots(exchange_t *exchange)
{
    s_ask(exchange, BUS_SNAPSHOTS, &(bus_query_t){0});
}

void api_get_diffs(exchange_t *exchange)
{
    const board_t *board = mirror_board(exchange->edge->mirror);
    int64_t from, to;
    if (!exchange_query(exchange, "from") || !exchange_query(exchange, "to")) {
        exchange_problem(exchange, PROBLEM_BAD_REQUEST, "from and to are seqs");
        return;
    }
    if (s_number(exchange, "from", 0, &from) < 0 ||
        s_number(exchange, "to", 0, &to) < 0)
        return;
    if (!board) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "No board has come from the broker yet");
        return;
    }
    if (from < 0 || from > to ||
        (uint64_t)to > mirror_seq(exchange->edge->mirror)) {
        exchange_problem(exchange, PROBLEM_OUT_OF_BOUNDS,
                         "0, from, to and the newest seq are not in order");
        return;
    }
    s_ask(exchange, BUS_PAST_DIFF,
          &(bus_query_t){.from = (uint64_t)from,
                         .to = (uint64_t)to,
                         .width = (uint16_t)board_width(board),
                         .height = (uint16_t)board_height(board),
                         .bits = (uint8_t)board_bits(board)});
}
