/* SPDX-License-Identifier: Apache-2.0
 *
 * What processes say of themselves: metrics, logs, and how long they wait.
 */
#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_common_metrics(void);

START_TEST(rows_are_rendered_with_one_head_a_family)
{
    static const metric_row_t rows[] = {
        {COUNTER, "a_total{code=\"1\"}", "Help a."},
        {COUNTER, "a_total{code=\"2\"}", "Help a."},
        {GAUGE, "a", "Help b."},
    };
    const int64_t values[] = {1, 2, -3};
    size_t length;
    char *text = metrics_render(&(metrics_t){rows, values, 3, NULL}, &length);
    static const char expected[] = "# HELP a_total Help a.\n"
                                   "# TYPE a_total counter\n"
                                   "a_total{code=\"1\"} 1\n"
                                   "a_total{code=\"2\"} 2\n"
                                   "# HELP a Help b.\n"
                                   "# TYPE a gauge\n"
                                   "a -3\n";
    ck_assert_int_eq(strncmp(text, expected, sizeof expected - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "\nprocess_resident_memory_bytes "));
    ck_assert_uint_eq(length, strlen(text));
    free(text);
}
END_TEST

START_TEST(a_histogram_counts_what_is_not_above_each_bound)
{
    static const metric_row_t rows[] = {
        {GAUGE, "a", "Help a."},
        {HISTOGRAM, "b_seconds", "Help b."},
        {HISTOGRAM, "c_seconds", "Help c."},
    };
    const int64_t values[3] = {7};
    metric_histogram_t histograms[2] = {0};
    const uint64_t durations_us[] = {0, 1000, 1001, 31000000};
    for (unsigned i = 0; i < 4; i++)
        metric_observe_us(&histograms[1], durations_us[i]);
    size_t length;
    char *text =
        metrics_render(&(metrics_t){rows, values, 3, histograms}, &length);
    ck_assert_ptr_nonnull(strstr(text, "# TYPE c_seconds histogram\n"
                                       "c_seconds_bucket{le=\"0.001\"} 2\n"
                                       "c_seconds_bucket{le=\"0.002\"} 3\n"
                                       "c_seconds_bucket{le=\"0.005\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text, "c_seconds_bucket{le=\"30\"} 3\n"
                                       "c_seconds_bucket{le=\"+Inf\"} 4\n"
                                       "c_seconds_sum 31.002001\n"
                                       "c_seconds_count 4\n"));
    ck_assert_ptr_nonnull(strstr(text, "b_seconds_count 0\n"));
    free(text);
}
END_TEST

START_TEST(text_from_outside_cannot_forge_a_log_line)
{
    char buffer[40];
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "a\n\"b\\\xff"),
                     "\"a\\x0a\\x22b\\x5c\\xff\"");
    ck_assert_str_eq(log_quote(buffer, 5, "abcdef"), "\"ab\"");
}
END_TEST

START_TEST(waits_grow_within_their_cap_and_start_anew)
{
    backoff_t backoff = backoff_of(10, 1000);
    ck_assert_uint_eq(backoff_next_ms(&backoff), 10);
    uint32_t longest = 0;
    for (int i = 0; i < 200; i++) {
        uint32_t wait = backoff_next_ms(&backoff);
        ck_assert(wait >= 10 && wait <= 1000);
        longest = wait > longest ? wait : longest;
    }
    ck_assert_uint_gt(longest, 500);
    backoff_reset(&backoff);
    ck_assert_uint_eq(backoff_next_ms(&backoff), 10);
}
END_TEST

START_TEST(what_is_later_has_not_elapsed)
{
    ck_assert_uint_eq(clock_elapsed_s(100, 40), 60);
    ck_assert_uint_eq(clock_elapsed_s(100, 101), 0);
    ck_assert_uint_eq(clock_elapsed_s(5, UINT32_MAX - 4), 10);
}
END_TEST

Suite *suite_common_metrics(void)
{
    Suite *suite = suite_create("common/metrics");
    TCase *all = tcase_create("all");
    tcase_add_test(all, rows_are_rendered_with_one_head_a_family);
    tcase_add_test(all, a_histogram_counts_what_is_not_above_each_bound);
    tcase_add_test(all, text_from_outside_cannot_forge_a_log_line);
    tcase_add_test(all, what_is_later_has_not_elapsed);
    tcase_add_test(all, waits_grow_within_their_cap_and_start_anew);
    suite_add_tcase(suite, all);
    return suite;
}
