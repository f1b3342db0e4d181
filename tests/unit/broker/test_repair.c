/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/repair.h"

#include "tests/unit/broker/phases.h"

static repair_t repair;

static void s_set_up(void)
{
    s_set_up_parts();
    repair = (repair_t){0};
}

START_TEST(end_is_appended_if_the_log_reaches_back)
{
    s_open_world(20);
    position_t at = {12, history_chain(parts.world.history, 12)};
    repair_start(&repair, &parts, &at);
    ck_assert_int_eq(fake.last, ASKED_PUT_LOG);
    ck_assert_int_eq(repair_on_put(&repair, &parts, true), REPAIR_GOES_ON);
    ck_assert_int_eq(fake.last, ASKED_PUT_BOARD);
    ck_assert(!fake.whole_log);
    ck_assert_uint_eq(fake.put_at.seq, 20);
    ck_assert_int_eq(repair_on_put(&repair, &parts, true), REPAIR_DONE);
    ck_assert(!repair.active);
}
END_TEST

START_TEST(whole_log_is_written_if_nothing_of_redis_is_kept)
{
    s_open_world(20);
    repair_start(&repair, &parts, NULL);
    repair_on_put(&repair, &parts, true);
    ck_assert(fake.whole_log);
    history_trim(parts.world.history, 10);
    position_t behind = {5, {{1}}};
    repair = (repair_t){0};
    repair_start(&repair, &parts, &behind);
    repair_on_put(&repair, &parts, true);
    ck_assert(fake.whole_log);
}
END_TEST

START_TEST(blank_canvas_is_written_too)
{
    s_open_world(0);
    repair_start(&repair, &parts, NULL);
    ck_assert_int_eq(fake.last, ASKED_PUT_LOG);
    ck_assert_int_eq(repair_on_put(&repair, &parts, true), REPAIR_GOES_ON);
    ck_assert_int_eq(repair_on_put(&repair, &parts, true), REPAIR_DONE);
}
END_TEST

START_TEST(refused_repair_ends)
{
    s_open_world(20);
    repair_start(&repair, &parts, NULL);
    ck_assert_int_eq(repair_on_put(&repair, &parts, false), REPAIR_REFUSED);
    ck_assert(!repair.active);
}
END_TEST

Suite *suite_broker_repair(void);
Suite *suite_broker_repair(void)
{
    Suite *suite = suite_create("broker/repair");
    TCase *tc = tcase_create("repair");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down_parts);
    tcase_add_test(tc, end_is_appended_if_the_log_reaches_back);
    tcase_add_test(tc, whole_log_is_written_if_nothing_of_redis_is_kept);
    tcase_add_test(tc, blank_canvas_is_written_too);
    tcase_add_test(tc, refused_repair_ends);
    suite_add_tcase(suite, tc);
    return suite;
}
