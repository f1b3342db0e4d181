/* SPDX-License-Identifier: Apache-2.0
 *
 * What the handlers answer without a broker, a store or a socket.
 */
#include "tests/unit/edge/api_stage.h"

#include <sys/mman.h>
#include <unistd.h>

Suite *suite_edge_api(void);

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
    ck_assert_uint_eq(json_object_size(root), 14);
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
    s_header(FIELD_ACCEPT_ENCODING, "gzip");
    s_expect(200);
    ck_assert_ptr_null(exchange->blob);
    ck_assert(s_head_has("\r\nContent-Encoding: gzip\r\n"));
    s_new(VERB_GET, "/api/v1/board");
    s_header(FIELD_IF_NONE_MATCH, "W/\"1-7\"");
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

START_TEST(a_picture_may_have_as_many_pixels_as_is_set)
{
    s_feed(); /* 30 × 20 */
    config.png_pixels_max = 2400;
    s_new(VERB_GET, "/api/v1/board.png");
    s_query("scale=3");
    s_expect_problem(413, "too_large");
    s_new(VERB_GET, "/api/v1/board.png");
    s_query("scale=2");
    api_handle(exchange);
    ck_assert_ptr_nonnull(job); /* it is drawn */
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
    char two[2100];
    snprintf(two, sizeof two, "token=%s&token=%s", exchange->fields[0] + 7,
             exchange->fields[0] + 7);
    s_query(two);
    s_expect_problem(401, "unauthorized");
    s_new(VERB_PUT, "/api/v1/pixels/1/1");
    s_sign();
    s_header(FIELD_IDEMPOTENCY_KEY, "4294967296");
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

/* --- Identities that cost work: the challenge, and its answer --------------
 */

/* The challenge of a problem's body; the caller's (free). */
static char *s_demanded(void)
{
    s_expect_problem(403, "work_required");
    json_t *root = json_loadb((const char *)exchange->blob->bytes,
                              exchange->blob->size, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "bits")), 6);
    char *text =
        mem_strdup(json_string_value(json_object_get(root, "challenge")));
    json_decref(root);
    return text;
}

/* Shows the challenge with each number in turn until one is taken; the token's
 * user is left in `identity`. How many were refused. */
static unsigned s_work(const char *challenge)
{
    static char body[256];
    for (unsigned tried = 0;; tried++) {
        snprintf(body, sizeof body, "{\"challenge\":\"%s\",\"nonce\":%u}",
                 challenge, tried);
        s_new(VERB_POST, "/api/v1/session");
        s_body(body);
        api_handle(exchange);
        if (exchange->status == 201)
            return tried;
        ck_assert_uint_eq(exchange->status, 403);
        ck_assert_uint_lt(tried, 10000);
    }
}

START_TEST(an_identity_may_cost_work)
{
    config.session_work_bits = 6;
    s_new(VERB_POST, "/api/v1/session");
    char *challenge = s_demanded();
    ck_assert(s_head_has("\r\nCache-Control: no-store\r\n"));
    s_work(challenge);
    uint64_t user = exchange->identity.user;
    s_work(challenge);
    ck_assert_uint_eq(exchange->identity.user, user);
    free(challenge);
    s_new(VERB_POST, "/api/v1/session");
    challenge = s_demanded();
    s_work(challenge);
    ck_assert_uint_ne(exchange->identity.user, user);
    free(challenge);
}
END_TEST

START_TEST(what_is_no_proof_gets_a_challenge)
{
    static const char *const bodies[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"challenge\":\"\",\"nonce\":0}",
        "{\"challenge\":null,\"nonce\":0}",
        "{\"challenge\":\"\"}",
        "{\"challenge\":\"\",\"nonce\":-1}",
        "{\"challenge\":\"\",\"nonce\":1.5}",
        "{\"challenge\":\"AAAA\",\"nonce\":99999999999999999999}",
    };
    config.session_work_bits = 6;
    s_new(VERB_POST, "/api/v1/session");
    s_body(bodies[_i]);
    free(s_demanded());
}
END_TEST

