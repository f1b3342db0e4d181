/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/parts.h"

#include "broker/metrics.h"
#include "tests/unit/logged.h"

static parts_t parts;

static void s_set_up(void)
{
    canvas_t canvas;
    canvas_init(&canvas, 20, 10, 4);
    parts = (parts_t){.now = {.wall_ms = 1000000}};
    world_init(&parts.world);
    world_open(&parts.world, &canvas);
}

static void s_tear_down(void)
{
    world_fini(&parts.world);
}

static void s_placed(uint64_t at_ms)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = {.seq = parts.world.seq + 1, .placed_at_ms = at_ms};
    record_encode(bytes, &record);
    ck_assert_int_eq(world_apply(&parts.world, bytes, 1), 0);
    history_append(parts.world.history, bytes, 1);
}

START_TEST(store_is_behind_since_its_oldest_missing_record)
{
    ck_assert_uint_eq(parts_behind_ms(&parts), 0);
    s_placed(400000);
    s_placed(700000);
    ck_assert_uint_eq(parts_behind_ms(&parts), 600000);
    parts.persisters.checkpoint = 1;
    ck_assert_uint_eq(parts_behind_ms(&parts), 300000);
    parts.persisters.checkpoint = 2;
    ck_assert_uint_eq(parts_behind_ms(&parts), 0);
}
END_TEST

START_TEST(record_from_the_future_does_not_wait)
{
    s_placed(1000001);
    ck_assert_uint_eq(parts_behind_ms(&parts), 0);
}
END_TEST

START_TEST(log_that_is_not_loaded_yet_tells_nothing)
{
    parts.world.seq = 7;
    ck_assert_uint_eq(parts_behind_ms(&parts), 0);
}
END_TEST

START_TEST(what_is_lost_is_counted_and_logged_from_first_to_last)
{
    uint64_t lost = metrics[METRIC_HISTORY_LOST];
    s_log_catch();
    parts_say_lost(&parts, 7, 9, "forked");
    ck_assert_ptr_nonnull(
        strstr(s_logged(), "event=history_lost from=7 to=9 why=forked"));
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost + 3);
    parts_say_lost(&parts, 7, 0, "redis_lost_its_end");
    ck_assert_ptr_nonnull(strstr(s_logged(), " from=7 to=unknown why="));
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost + 4);
    s_log_release();
}
END_TEST

Suite *suite_broker_parts(void);
Suite *suite_broker_parts(void)
{
    Suite *suite = suite_create("broker/parts");
    TCase *tcase = tcase_create("behind");
    tcase_add_checked_fixture(tcase, s_set_up, s_tear_down);
    tcase_add_test(tcase, store_is_behind_since_its_oldest_missing_record);
    tcase_add_test(tcase, record_from_the_future_does_not_wait);
    tcase_add_test(tcase, log_that_is_not_loaded_yet_tells_nothing);
    tcase_add_test(tcase,
                   what_is_lost_is_counted_and_logged_from_first_to_last);
    suite_add_tcase(suite, tcase);
    return suite;
}
