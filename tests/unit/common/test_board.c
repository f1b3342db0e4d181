/* SPDX-License-Identifier: Apache-2.0 */
#include "common/board.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_common_board(void);

/* The digest by its definition, pixel by pixel. */
static uint32_t s_digest(const board_t *board)
{
    uint32_t digest = 0;
    for (uint32_t i = 0; i < board_pixels(board); i++)
        if (board_get(board, i))
            digest ^= fmix32(i * 256u + board_get(board, i));
    return digest;
}

START_TEST(sides_and_bits_out_of_range_are_refused)
{
    ck_assert_ptr_null(board_new(0, 1, 4));
    ck_assert_ptr_null(board_new(1, 65536, 4));
    ck_assert_ptr_null(board_new(65535, 65535, 4));
    ck_assert_ptr_null(board_new(10, 10, 5));
}
END_TEST

START_TEST(blank_board_has_digest_0)
{
    board_t *board = board_new(3, 3, 4);
    ck_assert_uint_eq(board_digest(board), 0);
    ck_assert_uint_eq(board_size_bytes(board), 5);
    board_destroy(&board);
    ck_assert_ptr_null(board);
}
END_TEST

START_TEST(even_index_is_the_high_half)
{
    board_t *board = board_new(2, 1, 4);
    board_set(board, 0, 0xA);
    board_set(board, 1, 0x5);
    ck_assert_uint_eq(board_bytes(board)[0], 0xA5);
    board_destroy(&board);
}
END_TEST

START_TEST(fmix32_is_murmur3s)
{
    ck_assert_uint_eq(fmix32(0), 0);
    ck_assert_uint_eq(fmix32(1), 0x514E28B7u);
    ck_assert_uint_eq(fmix32(0xFFFFFFFFu), 0x81F16F39u);
}
END_TEST

START_TEST(set_returns_the_colour_before_and_keeps_the_digest)
{
    unsigned bits = _i ? 8 : 4;
    board_t *board = board_new(37, 11, bits);
    uint8_t *model = calloc(board_pixels(board), 1);
    srand(7);
    for (int n = 0; n < 5000; n++) {
        uint32_t at = (uint32_t)rand() % board_pixels(board);
        uint8_t color = (uint8_t)((unsigned)rand() % (1u << bits));
        ck_assert_uint_eq(board_set(board, at, color), model[at]);
        model[at] = color;
    }
    for (uint32_t i = 0; i < board_pixels(board); i++)
        ck_assert_uint_eq(board_get(board, i), model[i]);
    ck_assert_uint_eq(board_digest(board), s_digest(board));
    free(model);
    board_destroy(&board);
}
END_TEST

START_TEST(load_computes_the_digest_and_checks_the_size)
{
    board_t *from = board_new(5, 5, 4), *to = board_new(5, 5, 4);
    for (uint32_t i = 0; i < 25; i++)
        board_set(from, i, (uint8_t)(i % 16));
    ck_assert_int_eq(board_load(to, board_bytes(from), 12), -1);
    ck_assert_uint_eq(board_digest(to), 0);
    ck_assert_int_eq(board_load(to, board_bytes(from), 13), 0);
    ck_assert_uint_eq(board_digest(to), board_digest(from));
    board_clear(to);
    ck_assert_uint_eq(board_digest(to), s_digest(to));
    board_destroy(&from);
    board_destroy(&to);
}
END_TEST

Suite *suite_common_board(void)
{
    Suite *suite = suite_create("common/board");
    TCase *all = tcase_create("all");
    tcase_add_test(all, sides_and_bits_out_of_range_are_refused);
    tcase_add_test(all, blank_board_has_digest_0);
    tcase_add_test(all, even_index_is_the_high_half);
    tcase_add_test(all, fmix32_is_murmur3s);
    tcase_add_loop_test(all, set_returns_the_colour_before_and_keeps_the_digest,
                        0, 2);
    tcase_add_test(all, load_computes_the_digest_and_checks_the_size);
    suite_add_tcase(suite, all);
    return suite;
}