/* Work comes before the budget: who has shown none takes nothing of it. */
START_TEST(only_work_takes_of_the_budget)
{
    config.session_work_bits = 6;
    config.sessions_per_address = 1;
    char *challenge = NULL;
    for (int i = 0; i < 5; i++) {
        free(challenge);
        s_new(VERB_POST, "/api/v1/session");
        challenge = s_demanded();
    }
    unsigned tried = s_work(challenge);
    char body[256];
    snprintf(body, sizeof body, "{\"challenge\":\"%s\",\"nonce\":%u}",
             challenge, tried);
    s_new(VERB_POST, "/api/v1/session");
    s_body(body);
    s_expect_problem(429, "rate_limited");
    free(challenge);
}
END_TEST

START_TEST(the_clusters_budget_is_asked_and_loopback_is_exempt)
{
    static const struct {
        uint8_t peer[4];
        unsigned status;
    } rows[] = {{{192, 0, 2, 1}, 201},
                {{192, 0, 2, 1}, 429},
                {{192, 0, 2, 2}, 201},
                {{127, 0, 0, 1}, 201},
                {{127, 0, 0, 1}, 201}};
    config.sessions_per_address_cluster = 1;
    shared_budget_destroy(&edge.shared);
    edge.shared = shared_budget_new(&edge, s_tell, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        connection_t connection = {.address = {{[10] = 0xff, 0xff}}};
        memcpy(connection.address.bytes + 12, rows[i].peer, 4);
        s_new(VERB_POST, "/api/v1/session");
        exchange->connection = &connection;
        s_expect(rows[i].status);
        exchange->connection = NULL;
    }
}
END_TEST

/* What the log says once that address has had its identity of the minute. */
static void s_log_refusals(const connection_t *connection, char text[4096])
{
    int log = memfd_create("log", 0), stderr_before = dup(2);
    dup2(log, 2);
    for (int i = 0; i < 3; i++) {
        s_new(VERB_POST, "/api/v1/session");
        exchange->connection = (connection_t *)connection;
        api_handle(exchange);
    }
    ck_assert_uint_eq(exchange->status, 429);
    dup2(stderr_before, 2);
    text[pread(log, text, 4095, 0)] = '\0';
    close(log);
    close(stderr_before);
}

START_TEST(only_who_forwards_is_taken_for_a_proxy_that_nobody_named)
{
    static char text[4096];
    connection_t connection = {.address = {{[10] = 0xff, 0xff, 192, 0, 2, 1}}};
    config.sessions_per_address = 1;
    s_log_refusals(&connection, text);
    ck_assert_ptr_null(strstr(text, "trusted_proxies"));
    s_new(VERB_GET, "/healthz"); /* whatever it asks for */
    exchange->connection = &connection;
    s_header(FIELD_FORWARDED_FOR, "192.0.2.9");
    s_expect(200);
    s_log_refusals(&connection, text);
    ck_assert_ptr_nonnull(strstr(text, "trusted_proxies"));
}
END_TEST

START_TEST(pages_of_other_origins_may_read_only)
{
    s_new(VERB_POST, "/api/v1/session");
    s_header(FIELD_ORIGIN, "https://bad.example");
    s_expect_problem(403, "forbidden");
    ck_assert(!s_head_has("Access-Control-Allow-Origin"));
    s_new(VERB_POST, "/api/v1/session");
    s_header(FIELD_ORIGIN, "https://good.example");
    s_expect(201);
    ck_assert(s_head_has("Allow-Origin: https://good.example\r\n"));
    s_new(VERB_GET, "/healthz");
    s_header(FIELD_ORIGIN, "https://bad.example");
    s_expect(200);
    ck_assert(s_head_has("Access-Control-Allow-Origin: *\r\n"));
}
END_TEST

START_TEST(an_origin_cannot_split_the_head)
{
    config.origins = (char *)"*";
    s_new(VERB_POST, "/api/v1/session");
    s_header(FIELD_ORIGIN, "https://a\r\nSet-Cookie: x=1");
    s_expect(201);
    ck_assert(!s_head_has("Set-Cookie"));
}
END_TEST

