/* SPDX-License-Identifier: Apache-2.0 */
#include "load/replay.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY(offset, color) ((uint32_t)(offset) | (uint32_t)(color) << 20)

/* Two steps: of three and of two entries. */
static const uint32_t RECORD[] = {
    1490918688, 3, 3, ENTRY(0, 1), ENTRY(7, 2), ENTRY(999999, 15),
    1490920000, 5, 2, ENTRY(0, 3), ENTRY(8, 0),
};

static replay_t replay;

static int s_parse(const void *bytes, size_t size, uint32_t placers,
                   uint32_t limit)
{
    return replay_parse(&replay, bytes, size, placers, limit);
}

START_TEST(entries_keep_their_order_for_one_placer)
{
    ck_assert_int_eq(s_parse(RECORD, sizeof RECORD, 1, 0), 0);
    ck_assert_uint_eq(replay.count, 5);
    ck_assert_uint_eq(replay.entries[0], ENTRY(0, 1));
    ck_assert_uint_eq(replay.entries[3], ENTRY(0, 3));
    ck_assert_uint_eq(replay.starts[0], 0);
    ck_assert_uint_eq(replay.starts[1], 5);
    replay_free(&replay);
}
END_TEST

START_TEST(pixel_belongs_to_one_placer_and_keeps_its_order)
{
    ck_assert_int_eq(s_parse(RECORD, sizeof RECORD, 16, 0), 0);
    uint32_t found = 0;
    for (uint32_t p = 0; p < 16; p++)
        for (uint32_t i = replay.starts[p]; i < replay.starts[p + 1]; i++)
            if (replay.entries[i] % REPLAY_PIXELS == 0)
                ck_assert_uint_eq(replay.entries[i] >> 20, found++ ? 3 : 1);
    ck_assert_uint_eq(found, 2);
    ck_assert_uint_eq(replay.starts[16], 5);
    replay_free(&replay);
}
END_TEST

START_TEST(final_board_shows_the_last_color_of_each_pixel)
{
    ck_assert_int_eq(s_parse(RECORD, sizeof RECORD, 4, 0), 0);
    ck_assert_uint_eq(replay.final[0], 3);
    ck_assert_uint_eq(replay.final[7], 2);
    ck_assert_uint_eq(replay.final[999999], 15);
    replay_free(&replay);
}
END_TEST

START_TEST(limit_cuts_the_record)
{
    ck_assert_int_eq(s_parse(RECORD, sizeof RECORD, 4, 3), 0);
    ck_assert_uint_eq(replay.count, 3);
    ck_assert_uint_eq(replay.final[0], 1);
    replay_free(&replay);
}
END_TEST

START_TEST(record_cut_within_a_step_is_refused)
{
    for (size_t size = 1; size < sizeof RECORD; size++) {
        if (size == 6 * sizeof(uint32_t))
            continue; /* the end of the first step */
        ck_assert_msg(s_parse(RECORD, size, 4, 0) < 0, "%zu", size);
    }
}
END_TEST

Suite *suite_load_replay(void);
Suite *suite_load_replay(void)
{
    Suite *suite = suite_create("load/replay");
    TCase *tests = tcase_create("replay");
    tcase_add_test(tests, entries_keep_their_order_for_one_placer);
    tcase_add_test(tests, pixel_belongs_to_one_placer_and_keeps_its_order);
    tcase_add_test(tests, final_board_shows_the_last_color_of_each_pixel);
    tcase_add_test(tests, limit_cuts_the_record);
    tcase_add_test(tests, record_cut_within_a_step_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
