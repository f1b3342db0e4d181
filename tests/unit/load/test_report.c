/* SPDX-License-Identifier: Apache-2.0 */
#include "load/report.h"

#include <check.h>
#include <jansson.h>
#include <string.h>

static report_t report, other;
static outcome_t outcome;

static void s_begin(void)
{
    memset(&report, 0, sizeof report);
    memset(&other, 0, sizeof other);
    report.opened = 1;
    outcome = (outcome_t){.workers_ok = true};
}

START_TEST(nothing_wrong_is_ok)
{
    ck_assert(report_ok(&report, &outcome));
}
END_TEST

START_TEST(whatever_is_wrong_is_not_ok)
{
    uint64_t *const counters[] = {
        &report.digest_mismatches,
        &report.board_mismatches,
        &report.conflicts,
        &report.malformed,
        &report.unasked,
        &report.unanswered,
        &report.behind_at_end,
        &report.ledger.not_seen,
        &report.ledger.wrong_color,
        &report.ledger.seq_reused,
    };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        *counters[i] = 1;
        ck_assert(!report_ok(&report, &outcome));
        *counters[i] = 0;
    }
    report.opened = 0;
    ck_assert(!report_ok(&report, &outcome));
}
END_TEST

START_TEST(board_that_was_checked_must_be_right)
{
    outcome.board_checked = true;
    ck_assert(!report_ok(&report, &outcome));
    outcome.board_ok = outcome.board_digest_ok = true;
    ck_assert(report_ok(&report, &outcome));
}
END_TEST

START_TEST(replay_must_be_whole_and_equal)
{
    outcome.replay_size = 10;
    outcome.replay_equal = true;
    report.ledger.acknowledged = 9;
    ck_assert(!report_ok(&report, &outcome));
    report.ledger.acknowledged = 10;
    ck_assert(report_ok(&report, &outcome));
    outcome.expect_given = true;
    ck_assert(!report_ok(&report, &outcome));
    outcome.expect_equal = true;
    ck_assert(report_ok(&report, &outcome));
}
END_TEST

START_TEST(workers_add_up)
{
    report.frames = 5;
    report.frames_least = 2, report.frames_most = 3;
    report.first_sent_us = 100;
    other.frames = 7;
    other.frames_least = 1, other.frames_most = 9;
    other.first_sent_us = 50, other.last_verdict_us = 900;
    other.verdicts[VERDICT_OK] = 4;
    other.ledger.seen = 4;
    report_merge(&report, &other);
    ck_assert_uint_eq(report.frames, 12);
    ck_assert_uint_eq(report.frames_least, 1);
    ck_assert_uint_eq(report.frames_most, 9);
    ck_assert_uint_eq(report.first_sent_us, 50);
    ck_assert_uint_eq(report.last_verdict_us, 900);
    ck_assert_uint_eq(report.verdicts[VERDICT_OK], 4);
    ck_assert_uint_eq(report.ledger.seen, 4);
}
END_TEST

START_TEST(worker_that_placed_nothing_leaves_the_first_time)
{
    report.first_sent_us = 100;
    report_merge(&report, &other);
    ck_assert_uint_eq(report.first_sent_us, 100);
}
END_TEST

START_TEST(close_codes_have_their_places)
{
    ck_assert_uint_ne(report_close(1006), report_close(1012));
    ck_assert_uint_eq(report_close(4401), report_close(1011));
}
END_TEST

START_TEST(json_is_one_object)
{
    FILE *file = tmpfile();
    report_print_json(&report, &outcome, file);
    report_print(&report, &outcome, file);
    rewind(file);
    json_t *json = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
    ck_assert(json_is_object(json));
    ck_assert(json_is_true(json_object_get(json, "ok")));
    ck_assert(json_is_object(json_object_get(json, "place_to_seen_ms")));
    json_decref(json);
    fclose(file);
}
END_TEST

Suite *suite_load_report(void);
Suite *suite_load_report(void)
{
    Suite *suite = suite_create("load/report");
    TCase *tests = tcase_create("report");
    tcase_add_checked_fixture(tests, s_begin, NULL);
    tcase_add_test(tests, nothing_wrong_is_ok);
    tcase_add_test(tests, whatever_is_wrong_is_not_ok);
    tcase_add_test(tests, board_that_was_checked_must_be_right);
    tcase_add_test(tests, replay_must_be_whole_and_equal);
    tcase_add_test(tests, workers_add_up);
    tcase_add_test(tests, worker_that_placed_nothing_leaves_the_first_time);
    tcase_add_test(tests, close_codes_have_their_places);
    tcase_add_test(tests, json_is_one_object);
    suite_add_tcase(suite, tests);
    return suite;
}
