/* SPDX-License-Identifier: Apache-2.0 */
#include "load/probe.h"

#include <check.h>

#define SECOND 1000000u

Suite *suite_load_probe(void);

static probe_t probe;

static void s_setup(void)
{
    probe_init(&probe, 5 * SECOND, 41, 100);
}

static wire_verdict_t s_verdict(verdict_status_t status, uint64_t seq)
{
    return (wire_verdict_t){
        .request = probe.request, .status = status, .seq = seq};
}

static uint64_t s_count(unsigned histogram)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= METRIC_BUCKETS; i++)
        count += probe.histograms[histogram].buckets[i];
    return count;
}

START_TEST(a_placement_is_seen_when_a_board_holds_it)
{
    ck_assert(probe_place(&probe, 0, 100));
    ck_assert_uint_eq(probe.color, 1);
    ck_assert(!probe_place(&probe, 0, 200));
    wire_verdict_t ok = s_verdict(VERDICT_OK, 7);
    probe_verdict(&probe, &ok, 3100);
    probe_board(&probe, 6, 4100);
    ck_assert_uint_eq(s_count(CANARY_SEEN), 0);
    probe_board(&probe, 7, 20100);
    ck_assert_uint_eq(s_count(CANARY_VERDICT), 1);
    ck_assert_uint_eq(probe.histograms[CANARY_VERDICT].sum_us, 3000);
    ck_assert_uint_eq(probe.histograms[CANARY_SEEN].sum_us, 20000);
    ck_assert(!probe_place(&probe, 1, 5 * SECOND + 99));
    ck_assert(probe_place(&probe, 1, 5 * SECOND + 100));
    ck_assert_uint_eq(probe.color, 0);
}
END_TEST

/* An edge may show a diff before it hands on the verdict. */
START_TEST(a_pixel_shown_before_its_verdict_counts_from_when_it_was_shown)
{
    ck_assert(probe_place(&probe, 3, 100));
    ck_assert_uint_eq(probe.color, 0);
    probe_board(&probe, 8, 600);
    probe_board(&probe, 9, 1100);
    probe_board(&probe, 12, 2100);
    wire_verdict_t ok = s_verdict(VERDICT_OK, 9);
    probe_verdict(&probe, &ok, 9100);
    probe_board(&probe, 12, 9200);
    ck_assert_uint_eq(probe.histograms[CANARY_SEEN].sum_us, 1000);
}
END_TEST

/* However long a verdict takes, the board's moves take no more room. */
START_TEST(the_oldest_moves_are_dropped)
{
    ck_assert(probe_place(&probe, 0, 100));
    for (uint64_t seq = 1; seq <= 3 * PROBE_MOVES; seq++)
        probe_board(&probe, seq, 100 + seq);
    ck_assert_uint_eq(probe.move_count, PROBE_MOVES);
    wire_verdict_t ok = s_verdict(VERDICT_OK, 3 * PROBE_MOVES - 5);
    probe_verdict(&probe, &ok, 9000);
    ck_assert_uint_eq(probe.histograms[CANARY_SEEN].sum_us,
                      3 * PROBE_MOVES - 5);
}
END_TEST

START_TEST(what_is_refused_is_counted_by_its_status)
{
    const verdict_status_t statuses[] = {VERDICT_COOLDOWN, VERDICT_TOO_LATE,
                                         VERDICT_COUNT};
    const unsigned rows[] = {CANARY_VERDICT_COOLDOWN, CANARY_VERDICT_TOO_LATE,
                             CANARY_VERDICT_OTHER};
    const uint64_t answered[] = {1, 1, 1};
    for (unsigned i = 0; i < 3; i++) {
        uint64_t now_us = 100 + i * 5 * SECOND;
        ck_assert(probe_place(&probe, 0, now_us));
        wire_verdict_t verdict = s_verdict(statuses[i], 0);
        probe_verdict(&probe, &verdict, now_us + 1);
        ck_assert_int_eq(probe.values[rows[i]], 1);
        ck_assert_uint_eq(probe.answered_us, 100 + answered[i]);
    }
    ck_assert_uint_eq(s_count(CANARY_SEEN), 0);
}
END_TEST

START_TEST(what_comes_too_late_is_lost)
{
    ck_assert(probe_place(&probe, 0, 100));
    probe_tick(&probe, 10 * SECOND);
    ck_assert(probe_unanswered(&probe));
    probe_tick(&probe, 10 * SECOND + 100);
    ck_assert(!probe_unanswered(&probe));
    ck_assert_int_eq(probe.values[CANARY_UNANSWERED], 1);
    ck_assert_int_eq(probe.values[CANARY_ANSWERED_AGO], 10000);
    wire_verdict_t late = s_verdict(VERDICT_OK, 3);
    probe_verdict(&probe, &late, 11 * SECOND);
    ck_assert_uint_eq(s_count(CANARY_VERDICT), 0);

    ck_assert(probe_place(&probe, 0, 12 * SECOND));
    wire_verdict_t ok = s_verdict(VERDICT_OK, 4);
    probe_verdict(&probe, &ok, 13 * SECOND);
    probe_tick(&probe, 22 * SECOND);
    ck_assert_int_eq(probe.values[CANARY_UNSEEN], 1);
}
END_TEST

START_TEST(a_verdict_for_another_request_is_none)
{
    ck_assert(probe_place(&probe, 0, 100));
    wire_verdict_t other = s_verdict(VERDICT_OK, 3);
    other.request++;
    probe_verdict(&probe, &other, 200);
    ck_assert(probe_unanswered(&probe));
}
END_TEST

Suite *suite_load_probe(void)
{
    Suite *suite = suite_create("load/probe");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_setup, NULL);
    tcase_add_test(all, a_placement_is_seen_when_a_board_holds_it);
    tcase_add_test(
        all, a_pixel_shown_before_its_verdict_counts_from_when_it_was_shown);
    tcase_add_test(all, the_oldest_moves_are_dropped);
    tcase_add_test(all, what_is_refused_is_counted_by_its_status);
    tcase_add_test(all, what_comes_too_late_is_lost);
    tcase_add_test(all, a_verdict_for_another_request_is_none);
    suite_add_tcase(suite, all);
    return suite;
}
