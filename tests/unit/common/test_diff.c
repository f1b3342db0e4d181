/* SPDX-License-Identifier: Apache-2.0 */
#include "common/diff.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_common_diff(void);

#define WIDTH 90
#define HEIGHT 70
#define PIXELS (WIDTH * HEIGHT)

static board_t *board;
static touched_t *set;
static uint8_t body[DIFF_HEAD_MAX_BYTES + PIXELS * DIFF_PIXEL_MAX_BYTES];

static void s_start(void)
{
    board = board_new(WIDTH, HEIGHT, 4);
    set = touched_new(PIXELS);
}

static void s_end(void)
{
    board_destroy(&board);
    touched_destroy(&set);
}

static void s_touch(uint32_t index, uint8_t color)
{
    board_set(board, index, color);
    touched_add(set, index);
}

START_TEST(an_empty_diff_has_its_range)
{
    diff_t diff;
    size_t size = diff_encode(body, sizeof body, 5, 5, set, board);
    ck_assert_uint_eq(size, 17);
    ck_assert_int_eq(diff_open(&diff, body, size, PIXELS, 4), 0);
    ck_assert_uint_eq(diff.from, 5);
    ck_assert_uint_eq(diff.to, 5);
    uint32_t index;
    uint8_t color;
    ck_assert_int_eq(diff_next(&diff, &index, &color), 0);
}
END_TEST

START_TEST(any_set_round_trips_in_ascending_order)
{
    srand((unsigned)_i);
    int count = rand() % 3000;
    for (int n = 0; n < count; n++)
        s_touch((uint32_t)rand() % PIXELS, (uint8_t)(rand() % 16));
    size_t size = diff_encode(body, sizeof body, 1, 9, set, board);
    ck_assert_uint_le(size, diff_bound(touched_count(set)));
    board_t *copy = board_new(WIDTH, HEIGHT, 4);
    diff_t diff;
    uint32_t index, last = 0, seen = 0;
    uint8_t color;
    ck_assert_int_eq(diff_open(&diff, body, size, PIXELS, 4), 0);
    ck_assert(diff_valid(&diff));
    while (diff_next(&diff, &index, &color) == 1) {
        ck_assert(!seen || index > last);
        last = index;
        board_set(copy, index, color);
        seen++;
    }
    ck_assert_uint_eq(seen, touched_count(set));
    ck_assert_uint_eq(board_digest(copy), board_digest(board));
    board_destroy(&copy);
}
END_TEST

START_TEST(first_and_last_pixel_are_carried)
{
    s_touch(0, 1);
    s_touch(PIXELS - 1, 2);
    size_t size = diff_encode(body, sizeof body, 0, 2, set, board);
    diff_t diff;
    uint32_t index;
    uint8_t color;
    ck_assert_int_eq(diff_open(&diff, body, size, PIXELS, 4), 0);
    ck_assert_int_eq(diff_next(&diff, &index, &color), 1);
    ck_assert(index == 0 && color == 1);
    ck_assert_int_eq(diff_next(&diff, &index, &color), 1);
    ck_assert(index == PIXELS - 1 && color == 2);
    /* On a board that is one pixel smaller the last is off it. */
    ck_assert_int_eq(diff_open(&diff, body, size, PIXELS - 1, 4), 0);
    ck_assert(!diff_valid(&diff));
}
END_TEST

START_TEST(truncation_at_every_byte_is_malformed)
{
    for (uint32_t i = 0; i < 200; i += 7)
        s_touch(i * 31 % PIXELS, 3);
    size_t size = diff_encode(body, sizeof body, 1, 9, set, board);
    for (size_t cut = 0; cut < size; cut++) {
        diff_t diff;
        if (diff_open(&diff, body, cut, PIXELS, 4) == 0)
            ck_assert(!diff_valid(&diff));
    }
    diff_t diff;
    ck_assert_int_eq(diff_open(&diff, body, size + 1, PIXELS, 4), 0);
    ck_assert(!diff_valid(&diff));
}
END_TEST

START_TEST(a_range_that_runs_backwards_is_malformed)
{
    diff_t diff;
    size_t size = diff_encode(body, sizeof body, 9, 1, set, board);
    ck_assert_int_eq(diff_open(&diff, body, size, PIXELS, 4), -1);
}
END_TEST

START_TEST(too_small_a_buffer_is_told)
{
    s_touch(1, 1);
    ck_assert_uint_eq(diff_encode(body, 17, 1, 2, set, board), 0);
    ck_assert_uint_eq(diff_encode(body, 18, 1, 2, set, board), 18);
}
END_TEST

START_TEST(touched_is_a_sorted_set)
{
    static bool model[PIXELS];
    for (int round = 0; round < 3; round++) {
        memset(model, 0, sizeof model);
        uint32_t count = 0;
        for (int n = 0; n < 500; n++) {
            uint32_t i = (uint32_t)rand() % PIXELS;
            count += !model[i];
            model[i] = true;
            touched_add(set, i);
        }
        ck_assert_uint_eq(touched_count(set), count);
        uint32_t at = 0;
        for (uint32_t i = 0; i < PIXELS; i++) {
            if (!model[i])
                continue;
            ck_assert(touched_next(set, &at));
            ck_assert_uint_eq(at++, i);
        }
        ck_assert(!touched_next(set, &at));
        touched_clear(set);
        at = 0;
        ck_assert(!touched_next(set, &at));
        ck_assert_uint_eq(touched_count(set), 0);
    }
}
END_TEST

Suite *suite_common_diff(void)
{
    Suite *suite = suite_create("common/diff");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_start, s_end);
    tcase_add_test(all, an_empty_diff_has_its_range);
    tcase_add_loop_test(all, any_set_round_trips_in_ascending_order, 0, 20);
    tcase_add_test(all, first_and_last_pixel_are_carried);
    tcase_add_test(all, truncation_at_every_byte_is_malformed);
    tcase_add_test(all, a_range_that_runs_backwards_is_malformed);
    tcase_add_test(all, too_small_a_buffer_is_told);
    tcase_add_test(all, touched_is_a_sorted_set);
    suite_add_tcase(suite, all);
    return suite;
}