START_TEST(preflights_are_answered)
{
    s_new(VERB_OPTIONS, "/api/v1/pixels/1/1");
    s_header(FIELD_ORIGIN, "https://good.example");
    s_header(FIELD_PREFLIGHT_METHOD, "PUT");
    s_expect(204);
    ck_assert(s_head_has("Allow-Origin: https://good.example\r\n"));
    ck_assert(s_head_has("Access-Control-Allow-Methods: "));
    ck_assert(!s_head_has("Content-Length"));
    s_new(VERB_OPTIONS, "/api/v1/pixels/1/1");
    s_header(FIELD_ORIGIN, "https://bad.example");
    s_header(FIELD_PREFLIGHT_METHOD, "PUT");
    s_expect(204);
    ck_assert(!s_head_has("Access-Control-Allow-Origin"));
    s_new(VERB_OPTIONS, "/api/v1/me");
    s_header(FIELD_ORIGIN, "https://bad.example");
    s_header(FIELD_PREFLIGHT_METHOD, "GET");
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
    s_header(FIELD_HOST, "x");
    s_header(FIELD_CONNECTION, "keep-alive, Upgrade");
    s_header(FIELD_WS_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
    s_header(FIELD_WS_VERSION, "13");
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
        "", "stipple", "stipple.v2", "stipple.v1x", "stipple v1", "STIPPLE.V1"};
    s_new_handshake();
    if (*offers[_i])
        s_header(FIELD_WS_PROTOCOL, offers[_i]);
    s_expect_refused(400);
}
END_TEST

START_TEST(handshakes_need_a_since_that_is_a_number)
{
    static const char *const queries[] = {"since=", "since=x", "since=-1",
                                          "since=1.5", "since"};
    s_new_handshake();
    s_header(FIELD_WS_PROTOCOL, "stipple.v1");
    s_query(queries[_i]);
    s_expect_refused(400);
}
END_TEST

START_TEST(broken_handshakes_are_refused)
{
    static const struct {
        field_t field;
        const char *value;
        unsigned status;
    } rows[] = {
        {FIELD_CONNECTION, NULL, 400},
        {FIELD_CONNECTION, "close", 400},
        {FIELD_WS_VERSION, NULL, 426},
        {FIELD_WS_VERSION, "12", 426},
        {FIELD_WS_VERSION, "13, 8", 426},
        {FIELD_WS_KEY, NULL, 400},
        {FIELD_WS_KEY, "AAAA", 400},
        {FIELD_WS_KEY, "x", 400},
        {FIELD_WS_KEY, "dGhlIHNhbXBsZSBub25jZR==", 400},
        {FIELD_WS_KEY, "dGhlIHNhbXBsZSBub25jZQ", 400},
        {FIELD_WS_KEY, "dGhlIHNhbXBsZSBub25jZQA=", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s_new_handshake();
        s_header(FIELD_WS_PROTOCOL, "stipple.v1");
        s_header(rows[i].field, rows[i].value);
        s_expect_refused(rows[i].status);
        ck_assert_int_eq(s_head_has("\r\nSec-WebSocket-Version: 13\r\n"),
                         rows[i].status == 426);
    }
    s_new_handshake();
    s_header(FIELD_WS_PROTOCOL, "stipple.v1");
    exchange->path = "/ws";
    s_expect_refused(404);
    s_new_handshake();
    s_header(FIELD_WS_PROTOCOL, "foo, stipple.v1");
    s_header(FIELD_ORIGIN, "https://bad.example");
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
    tcase_add_test(tcase, a_picture_may_have_as_many_pixels_as_is_set);
    tcase_add_test(tcase, put_is_checked_in_its_order);
    tcase_add_test(tcase, sessions_are_made_and_can_be_off);
    tcase_add_test(tcase, an_identity_may_cost_work);
    tcase_add_loop_test(tcase, what_is_no_proof_gets_a_challenge, 0, 10);
    tcase_add_test(tcase, only_work_takes_of_the_budget);
    tcase_add_test(tcase, the_clusters_budget_is_asked_and_loopback_is_exempt);
    tcase_add_test(tcase,
                   only_who_forwards_is_taken_for_a_proxy_that_nobody_named);
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
