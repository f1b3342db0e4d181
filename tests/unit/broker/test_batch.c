/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/batch.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 1000u

static batch_t *batch;
static board_t *board;

static void s_set_up(void)
{
    batch = batch_new(5000);
    board = board_new(WIDTH, 1000, 4);
}

static void s_tear_down(void)
{
    batch_destroy(&batch);
    board_destroy(&board);
}

static void s_add(uint32_t index, uint8_t color)
{
    record_t record = {.seq = batch_next(batch),
                       .x = (uint16_t)(index % WIDTH),
                       .y = (uint16_t)(index / WIDTH),
                       .color = color,
                       .previous_color = board_set(board, index, color)};
    batch_add(batch, &record, index);
}

START_TEST(records_follow_the_seq_before_it)
{
    batch_begin(batch, (position_t){.seq = 41}, 4);
    ck_assert_uint_eq(batch_next(batch) - 1, 41);
    s_add(5, 3);
    s_add(7, 4);
    ck_assert_uint_eq(batch_from(batch).seq, 41);
    ck_assert_uint_eq(batch_next(batch) - 1, 43);
    ck_assert_uint_eq(batch_count(batch), 2);
    ck_assert_uint_eq(record_decode(batch_records(batch)).seq, 42);
    ck_assert_uint_eq(record_decode(batch_records(batch) + RECORD_BYTES).color,
                      4);
}
END_TEST

START_TEST(pixels_are_words_behind_their_lengths)
{
    static const char expected[] = "\3SET\2u4\2#5\1"
                                   "3\3SET\2u4\7#999999\2"
                                   "15\3GET\2u8";
    batch_begin(batch, (position_t){.seq = 0}, 4);
    s_add(5, 3);
    s_add(999999, 15);
    batch_seal(batch);
    ck_assert_uint_eq(batch_chunks(batch), 1);
    batch_chunk_t chunk = batch_chunk(batch, 0);
    ck_assert_uint_eq(chunk.words, 10);
    ck_assert_uint_eq(chunk.size, sizeof expected - 1);
    ck_assert_mem_eq(chunk.bytes, expected, chunk.size);
}
END_TEST

START_TEST(eight_bit_board_gets_u8)
{
    batch_begin(batch, (position_t){.seq = 0}, 8);
    record_t record = {.seq = 1, .color = 255};
    batch_add(batch, &record, 0);
    batch_seal(batch);
    batch_chunk_t chunk = batch_chunk(batch, 0);
    ck_assert_mem_eq(chunk.bytes,
                     "\3SET\2u8\2#0\3"
                     "255\3GET\2u8",
                     chunk.size);
}
END_TEST

/* The words of a chunk, counted by their lengths. */
static uint32_t s_words(batch_chunk_t chunk)
{
    uint32_t words = 0;
    for (size_t at = 0; at < chunk.size; words++)
        at += 1u + chunk.bytes[at];
    return words;
}

START_TEST(chunks_fit_luas_stack_and_hold_every_pixel)
{
    for (uint32_t count = 1989; count <= 3982; count += 1) {
        if (count > 1992 && count < 3978)
            continue;
        batch_begin(batch, (position_t){.seq = 0}, 4);
        for (uint32_t i = 0; i < count; i++)
            s_add(i * 3, 1);
        batch_seal(batch);
        uint32_t words = 0;
        for (size_t i = 0; i < batch_chunks(batch); i++) {
            batch_chunk_t chunk = batch_chunk(batch, i);
            ck_assert_uint_eq(s_words(chunk), chunk.words);
            ck_assert_uint_le(chunk.words, 7962);
            words += chunk.words - 2;
        }
        ck_assert_uint_eq(words, count * 4);
    }
}
END_TEST

START_TEST(largest_batch_fits)
{
    batch_begin(batch, (position_t){.seq = 0}, 8);
    while (!batch_full(batch)) {
        record_t record = {.seq = batch_next(batch), .color = 255};
        batch_add(batch, &record, BOARD_PIXELS_MAX - 1);
    }
    batch_seal(batch);
    ck_assert_uint_eq(batch_count(batch), 5000);
    ck_assert_uint_eq(batch_chunks(batch), 3);
}
END_TEST

START_TEST(undo_and_redo_take_pixels_off_and_put_them_back)
{
    board_set(board, 5, 9);
    uint32_t before = board_digest(board);
    batch_begin(batch, (position_t){.seq = 0}, 4);
    s_add(5, 1);
    s_add(5, 2);
    s_add(6, 7);
    s_add(5, 3);
    uint32_t after = board_digest(board);
    batch_undo(batch, board);
    ck_assert_uint_eq(board_digest(board), before);
    ck_assert_uint_eq(board_get(board, 5), 9);
    batch_redo(batch, board);
    ck_assert_uint_eq(board_digest(board), after);
    ck_assert_uint_eq(board_get(board, 5), 3);
}
END_TEST

START_TEST(control_records_have_no_pixel)
{
    batch_begin(batch, (position_t){.seq = 41, .chain = {{1}}}, 4);
    for (int placements = 0; placements < 2; placements++) {
        batch_begin(batch, (position_t){.seq = 41, .chain = {{1}}}, 4);
        if (placements)
            s_add(5, 3);
        uint32_t digest = board_digest(board);
        for (int i = 0; i < 3; i++) {
            record_t record = {.seq = batch_next(batch),
                               .x = UINT16_MAX,
                               .y = UINT16_MAX,
                               .color = 255,
                               .flags = RECORD_CONTROL};
            batch_add_control(batch, &record);
        }
        batch_seal(batch);
        ck_assert_uint_eq(batch_to(batch).seq, 44 + (uint64_t)placements);
        ck_assert_uint_eq(batch_chunks(batch), placements);
        size_t count;
        const uint8_t *controls = batch_controls(batch, &count);
        ck_assert_uint_eq(count, 3);
        ck_assert_uint_eq(record_decode(controls).seq, 42 + placements);
        touched_t *touched = touched_new(WIDTH * 1000);
        batch_touch(batch, touched);
        ck_assert_uint_eq(touched_count(touched), placements);
        touched_destroy(&touched);
        batch_undo(batch, board);
        batch_redo(batch, board);
        ck_assert_uint_eq(board_digest(board), digest);
    }
}
END_TEST

START_TEST(touch_adds_each_pixel_once)
{
    touched_t *set = touched_new(board_pixels(board));
    batch_begin(batch, (position_t){.seq = 0}, 4);
    s_add(5, 1);
    s_add(900, 1);
    s_add(5, 2);
    batch_touch(batch, set);
    ck_assert_uint_eq(touched_count(set), 2);
    touched_destroy(&set);
}
END_TEST

Suite *suite_broker_batch(void);
Suite *suite_broker_batch(void)
{
    Suite *suite = suite_create("broker/batch");
    TCase *tc = tcase_create("batch");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, records_follow_the_seq_before_it);
    tcase_add_test(tc, pixels_are_words_behind_their_lengths);
    tcase_add_test(tc, eight_bit_board_gets_u8);
    tcase_add_test(tc, chunks_fit_luas_stack_and_hold_every_pixel);
    tcase_add_test(tc, largest_batch_fits);
    tcase_add_test(tc, undo_and_redo_take_pixels_off_and_put_them_back);
    tcase_add_test(tc, control_records_have_no_pixel);
    tcase_add_test(tc, touch_adds_each_pixel_once);
    suite_add_tcase(suite, tc);
    return suite;
}
