/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests made by hand through the route table, on a mirror fed by hand: what
 * the handlers answer without a broker, a store or a socket.
 */
#include "edge/api.h"

#include "common/mem.h"
#include "edge/address.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_api(void);

static edge_config_t config;
static edge_t edge;
static assets_t *assets;
static board_cache_t *boards;
static exchange_t *exchange;
static work_t *job;
static unsigned replies;

static void s_submit(void *context, work_t *work)
{
    (void)context;
    job = work;
}

static void s_on_reply(exchange_t *self)
{
    ck_assert_ptr_eq(self, exchange);
    replies++;
}

static void s_feed(void)
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

static void s_setup(void)
{
    config = (edge_config_t){.secret = (char *)"secret",
                             .secret_size = 6,
                             .anonymous = true,
                             .session_ttl_s = 60,
                             .origins = (char *)"https://good.example",
                             .endpoints = (char *)"wss://a/ws, wss://b/ws",
                             .place_rate = (char *)"0"};
    edge = (edge_t){.config = &config};
    edge.mirror = mirror_new(1000);
    edge.auth = auth_new(&config);
    edge.limits = address_limits_new(&edge);
    assets = assets_new("");
    boards = board_cache_new(edge.mirror, 3000, s_submit, NULL);
    job = NULL;
}

static void s_teardown(void)
{
    exchange_destroy(&exchange);
    board_cache_destroy(&boards);
    if (job)
        job->done(job);
    assets_destroy(&assets);
    address_limits_destroy(&edge.limits);
    auth_destroy(&edge.auth);
    mirror_destroy(&edge.mirror);
}

static void s_new(verb_t verb, const char *path)
{
    exchange_destroy(&exchange);
    exchange = exchange_new(&edge);
    exchange->assets = assets;
    exchange->boards = boards;
    exchange->on_reply = s_on_reply;
    exchange->verb = verb;
    exchange->path = mem_strdup(path);
    replies = 0;
}

static void s_header(header_t header, const char *value)
{
    exchange->headers[header] = mem_strdup(value);
}

/* "a=1&b" as http_request.c splits it. */
static void s_query(const char *query)
{
    size_t length = strlen(query);
    exchange->query = mem_zalloc(1, length + 2);
    memcpy(exchange->query, query, length);
    for (char *at = exchange->query; (at = strchr(at, '&'));)
        *at = '\0';
}

static void s_body(const char *body)
{
    exchange->body = mem_strdup(body);
    exchange->body_size = strlen(body);
}

/* Handles it; it must be answered at once, with that status. */
static void s_expect(unsigned status)
{
    api_handle(exchange);
    ck_assert_uint_eq(replies, 1);
    ck_assert_uint_eq(exchange->status, status);
}

static void s_expect_problem(unsigned status, const char *code)
{
    s_expect(status);
    ck_assert_ptr_nonnull(exchange->blob);
    json_t *root = json_loadb((const char *)exchange->blob->bytes,
                              exchange->blob->size, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(root, "code")), code);
    json_decref(root);
}

static bool s_head_has(const char *line)
{
    return memmem(exchange->head, exchange->head_size, line, strlen(line));
}

/* Puts a good token into the request. */
static void s_sign(void)
{
    char header[1024];
    char *token = auth_anonymous(edge.auth, &exchange->identity);
    snprintf(header, sizeof header, "Bearer %s", token);
    free(token);
    s_header(HEADER_AUTHORIZATION, header);
}

START_TEST(unknown_paths_are_not_found)
{
    static const char *const paths[] = {
        "/", "", "/api/v1/board/", "/api", "/api/v1/pixels/1", "/metrics"};
    s_new(VERB_GET, paths[_i]);
    s_expect_problem(404, "not_found");
    s_new(VERB_OPTIONS, paths[_i]);
    s_expect_problem(404, "not_found");
}
END_TEST

