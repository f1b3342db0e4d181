/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/backfill.h"

#include <check.h>

static backfill_t backfill;
static uint64_t since;

static void s_set_up(void)
{
    backfill = (backfill_t){0};
}

START_TEST(steps_grow_up_to_the_last)
{
    static const uint64_t back[] = {256, 1024, 4096, 16384, 65536};
    backfill_on_board(&backfill, 100000, true);
    for (size_t i = 0; i < sizeof back / sizeof *back; i++) {
        ck_assert(backfill_next(&backfill, &since));
        ck_assert_uint_eq(since, 100000 - back[i]);
    }
    ck_assert(!backfill_next(&backfill, &since));
}
END_TEST

START_TEST(the_beginning_of_history_is_the_end_of_it)
{
    backfill_on_board(&backfill, 300, true);
    ck_assert(backfill_next(&backfill, &since));
    ck_assert_uint_eq(since, 44);
    ck_assert(backfill_next(&backfill, &since));
    ck_assert_uint_eq(since, 0);
    ck_assert(!backfill_next(&backfill, &since));
}
END_TEST

START_TEST(board_instead_of_a_step_ends_it)
{
    backfill_on_board(&backfill, 100000, true);
    ck_assert(backfill_next(&backfill, &since));
    backfill_on_board(&backfill, 100010, true);
    ck_assert(!backfill_next(&backfill, &since));
}
END_TEST

START_TEST(nothing_is_asked_of_a_blank_or_a_known_board)
{
    backfill_on_board(&backfill, 0, true);
    ck_assert(!backfill_next(&backfill, &since));
    backfill_on_board(&backfill, 500, false);
    ck_assert(!backfill_next(&backfill, &since));
}
END_TEST

Suite *suite_edge_backfill(void);
Suite *suite_edge_backfill(void)
{
    Suite *suite = suite_create("edge/backfill");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_set_up, NULL);
    tcase_add_test(facts, steps_grow_up_to_the_last);
    tcase_add_test(facts, the_beginning_of_history_is_the_end_of_it);
    tcase_add_test(facts, board_instead_of_a_step_ends_it);
    tcase_add_test(facts, nothing_is_asked_of_a_blank_or_a_known_board);
    suite_add_tcase(suite, facts);
    return suite;
}
