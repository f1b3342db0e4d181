/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/world.h"

#include "common/clock.h"

#include <check.h>

static world_t world;

static uint64_t s_now_ms(void)
{
    return 10000000;
}

static const clock_source_t s_clock = {s_now_ms, s_now_ms};

static void s_set_up(void)
{
    canvas_t canvas;
    canvas_init(&canvas, 20, 10, 4);
    clock_use(&s_clock);
    world_init(&world);
    world_open(&world, &canvas);
}

static void s_tear_down(void)
{
    world_fini(&world);
    clock_use(&clock_system);
}

static void s_record(uint8_t *bytes, record_t record)
{
    record_encode(bytes, &record);
}

START_TEST(records_above_seq_are_applied_once)
{
    uint8_t bytes[3 * RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .x = 1, .y = 1, .color = 5});
    s_record(bytes + RECORD_BYTES, (record_t){.seq = 2, .x = 1, .color = 6});
    s_record(bytes + 2 * RECORD_BYTES,
             (record_t){.seq = 3, .x = 1, .y = 1, .color = 7});
    ck_assert_int_eq(world_apply(&world, bytes, 2), 0);
    ck_assert_uint_eq(board_get(world.board, 21), 5);
    ck_assert_int_eq(world_apply(&world, bytes, 3), 0);
    ck_assert_uint_eq(world.seq, 3);
    ck_assert_uint_eq(board_get(world.board, 21), 7);
    ck_assert_uint_eq(board_get(world.board, 1), 6);
}
END_TEST

START_TEST(gap_and_misfit_are_refused)
{
    static const record_t bad[] = {{.seq = 2},
                                   {.seq = 1, .x = 20},
                                   {.seq = 1, .y = 10},
                                   {.seq = 1, .color = 16},
                                   {.seq = 0}};
    uint8_t bytes[RECORD_BYTES];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s_record(bytes, bad[i]);
        ck_assert_int_eq(world_remember(&world, bytes, 1), -1);
        if (bad[i].seq)
            ck_assert_int_eq(world_apply(&world, bytes, 1), -1);
    }
    ck_assert_uint_eq(world.seq, 0);
    ck_assert_uint_eq(history_next(world.history), 1);
}
END_TEST

START_TEST(users_are_recalled_from_the_window_only)
{
    uint8_t bytes[3 * RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .user = 1, .placed_at_ms = 9399999});
    s_record(bytes + RECORD_BYTES,
             (record_t){.seq = 2, .user = 2, .placed_at_ms = 9400000});
    s_record(bytes + 2 * RECORD_BYTES,
             (record_t){.seq = 3, .user = 2, .placed_at_ms = 9500000});
    ck_assert_int_eq(world_remember(&world, bytes, 3), 0);
    world_recall_users(&world);
    ck_assert_ptr_null(users_find(world.users, 1));
    ck_assert_uint_eq(users_find(world.users, 2)->seq, 3);
}
END_TEST

START_TEST(cleared_world_holds_nothing)
{
    world.epoch = 5;
    world_clear(&world);
    ck_assert_ptr_null(world.board);
    ck_assert_uint_eq(world.epoch, 0);
    ck_assert_uint_eq(history_next(world.history), 1);
}
END_TEST

Suite *suite_broker_world(void);
Suite *suite_broker_world(void)
{
    Suite *suite = suite_create("broker/world");
    TCase *tc = tcase_create("world");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, records_above_seq_are_applied_once);
    tcase_add_test(tc, gap_and_misfit_are_refused);
    tcase_add_test(tc, users_are_recalled_from_the_window_only);
    tcase_add_test(tc, cleared_world_holds_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