START_TEST(other_methods_are_told_what_is_allowed)
{
    s_new(VERB_PUT, "/api/v1/board");
    s_expect_problem(405, "method_not_allowed");
    ck_assert(s_head_has("\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    s_new(VERB_OTHER, "/api/v1/session");
    s_expect_problem(405, "method_not_allowed");
    ck_assert(s_head_has("\r\nAllow: POST, OPTIONS\r\n"));
}
END_TEST

START_TEST(nothing_is_known_before_the_first_board)
{
    static const char *const paths[] = {"/api/v1/config", "/api/v1/board",
                                        "/api/v1/board.png",
                                        "/api/v1/pixels/1/1", "/readyz"};
    s_new(VERB_GET, paths[_i]);
    s_expect_problem(503, "unavailable");
    ck_assert(s_head_has("\r\nRetry-After: 1\r\n"));
    s_new(VERB_GET, "/healthz");
    s_expect(200);
}
END_TEST

START_TEST(config_has_every_member)
{
    s_feed();
    s_new(VERB_GET, "/api/v1/config");
    s_expect(200);
    json_t *root = json_loadb((const char *)exchange->blob->bytes,
                              exchange->blob->size, 0, NULL);
    const json_t *endpoints = json_object_get(root, "endpoints");
    ck_assert_str_eq(json_string_value(json_object_get(root, "protocol")),
                     "stipple.v1");
    ck_assert_uint_eq(json_array_size(endpoints), 2);
    ck_assert_str_eq(json_string_value(json_array_get(endpoints, 1)),
                     "wss://b/ws");
    ck_assert_uint_eq(json_object_size(root), 6);
    json_decref(root);
}
END_TEST

START_TEST(board_comes_when_it_is_rendered)
{
    s_feed();
    s_new(VERB_GET, "/api/v1/board");
    api_handle(exchange);
    ck_assert_uint_eq(replies, 0);
    job->run(job);
    work_t *finished = job;
    job = NULL;
    finished->done(finished);
    ck_assert_uint_eq(replies, 1);
    ck_assert_uint_eq(exchange->blob->size, 340);
    ck_assert(s_head_has("\r\nETag: \"1-7\"\r\n"));
    ck_assert(s_head_has("\r\nVary: Accept-Encoding\r\n"));
    s_new(VERB_HEAD, "/api/v1/board");
    s_header(HEADER_ACCEPT_ENCODING, "gzip");
    s_expect(200);
    ck_assert_ptr_null(exchange->blob);
    ck_assert(s_head_has("\r\nContent-Encoding: gzip\r\n"));
    s_new(VERB_GET, "/api/v1/board");
    s_header(HEADER_IF_NONE_MATCH, "W/\"1-7\"");
    s_expect(304);
    ck_assert_ptr_null(exchange->blob);
    ck_assert(!s_head_has("Content-Length"));
}
END_TEST

START_TEST(who_leaves_is_not_answered)
{
    s_feed();
    s_new(VERB_GET, "/api/v1/board.png");
    api_handle(exchange);
    exchange_destroy(&exchange);
    job->run(job);
    work_t *finished = job;
    job = NULL;
    finished->done(finished);
    ck_assert_uint_eq(replies, 0);
}
END_TEST

START_TEST(scales_off_the_range_are_bad)
{
    static const char *const queries[] = {
        "scale=0", "scale=9", "scale=", "scale", "a=1&scale=x", "scale=1.0"};
    s_feed();
    s_new(VERB_GET, "/api/v1/board.png");
    s_query(queries[_i]);
    s_expect_problem(400, "bad_request");
}
END_TEST

START_TEST(put_is_checked_in_its_order)
{
    s_feed();
    s_new(VERB_PUT, "/api/v1/pixels/x/99");
    s_expect_problem(401, "unauthorized");
    s_new(VERB_PUT, "/api/v1/pixels/1/1");
    s_sign();
    s_query("token=");
    s_expect_problem(401, "unauthorized");
    s_new(VERB_PUT, "/api/v1/pixels/1/1");
    s_sign();
    s_header(HEADER_IDEMPOTENCY_KEY, "4294967296");
    s_body("{\"color\":1}");
    s_expect_problem(400, "bad_request");
    s_new(VERB_PUT, "/api/v1/pixels/1/1");
    s_sign();
    s_expect_problem(400, "bad_request");
    s_new(VERB_PUT, "/api/v1/pixels/30/1");
    s_sign();
    s_body("{\"color\":99}");
    s_expect_problem(422, "out_of_bounds");
    s_new(VERB_PUT, "/api/v1/pixels/29/19");
    s_sign();
    s_body("{\"color\":16}");
    s_expect_problem(422, "bad_color");
}
END_TEST

START_TEST(too_large_a_body_is_refused)
{
    s_new(VERB_PUT, "/api/v1/pixels/1/1");
    exchange->body_too_large = true;
    s_expect_problem(413, "too_large");
}
END_TEST

START_TEST(sessions_are_made_and_can_be_off)
{
    s_new(VERB_POST, "/api/v1/session");
    s_expect(201);
    ck_assert(s_head_has("\r\nCache-Control: no-store\r\n"));
    config.anonymous = false;
    s_new(VERB_POST, "/api/v1/session");
    s_expect_problem(403, "forbidden");
}
END_TEST

START_TEST(pages_of_other_origins_may_read_only)
{
    s_new(VERB_POST, "/api/v1/session");
    s_header(HEADER_ORIGIN, "https://bad.example");
    s_expect_problem(403, "forbidden");
    ck_assert(!s_head_has("Access-Control-Allow-Origin"));
    s_new(VERB_POST, "/api/v1/session");
    s_header(HEADER_ORIGIN, "https://good.example");
    s_expect(201);
    ck_assert(s_head_has("Allow-Origin: https://good.example\r\n"));
    s_new(VERB_GET, "/healthz");
    s_header(HEADER_ORIGIN, "https://bad.example");
    s_expect(200);
    ck_assert(s_head_has("Access-Control-Allow-Origin: *\r\n"));
}
END_TEST

START_TEST(an_origin_cannot_split_the_head)
{
    config.origins = (char *)"*";
    s_new(VERB_POST, "/api/v1/session");
    s_header(HEADER_ORIGIN, "https://a\r\nSet-Cookie: x=1");
    s_expect(201);
    ck_assert(!s_head_has("Set-Cookie"));
}
END_TEST

START_TEST(preflights_are_answered)
{
    s_new(VERB_OPTIONS, "/api/v1/pixels/1/1");
    s_header(HEADER_ORIGIN, "https://good.example");
    s_header(HEADER_PREFLIGHT_METHOD, "PUT");
    s_expect(204);
    ck_assert(s_head_has("Allow-Origin: https://good.example\r\n"));
    ck_assert(s_head_has("Access-Control-Allow-Methods: "));
    ck_assert(!s_head_has("Content-Length"));
    s_new(VERB_OPTIONS, "/api/v1/pixels/1/1");
    s_header(HEADER_ORIGIN, "https://bad.example");
    s_header(HEADER_PREFLIGHT_METHOD, "PUT");
    s_expect(204);
    ck_assert(!s_head_has("Access-Control-Allow-Origin"));
    s_new(VERB_OPTIONS, "/api/v1/me");
    s_header(HEADER_ORIGIN, "https://bad.example");
    s_header(HEADER_PREFLIGHT_METHOD, "GET");
    s_expect(204);
    ck_assert(s_head_has("Access-Control-Allow-Origin: *\r\n"));
}
END_TEST

START_TEST(a_draining_edge_lets_go)
{
    edge.draining = true;
    s_new(VERB_GET, "/healthz");
    s_expect(200);
    ck_assert(s_head_has("\r\nConnection: close\r\n"));
    s_new(VERB_GET, "/readyz");
    s_expect_problem(503, "unavailable");
}
END_TEST

/* --- Handshakes: what is refused before the server is asked ----------------
 */

static void s_new_handshake(void)
{
    s_new(VERB_GET, "/api/v1/ws");
    s_header(HEADER_HOST, "x");
    s_header(HEADER_CONNECTION, "keep-alive, Upgrade");
    s_header(HEADER_WS_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
    s_header(HEADER_WS_VERSION, "13");
}

static void s_expect_refused(unsigned status)
{
    ck_assert_ptr_null(api_upgrade(exchange));
    ck_assert_uint_eq(replies, 1);
    ck_assert_uint_eq(exchange->status, status);
}

START_TEST(handshakes_need_a_known_subprotocol)
{
    static const char *const offers[] = {
        "",          "stipple", "stipple.v2", "stipple.v1x", "http, stipple.v1",
        "STIPPLE.V1"};
    s_new_handshake();
    if (*offers[_i])
        s_header(HEADER_WS_PROTOCOL, offers[_i]);
    s_expect_refused(400);
}
END_TEST

START_TEST(handshakes_need_a_since_that_is_a_number)
{
    static const char *const queries[] = {"since=", "since=x", "since=-1",
                                          "since=1.5", "since"};
    s_new_handshake();
    s_header(HEADER_WS_PROTOCOL, "stipple.v1");
    s_query(queries[_i]);
    s_expect_refused(400);
}
END_TEST

START_TEST(broken_handshakes_are_refused)
{
    for (header_t header = HEADER_HOST; header < HEADER_COUNT; header++) {
        s_new_handshake();
        s_header(HEADER_WS_PROTOCOL, "stipple.v1");
        if (!exchange->headers[header] || header == HEADER_WS_PROTOCOL)
            continue;
        free(exchange->headers[header]);
        exchange->headers[header] = NULL;
        s_expect_refused(400);
    }
    s_new_handshake();
    s_header(HEADER_WS_PROTOCOL, "stipple.v1");
    free(exchange->path);
    exchange->path = mem_strdup("/ws");
    s_expect_refused(404);
    s_new_handshake();
    s_header(HEADER_WS_PROTOCOL, "foo, stipple.v1");
    s_header(HEADER_ORIGIN, "https://bad.example");
    s_expect_refused(403);
}
END_TEST

Suite *suite_edge_api(void)
{
    Suite *suite = suite_create("edge/api");
    TCase *tcase = tcase_create("api");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_loop_test(tcase, unknown_paths_are_not_found, 0, 6);
    tcase_add_test(tcase, other_methods_are_told_what_is_allowed);
    tcase_add_loop_test(tcase, nothing_is_known_before_the_first_board, 0, 5);
    tcase_add_test(tcase, config_has_every_member);
    tcase_add_test(tcase, board_comes_when_it_is_rendered);
    tcase_add_test(tcase, who_leaves_is_not_answered);
    tcase_add_loop_test(tcase, scales_off_the_range_are_bad, 0, 6);
    tcase_add_test(tcase, put_is_checked_in_its_order);
    tcase_add_test(tcase, too_large_a_body_is_refused);
    tcase_add_test(tcase, sessions_are_made_and_can_be_off);
    tcase_add_test(tcase, pages_of_other_origins_may_read_only);
    tcase_add_test(tcase, an_origin_cannot_split_the_head);
    tcase_add_test(tcase, preflights_are_answered);
    tcase_add_test(tcase, a_draining_edge_lets_go);
    tcase_add_loop_test(tcase, handshakes_need_a_known_subprotocol, 0, 6);
    tcase_add_loop_test(tcase, handshakes_need_a_since_that_is_a_number, 0, 5);
    tcase_add_test(tcase, broken_handshakes_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
