/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http/problem.h"

#include <check.h>
#include <jansson.h>
#include <string.h>

Suite *suite_edge_problem(void);

START_TEST(body_is_problem_json)
{
    char text[PROBLEM_MAX_BYTES];
    size_t length =
        problem_render(text, PROBLEM_NOT_FOUND, "No such page", 9, NULL);
    json_t *root = json_loadb(text, length, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "code")),
                     "not_found");
    ck_assert_str_eq(json_string_value(json_object_get(root, "title")),
                     "Not Found");
    ck_assert_str_eq(json_string_value(json_object_get(root, "detail")),
                     "No such page");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 404);
    ck_assert_ptr_null(json_object_get(root, "retry_ms"));
    json_decref(root);
}
END_TEST

START_TEST(every_429_and_503_has_retry_ms)
{
    char text[PROBLEM_MAX_BYTES];
    size_t length = problem_render(text, (problem_t)_i, NULL, 1234, NULL);
    json_t *root = json_loadb(text, length, 0, NULL);
    const json_t *retry = json_object_get(root, "retry_ms");
    unsigned status = problem_status((problem_t)_i);
    ck_assert_int_eq(retry != NULL, status == 429 || status == 503);
    ck_assert(!retry || json_integer_value(retry) == 1234);
    ck_assert_str_ne(json_string_value(json_object_get(root, "title")),
                     "Unknown");
    json_decref(root);
}
END_TEST

START_TEST(retry_after_is_rounded_up)
{
    ck_assert_uint_eq(retry_after_s(0), 1);
    ck_assert_uint_eq(retry_after_s(1), 1);
    ck_assert_uint_eq(retry_after_s(1000), 1);
    ck_assert_uint_eq(retry_after_s(1001), 2);
    ck_assert_uint_eq(retry_after_s(UINT32_MAX), 4294968);
}
END_TEST

START_TEST(codes_are_the_verdicts_words)
{
    for (int i = 0; i < VERDICT_COUNT; i++) {
        verdict_status_t status = (verdict_status_t)i;
        if (status == VERDICT_OK || status == VERDICT_DUPLICATE)
            continue;
        ck_assert_str_eq(problem_code(problem_of_verdict(status)),
                         verdict_word(status));
    }
    ck_assert_int_eq(problem_of_verdict((verdict_status_t)99),
                     PROBLEM_UNAVAILABLE);
}
END_TEST

START_TEST(kinds_have_their_status_and_code)
{
    static const struct {
        unsigned status;
        const char *code;
    } kinds[PROBLEM_COUNT] = {
        [PROBLEM_BAD_REQUEST] = {400, "bad_request"},
        [PROBLEM_UNAUTHORIZED] = {401, "unauthorized"},
        [PROBLEM_BANNED] = {403, "banned"},
        [PROBLEM_FORBIDDEN] = {403, "forbidden"},
        [PROBLEM_ROLE_TOO_LOW] = {403, "role_too_low"},
        [PROBLEM_WORK_REQUIRED] = {403, "work_required"},
        [PROBLEM_NOT_FOUND] = {404, "not_found"},
        [PROBLEM_METHOD_NOT_ALLOWED] = {405, "method_not_allowed"},
        [PROBLEM_TOO_LARGE] = {413, "too_large"},
        [PROBLEM_OUT_OF_BOUNDS] = {422, "out_of_bounds"},
        [PROBLEM_BAD_COLOR] = {422, "bad_color"},
        [PROBLEM_COOLDOWN] = {429, "cooldown"},
        [PROBLEM_RATE_LIMITED] = {429, "rate_limited"},
        [PROBLEM_PAUSED] = {409, "paused"},
        [PROBLEM_PROTECTED] = {403, "protected"},
        [PROBLEM_TOO_LATE] = {409, "too_late"},
        [PROBLEM_UNAVAILABLE] = {503, "unavailable"},
        [PROBLEM_UPGRADE_REQUIRED] = {426, "upgrade_required"},
        [PROBLEM_HEADERS_TOO_LARGE] = {431, "headers_too_large"},
        [PROBLEM_EXPECTATION_FAILED] = {417, "expectation_failed"},
        [PROBLEM_NOT_IMPLEMENTED] = {501, "not_implemented"},
    };
    ck_assert_uint_eq(problem_status((problem_t)_i), kinds[_i].status);
    ck_assert_str_eq(problem_code((problem_t)_i), kinds[_i].code);
}
END_TEST

Suite *suite_edge_problem(void)
{
    Suite *suite = suite_create("edge/problem");
    TCase *tcase = tcase_create("problem");
    tcase_add_test(tcase, body_is_problem_json);
    tcase_add_loop_test(tcase, every_429_and_503_has_retry_ms, 0,
                        PROBLEM_COUNT);
    tcase_add_test(tcase, retry_after_is_rounded_up);
    tcase_add_test(tcase, codes_are_the_verdicts_words);
    tcase_add_loop_test(tcase, kinds_have_their_status_and_code, 0,
                        PROBLEM_COUNT);
    suite_add_tcase(suite, tcase);
    return suite;
}
