/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edge/api_stage.h"

#include "common/bus_errand.h"
#include "common/clock.h"
#include "common/token_keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

Suite *suite_edge_api_admin(void);

static EVP_PKEY *signer;
static char authorization[2048];

static void s_set_up(void)
{
    s_setup();
    signer = EVP_EC_gen("P-256");
    size_t size;
    EVP_PKEY_get_octet_string_param(signer, OSSL_PKEY_PARAM_PUB_KEY,
                                    config.keys.tokens[0], POINT_BYTES, &size);
    config.keys.token_count = 1;
    auth_destroy(&edge.auth);
    edge.auth = auth_new(&config);
}

static void s_tear_down(void)
{
    EVP_PKEY_free(signer);
    s_teardown();
}

static void s_sign_as(const char *role)
{
    uint64_t now_ms = clock_wall_ms();
    char *token =
        token_sign_es256(signer, "alice", role, now_ms, now_ms + 60000);
    snprintf(authorization, sizeof authorization, "Bearer %s", token);
    free(token);
    s_header(FIELD_AUTHORIZATION, authorization);
}

/* What was told, as JSON; the caller's. */
static json_t *s_told(void)
{
    bus_errand_t errand;
    ck_assert_int_eq(bus_decode_errand(&errand, BUS_ERRAND, told, told_size),
                     0);
    ck_assert_uint_eq(errand.token_size, strlen(authorization) - 7);
    ck_assert_mem_eq(errand.token, authorization + 7, errand.token_size);
    return json_loadb(errand.json, errand.json_size, 0, NULL);
}

static void s_answer(const char *json)
{
    uint8_t bytes[512];
    bus_errand_t done = {
        .ticket = exchange->ticket, .json = json, .json_size = strlen(json)};
    size_t size = bus_put_errand(bytes, BUS_ERRAND_DONE, &done);
    ck_assert_int_eq(errands_on_answer(edge.errands, bytes, size, 0), 0);
    ck_assert_uint_eq(replies, 1);
}

static const verb_t verbs[METHOD_COUNT] = {[METHOD_GET] = VERB_GET,
                                           [METHOD_POST] = VERB_POST,
                                           [METHOD_PUT] = VERB_PUT,
                                           [METHOD_DELETE] = VERB_DELETE};

/* Each route has its verb, and each verb a role that may do it. */
START_TEST(every_route_asks_the_leader_for_a_verb_of_the_table)
{
    unsigned asked_for_verbs = 0;
    for (size_t i = 0; i < api_routes_count; i++) {
        const char *pattern = api_routes[i].pattern;
        if (strncmp(pattern, API_ADMIN, strlen(API_ADMIN)))
            continue;
        for (int method = 0; method < METHOD_COUNT; method++) {
            if (!api_routes[i].handlers[method])
                continue;
            char path[64];
            snprintf(path, sizeof path, "%.*s%s", (int)strcspn(pattern, "{"),
                     pattern,
                     !strchr(pattern, '{')        ? ""
                     : strstr(pattern, "regions") ? "1,2,3,4"
                                                  : "7");
            s_new(verbs[method], path);
            s_sign_as("moderator");
            api_handle(exchange);
            ck_assert_uint_eq(replies, 0);
            json_t *request = s_told();
            const char *verb =
                json_string_value(json_object_get(request, "verb"));
            ck_assert_int_ne(rank_needed(verb), RANK_OWNER);
            ck_assert_int_gt(
                json_integer_value(json_object_get(request, "key")), 0);
            json_decref(request);
            asked_for_verbs++;
        }
    }
    ck_assert_uint_eq(asked_for_verbs, 21);
}
END_TEST

