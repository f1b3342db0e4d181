/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/pace.h"

#include <check.h>

Suite *suite_edge_pace(void);

static uint32_t s_rounds(pace_t *pace, unsigned count, double cost_ms)
{
    uint32_t tick_ms = 0;
    while (count--)
        tick_ms = pace_round(pace, cost_ms);
    return tick_ms;
}

START_TEST(small_audience_has_the_shortest_tick)
{
    pace_t pace = pace_of(20, 500);
    ck_assert_uint_eq(s_rounds(&pace, 100, 3), 20);
}
END_TEST

START_TEST(large_audience_lengthens_it_within_a_few_rounds)
{
    pace_t pace = pace_of(20, 500);
    uint32_t tick_ms = s_rounds(&pace, 12, 90);
    ck_assert_uint_ge(tick_ms, 120);
    ck_assert_uint_le(tick_ms, 160);
}
END_TEST

START_TEST(never_leaves_its_bounds)
{
    pace_t pace = pace_of(20, 500);
    ck_assert_uint_eq(s_rounds(&pace, 50, 5000), 500);
    ck_assert_uint_eq(s_rounds(&pace, 2000, 0), 20);
}
END_TEST

START_TEST(comes_back_when_the_audience_leaves)
{
    pace_t pace = pace_of(20, 500);
    s_rounds(&pace, 30, 200);
    ck_assert_uint_eq(s_rounds(&pace, 400, 2), 20);
}
END_TEST

START_TEST(one_expensive_round_is_no_reason)
{
    pace_t pace = pace_of(20, 500);
    s_rounds(&pace, 50, 5);
    ck_assert_uint_eq(s_rounds(&pace, 1, 30), 20);
}
END_TEST

START_TEST(steady_load_does_not_swing)
{
    pace_t pace = pace_of(20, 500);
    uint32_t settled = s_rounds(&pace, 200, 60);
    for (int i = 0; i < 500; i++) {
        uint32_t tick_ms = pace_round(&pace, i % 2 ? 54 : 66);
        ck_assert_uint_ge(tick_ms + settled / 5, settled);
        ck_assert_uint_le(tick_ms, settled + settled / 5);
    }
}
END_TEST

START_TEST(new_bounds_hold_at_once)
{
    pace_t pace = pace_of(20, 500);
    s_rounds(&pace, 100, 3);
    ck_assert_uint_eq(pace_bound(&pace, 250, 500), 250);
    ck_assert_uint_eq(s_rounds(&pace, 100, 3), 250);
    /* A least tick that is longer than the longest counts. */
    ck_assert_uint_eq(pace_bound(&pace, 900, 500), 900);
    ck_assert_uint_eq(s_rounds(&pace, 100, 3), 900);
    ck_assert_uint_eq(pace_bound(&pace, 20, 500), 20);
}
END_TEST

START_TEST(wider_bounds_keep_what_the_load_needs)
{
    pace_t pace = pace_of(20, 500);
    s_rounds(&pace, 100, 60);
    pace_bound(&pace, 500, 500);
    ck_assert_uint_eq(pace_bound(&pace, 20, 500), 100);
}
END_TEST

START_TEST(each_step_down_takes_as_many_calm_rounds)
{
    pace_t pace = pace_of(20, 500);
    uint32_t tick_ms = s_rounds(&pace, 100, 240), steps = 0;
    while (tick_ms > 100) {
        ck_assert_uint_eq(s_rounds(&pace, PACE_CALM - 1, 0), tick_ms);
        uint32_t next_ms = s_rounds(&pace, 1, 0);
        ck_assert_uint_lt(next_ms, tick_ms);
        tick_ms = next_ms;
        steps++;
    }
    ck_assert_uint_ge(steps, 4);
}
END_TEST

Suite *suite_edge_pace(void)
{
    Suite *suite = suite_create("edge/pace");
    TCase *tcase = tcase_create("pace");
    tcase_add_test(tcase, small_audience_has_the_shortest_tick);
    tcase_add_test(tcase, large_audience_lengthens_it_within_a_few_rounds);
    tcase_add_test(tcase, never_leaves_its_bounds);
    tcase_add_test(tcase, comes_back_when_the_audience_leaves);
    tcase_add_test(tcase, one_expensive_round_is_no_reason);
    tcase_add_test(tcase, steady_load_does_not_swing);
    tcase_add_test(tcase, new_bounds_hold_at_once);
    tcase_add_test(tcase, wider_bounds_keep_what_the_load_needs);
    tcase_add_test(tcase, each_step_down_takes_as_many_calm_rounds);
    suite_add_tcase(suite, tcase);
    return suite;
}
