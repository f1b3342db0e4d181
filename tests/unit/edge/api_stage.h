/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests made by hand through the route table, on a mirror fed by hand.
 */
#ifndef TESTS_EDGE_API_STAGE_H
#define TESTS_EDGE_API_STAGE_H

#include "edge/http/api.h"

#include "common/mem.h"
#include "edge/address_limits.h"
#include "edge/errands.h"
#include "edge/shared_budget.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static edge_config_t config;
static edge_t edge;
static assets_t *assets;
static board_renderings_t *boards;
static past_cache_t *past_answers;
static bus_type_t asked; /* of the past, last */
static bus_query_t asked_for;
static past_page_fn on_page;
static void *page_context;
static exchange_t *exchange;
static work_t *job;
static unsigned replies;

static inline void s_submit(void *context, work_t *work)
{
    (void)context;
    job = work;
}

static inline void s_ask_past(void *context, bus_type_t type,
                              const bus_query_t *query, past_page_fn call,
                              void *call_context)
{
    (void)context;
    asked = type;
    asked_for = *query;
    on_page = call;
    page_context = call_context;
}

/* What went to the leader, and how it ends. */
static uint8_t told[4096];
static size_t told_size;
static int tell_result;

static inline int s_tell(void *context, const void *bytes, size_t size)
{
    (void)context;
    ck_assert_uint_le(size, sizeof told);
    memcpy(told, bytes, size);
    told_size = size;
    return tell_result;
}

static inline void s_on_reply(exchange_t *self)
{
    ck_assert_ptr_eq(self, exchange);
    replies++;
}

static inline void s_feed(void)
{
    static char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    board_t *board = board_new(30, 20, 4);
    canvas_init(&canvas, 30, 20, 4);
    canvas.epoch = 1;
    bus_board_t message = {
        .epoch = 1,
        .seq = 7,
        .json = json,
        .json_size = canvas_to_json(&canvas, json, sizeof json),
        .pixels = board_bytes(board),
        .pixels_size = board_size_bytes(board),
    };
    mirror_on_board(edge.mirror, &message);
    board_destroy(&board);
}

static inline void s_setup(void)
{
    config = (edge_config_t){.png_pixels_max = 100000,
                             .keys.anonymous = {{"secret"}, 1},
                             .anonymous = true,
                             .session_ttl_s = 60,
                             .origins = (char *)"https://good.example",
                             .endpoints = (char *)"wss://a/ws, wss://b/ws",
                             .place_rate = (char *)"0"};
    edge = (edge_t){.config = &config};
    edge.mirror = mirror_new(1000);
    edge.auth = auth_new(&config);
    edge.shared = shared_budget_new(&edge, s_tell, NULL);
    edge.limits = address_limits_new(&edge);
    edge.errands = errands_new(s_tell, NULL);
    told_size = 0;
    tell_result = 0;
    assets = assets_new("");
    boards = board_renderings_new(edge.mirror, 3000, 1 << 20, s_submit, NULL);
    past_answers = past_cache_new(s_ask_past, NULL);
    job = NULL;
    asked = 0;
}

static inline void s_teardown(void)
{
    exchange_destroy(&exchange);
    board_renderings_destroy(&boards);
    past_cache_destroy(&past_answers);
    if (job)
        job->done(job);
    assets_destroy(&assets);
    shared_budget_destroy(&edge.shared);
    address_limits_destroy(&edge.limits);
    errands_destroy(&edge.errands);
    auth_destroy(&edge.auth);
    mirror_destroy(&edge.mirror);
}

static inline void s_new(verb_t verb, const char *path)
{
    exchange_destroy(&exchange);
    exchange = exchange_new(&edge);
    exchange->assets = assets;
    exchange->boards = boards;
    exchange->past_answers = past_answers;
    exchange->on_reply = s_on_reply;
    exchange->verb = verb;
    exchange->path = path;
    replies = 0;
}

static inline void s_header(field_t field, const char *value)
{
    exchange->fields[field] = value;
}

/* "a=1&b" as exchange_take splits it. */
static inline void s_query(const char *query)
{
    static char pieces[1024];
    memset(pieces, 0, sizeof pieces);
    memcpy(pieces, query, strlen(query));
    for (char *at = pieces; (at = strchr(at, '&'));)
        *at++ = '\0';
    exchange->query = pieces;
}

static inline void s_body(const char *body)
{
    exchange->body = body;
    exchange->body_size = strlen(body);
}

/* Handles it; it must be answered at once, with that status. */
static inline void s_expect(unsigned status)
{
    api_handle(exchange);
    ck_assert_uint_eq(replies, 1);
    ck_assert_uint_eq(exchange->status, status);
}

static inline void s_expect_problem(unsigned status, const char *code)
{
    s_expect(status);
    ck_assert_ptr_nonnull(exchange->blob);
    json_t *root = json_loadb((const char *)exchange->blob->bytes,
                              exchange->blob->size, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(root, "code")), code);
    json_decref(root);
}

static inline bool s_head_has(const char *line)
{
    return memmem(exchange->head, exchange->head_size, line, strlen(line));
}

/* Puts a good token into the request. */
static inline void s_sign(void)
{
    static char header[1024];
    char *token = auth_anonymous(edge.auth, &exchange->identity);
    snprintf(header, sizeof header, "Bearer %s", token);
    free(token);
    s_header(FIELD_AUTHORIZATION, header);
}

#endif