START_TEST(members_of_the_verb_are_handed_on_and_no_others)
{
    s_new(VERB_POST, API_ADMIN "bans");
    s_sign_as("moderator");
    s_header(FIELD_IDEMPOTENCY_KEY, "77");
    s_body("{\"user\":\"u\",\"until\":5,\"by\":\"x\",\"verb\":\"lock\","
           "\"key\":1,\"reason\":\"r\"}");
    api_handle(exchange);
    json_t *request = s_told();
    json_t *expected =
        json_pack("{s:s, s:s, s:i, s:s, s:i}", "verb", "ban", "user", "u",
                  "until", 5, "reason", "r", "key", 77);
    ck_assert(json_equal(request, expected));
    json_decref(request);
    json_decref(expected);
}
END_TEST

START_TEST(a_box_and_a_user_come_from_the_path)
{
    s_new(VERB_DELETE, API_ADMIN "regions/1,2,30,-4");
    s_sign_as("owner");
    s_query("reason=why");
    s_header(FIELD_IDEMPOTENCY_KEY, "1");
    api_handle(exchange);
    json_t *request = s_told();
    json_t *expected =
        json_pack("{s:s, s:[i,i,i,i], s:s, s:i}", "verb", "unprotect", "box", 1,
                  2, 30, -4, "reason", "why", "key", 1);
    ck_assert(json_equal(request, expected));
    json_decref(request);
    json_decref(expected);
}
END_TEST

START_TEST(a_question_comes_from_the_query)
{
    s_new(VERB_GET, API_ADMIN "search");
    s_sign_as("owner");
    s_header(FIELD_IDEMPOTENCY_KEY, "1");
    s_query("user=1234567890123456&box=1,2,3,4&color=5&limit=9&by=x&verb=lock");
    s_body("{\"before\":7}");
    api_handle(exchange);
    json_t *request = s_told();
    json_t *expected =
        json_pack("{s:s, s:s, s:[i,i,i,i], s:i, s:i, s:i}", "verb", "search",
                  "user", "1234567890123456", "box", 1, 2, 3, 4, "color", 5,
                  "limit", 9, "key", 1);
    ck_assert(json_equal(request, expected));
    json_decref(request);
    json_decref(expected);
    s_new(VERB_GET, API_ADMIN "search");
    s_sign_as("owner");
    s_query("box=1,2,x,4");
    s_expect_problem(400, "bad_request");
}
END_TEST

START_TEST(a_rollback_is_undone_by_its_path_and_query)
{
    s_new(VERB_DELETE, API_ADMIN "rollbacks/4711");
    s_sign_as("moderator");
    s_header(FIELD_IDEMPOTENCY_KEY, "1");
    s_query("yes=true&preview=false&reason=true&user=x");
    api_handle(exchange);
    json_t *request = s_told();
    json_t *expected =
        json_pack("{s:s, s:i, s:b, s:b, s:s, s:i}", "verb", "restore", "undo",
                  4711, "yes", 1, "preview", 0, "reason", "true", "key", 1);
    ck_assert(json_equal(request, expected));
    json_decref(request);
    json_decref(expected);
    s_new(VERB_DELETE, API_ADMIN "rollbacks/last");
    s_sign_as("moderator");
    s_expect_problem(400, "bad_request");
    s_new(VERB_GET, API_ADMIN "jobs/x");
    s_sign_as("moderator");
    s_expect_problem(400, "bad_request");
}
END_TEST

#define GOES_ON                                                                \
    "{\"ok\":true,\"verb\":\"rollback\",\"state\":\"waiting\",\"key\":7}"

START_TEST(what_goes_on_is_a_202_with_a_place_to_ask)
{
    s_new(VERB_POST, API_ADMIN "rollbacks");
    s_sign_as("moderator");
    s_body("{\"user\":\"3ba1a717bbbd9525\",\"yes\":true}");
    api_handle(exchange);
    s_answer(GOES_ON);
    ck_assert_uint_eq(exchange->status, 202);
    ck_assert(s_head_has("\r\nLocation: /api/v1/admin/jobs/7\r\n"));
    /* Who asks how far it is gets a plain answer. */
    s_new(VERB_GET, API_ADMIN "jobs/7");
    s_sign_as("moderator");
    api_handle(exchange);
    s_answer(GOES_ON);
    ck_assert_uint_eq(exchange->status, 200);
    ck_assert(!s_head_has("\r\nLocation: "));
}
END_TEST

