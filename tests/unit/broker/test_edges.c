/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/edges.h"

#include <check.h>

static edges_t *edges;

static void s_set_up(void)
{
    edges = edges_new();
}

static void s_tear_down(void)
{
    edges_destroy(&edges);
}

START_TEST(viewers_are_summed_and_replaced_by_newer_reports)
{
    edges_report(edges, "one", 3, 100, 1000);
    edges_report(edges, "two", 3, 20, 1000);
    ck_assert_uint_eq(edges_viewers(edges), 120);
    edges_report(edges, "one", 3, 5, 1500);
    ck_assert_uint_eq(edges_viewers(edges), 25);
    ck_assert_uint_eq(edges_count(edges), 2);
}
END_TEST

START_TEST(edge_silent_for_three_seconds_is_forgotten)
{
    edges_report(edges, "one", 3, 100, 1000);
    edges_report(edges, "two", 3, 20, 2000);
    edges_expire(edges, 4000);
    ck_assert_uint_eq(edges_count(edges), 2);
    edges_expire(edges, 4001);
    ck_assert_uint_eq(edges_count(edges), 1);
    ck_assert_uint_eq(edges_viewers(edges), 20);
}
END_TEST

START_TEST(too_many_edges_are_refused)
{
    for (uint32_t i = 0; i < EDGES_MAX; i++)
        ck_assert_int_eq(edges_report(edges, &i, sizeof i, 1, 0), 0);
    uint32_t one_more = EDGES_MAX;
    ck_assert_int_eq(edges_report(edges, &one_more, sizeof one_more, 1, 0), -1);
    ck_assert_uint_eq(edges_viewers(edges), EDGES_MAX);
}
END_TEST

START_TEST(sum_of_viewers_saturates)
{
    edges_report(edges, "one", 3, UINT32_MAX, 0);
    edges_report(edges, "two", 3, 5, 0);
    ck_assert_uint_eq(edges_viewers(edges), UINT32_MAX);
}
END_TEST

Suite *suite_broker_edges(void);
Suite *suite_broker_edges(void)
{
    Suite *suite = suite_create("broker/edges");
    TCase *tc = tcase_create("edges");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, viewers_are_summed_and_replaced_by_newer_reports);
    tcase_add_test(tc, edge_silent_for_three_seconds_is_forgotten);
    tcase_add_test(tc, too_many_edges_are_refused);
    tcase_add_test(tc, sum_of_viewers_saturates);
    suite_add_tcase(suite, tc);
    return suite;
}
