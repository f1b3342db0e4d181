/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/outcomes.h"

#include <check.h>

Suite *suite_broker_outcomes(void);

static void s_put(outcomes_t *outcomes, uint64_t by, uint32_t request,
                  json_int_t number)
{
    json_t *answer = json_integer(number);
    outcomes_put(outcomes, by, request, answer);
    json_decref(answer);
}

static json_int_t s_found(const outcomes_t *outcomes, uint64_t by,
                          uint32_t request)
{
    return json_integer_value(outcomes_find(outcomes, by, request));
}

START_TEST(the_newest_answer_of_a_request_is_found)
{
    outcomes_t outcomes = {0};
    ck_assert_ptr_null(outcomes_find(&outcomes, 0, 0));
    s_put(&outcomes, 1, 5, 10);
    s_put(&outcomes, 2, 5, 20);
    s_put(&outcomes, 1, 5, 30);
    s_put(&outcomes, 1, 0, 40);
    ck_assert_int_eq(s_found(&outcomes, 1, 5), 30);
    ck_assert_int_eq(s_found(&outcomes, 2, 5), 20);
    ck_assert_ptr_null(outcomes_find(&outcomes, 1, 0));
    ck_assert_ptr_null(outcomes_find(&outcomes, 1, 6));
    outcomes_clear(&outcomes);
    ck_assert_ptr_null(outcomes_find(&outcomes, 1, 5));
}
END_TEST

START_TEST(the_oldest_goes)
{
    outcomes_t outcomes = {0};
    for (uint32_t i = 1; i <= OUTCOMES_MAX + 1; i++)
        s_put(&outcomes, 1, i, i);
    ck_assert_ptr_null(outcomes_find(&outcomes, 1, 1));
    for (uint32_t i = 2; i <= OUTCOMES_MAX + 1; i++)
        ck_assert_int_eq(s_found(&outcomes, 1, i), i);
    outcomes_clear(&outcomes);
}
END_TEST

Suite *suite_broker_outcomes(void)
{
    Suite *suite = suite_create("broker/outcomes");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, the_newest_answer_of_a_request_is_found);
    tcase_add_test(tcase, the_oldest_goes);
    suite_add_tcase(suite, tcase);
    return suite;
}