START_TEST(the_leaders_answer_is_the_answer)
{
    static const struct {
        const char *json;
        unsigned status;
        const char *body; /* a part of it */
    } answers[] = {
        {"{\"ok\":true,\"verb\":\"ban\",\"seq\":7}", 200,
         "{\"verb\":\"ban\",\"seq\":7}"},
        {"{\"ok\":false,\"code\":\"bad_request\",\"error\":\"no\"}", 400,
         "\"detail\":\"no\""},
        {"{\"ok\":false,\"code\":\"bad_request\",\"error\":\"a\\\"b\"}", 400,
         "\"bad_request\"}"},
        {"{\"ok\":false,\"code\":\"role_too_low\",\"error\":\"no\"}", 403,
         "\"role_too_low\""},
        {"{\"ok\":false,\"code\":\"unauthorized\",\"error\":\"no\"}", 401,
         "\"unauthorized\""},
        {"{\"ok\":false,\"code\":\"new\",\"error\":\"no\"}", 503, "\"no\""},
        {"{}", 503, "\"unavailable\""},
    };
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as("operator");
    api_handle(exchange);
    s_answer(answers[_i].json);
    ck_assert_uint_eq(exchange->status, answers[_i].status);
    ck_assert_ptr_nonnull(memmem(exchange->blob->bytes, exchange->blob->size,
                                 answers[_i].body, strlen(answers[_i].body)));
    ck_assert(s_head_has("\r\nCache-Control: no-store\r\n"));
}
END_TEST

/* The leader is not asked at all. */
START_TEST(what_the_edge_can_refuse_it_refuses)
{
    s_new(VERB_POST, API_ADMIN "lock");
    s_expect_problem(401, "unauthorized");
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as(NULL);
    s_expect_problem(403, "role_too_low");
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as("viewer");
    s_expect_problem(403, "role_too_low");
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as("owner");
    s_query("token");
    s_expect_problem(400, "bad_request");
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as("owner");
    s_header(FIELD_ORIGIN, "https://bad.example");
    s_expect_problem(403, "forbidden");
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as("owner");
    s_body("[]");
    s_expect_problem(400, "bad_request");
    ck_assert_uint_eq(told_size, 0);
}
END_TEST

START_TEST(who_leaves_is_forgotten)
{
    s_new(VERB_POST, API_ADMIN "lock");
    s_sign_as("operator");
    api_handle(exchange);
    ck_assert_uint_eq(errands_count(edge.errands), 1);
    exchange_destroy(&exchange);
    ck_assert_uint_eq(errands_count(edge.errands), 0);
}
END_TEST

Suite *suite_edge_api_admin(void)
{
    Suite *suite = suite_create("edge/api_admin");
    TCase *tcase = tcase_create("admin");
    tcase_add_checked_fixture(tcase, s_set_up, s_tear_down);
    tcase_add_test(tcase, every_route_asks_the_leader_for_a_verb_of_the_table);
    tcase_add_test(tcase, members_of_the_verb_are_handed_on_and_no_others);
    tcase_add_test(tcase, a_box_and_a_user_come_from_the_path);
    tcase_add_test(tcase, a_question_comes_from_the_query);
    tcase_add_test(tcase, a_rollback_is_undone_by_its_path_and_query);
    tcase_add_test(tcase, what_goes_on_is_a_202_with_a_place_to_ask);
    tcase_add_loop_test(tcase, the_leaders_answer_is_the_answer, 0, 7);
    tcase_add_test(tcase, what_the_edge_can_refuse_it_refuses);
    tcase_add_test(tcase, who_leaves_is_forgotten);
    suite_add_tcase(suite, tcase);
    return suite;
}
