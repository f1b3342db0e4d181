/* SPDX-License-Identifier: Apache-2.0 */
#include "load/histogram.h"

#include <check.h>
#include <string.h>

static histogram_t histogram, other;

static void s_clear(void)
{
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
}

START_TEST(empty_histogram_has_quantile_zero)
{
    ck_assert_uint_eq(histogram_quantile_us(&histogram, 0.99), 0);
}
END_TEST

START_TEST(small_values_are_exact)
{
    for (unsigned i = 0; i < 64; i++)
        histogram_add(&histogram, i);
    ck_assert_uint_eq(histogram_quantile_us(&histogram, 0.5), 32);
    ck_assert_uint_eq(histogram_quantile_us(&histogram, 1), 63);
}
END_TEST

START_TEST(quantiles_are_off_by_two_percent_at_most)
{
    for (uint64_t us = 1; us <= 1000000; us++)
        histogram_add(&histogram, us);
    for (int percent = 1; percent < 100; percent++) {
        double share = percent / 100.0;
        double found = (double)histogram_quantile_us(&histogram, share);
        ck_assert_double_ge(found, share * 1e6);
        ck_assert_double_le(found, share * 1e6 * 1.02);
    }
}
END_TEST

START_TEST(no_quantile_is_above_the_maximum)
{
    histogram_add(&histogram, 1000);
    ck_assert_uint_eq(histogram_quantile_us(&histogram, 0.99), 1000);
}
END_TEST

START_TEST(endless_waits_count_in_the_last_bucket)
{
    histogram_add(&histogram, UINT64_MAX);
    histogram_add(&histogram, 1ull << 40);
    ck_assert_uint_eq(histogram.buckets[HISTOGRAM_BUCKETS - 1], 2);
    ck_assert_uint_eq(histogram.max_us, UINT64_MAX);
}
END_TEST

START_TEST(merging_adds_up)
{
    for (unsigned i = 0; i < 100; i++) {
        histogram_add(&histogram, 10);
        histogram_add(&other, 20);
    }
    histogram_merge(&histogram, &other);
    ck_assert_uint_eq(histogram.count, 200);
    ck_assert_uint_eq(histogram.sum_us, 3000);
    ck_assert_uint_eq(histogram.max_us, 20);
    ck_assert_uint_eq(histogram_quantile_us(&histogram, 0.25), 10);
    ck_assert_uint_eq(histogram_quantile_us(&histogram, 0.75), 20);
}
END_TEST

Suite *suite_load_histogram(void);
Suite *suite_load_histogram(void)
{
    Suite *suite = suite_create("load/histogram");
    TCase *tests = tcase_create("histogram");
    tcase_add_checked_fixture(tests, s_clear, NULL);
    tcase_add_test(tests, empty_histogram_has_quantile_zero);
    tcase_add_test(tests, small_values_are_exact);
    tcase_add_test(tests, quantiles_are_off_by_two_percent_at_most);
    tcase_add_test(tests, no_quantile_is_above_the_maximum);
    tcase_add_test(tests, endless_waits_count_in_the_last_bucket);
    tcase_add_test(tests, merging_adds_up);
    suite_add_tcase(suite, tests);
    return suite;
}
