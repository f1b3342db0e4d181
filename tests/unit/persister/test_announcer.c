/* SPDX-License-Identifier: Apache-2.0
 *
 * What of the records that a persister takes is offered to a webhook, which is
 * not there.
 */
#include "persister/announcer.h"

#include <check.h>

Suite *suite_persister_announcer(void);

#define NOW_MS UINT64_C(1700000000000)

static announcer_t announcer;
static uint8_t bytes[(CONTROL_RECORDS_MAX + 2) * RECORD_BYTES];

static void s_setup(void)
{
    persister_config_t config = {.webhook_url = (char *)"http://127.0.0.1:9/",
                                 .webhook_secret_file = (char *)"",
                                 .webhook_shape = (char *)"json"};
    announcer = (announcer_t){0};
    ck_assert_int_eq(announcer_start(&announcer, &config), 0);
}

static void s_teardown(void)
{
    announcer_stop(&announcer);
}

/* A placement, an action of that time and another placement; how many records
 * that are. */
static size_t s_make(uint64_t at_ms)
{
    static const record_t placement = {.seq = 1, .x = 3, .y = 4, .color = 5};
    static record_t records[CONTROL_RECORDS_MAX + 2];
    control_t ban = {.at_ms = at_ms,
                     .verb = CONTROL_BAN,
                     .of = {.user = 7, .has = HAS_USER},
                     .text = "a reason that takes some records more"};
    records[0] = placement;
    size_t count = 1 + control_records(&ban, 2, records + 1);
    records[count++] = placement;
    for (size_t i = 0; i < count; i++)
        record_encode(bytes + i * RECORD_BYTES, &records[i]);
    return count;
}

START_TEST(an_action_is_offered_once_and_placements_are_not)
{
    announcer_see(&announcer, bytes, s_make(NOW_MS), 0, NOW_MS);
    ck_assert_uint_eq(announcer.offered, 1);
    ck_assert_uint_eq(announcer.dropped, 0);
}
END_TEST

START_TEST(what_is_old_is_dropped_and_counted)
{
    size_t count = s_make(NOW_MS);
    announcer_see(&announcer, bytes, count, 0,
                  NOW_MS + WEBHOOK_PATIENCE_MS + 1);
    ck_assert_uint_eq(announcer_dropped(&announcer), 1);
    ck_assert_uint_eq(announcer_waiting(&announcer), 0);
}
END_TEST

START_TEST(what_was_seen_before_is_not_offered_again)
{
    size_t count = s_make(NOW_MS);
    announcer_see(&announcer, bytes, count, 0, NOW_MS);
    announcer_see(&announcer, bytes, count, count - 1, NOW_MS);
    ck_assert_uint_eq(announcer.offered, 1);
}
END_TEST

START_TEST(an_action_may_come_in_two_messages)
{
    size_t count = s_make(NOW_MS);
    announcer_see(&announcer, bytes, 2, 0, NOW_MS);
    ck_assert_uint_eq(announcer.offered, 0);
    announcer_see(&announcer, bytes, count, 2, NOW_MS);
    ck_assert_uint_eq(announcer.offered, 1);
}
END_TEST

Suite *suite_persister_announcer(void)
{
    Suite *suite = suite_create("persister/announcer");
    TCase *tcase = tcase_create("announcer");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, an_action_is_offered_once_and_placements_are_not);
    tcase_add_test(tcase, what_is_old_is_dropped_and_counted);
    tcase_add_test(tcase, what_was_seen_before_is_not_offered_again);
    tcase_add_test(tcase, an_action_may_come_in_two_messages);
    suite_add_tcase(suite, tcase);
    return suite;
}
