/* SPDX-License-Identifier: Apache-2.0 */
#include "load/ledger.h"

#include "common/cursor.h"

#include <check.h>
#include <string.h>

#define SIDE 10

static history_t *history;
static histogram_t seen;
static ledger_t *ledger;
static state_t *witness;

static void s_begin(void)
{
    memset(&seen, 0, sizeof seen);
    history = history_new();
    ledger = ledger_new(false, &seen);
    witness = history_blank(history, SIDE, SIDE, 4);
}

static void s_end(void)
{
    state_unref(&witness);
    ledger_destroy(&ledger);
    history_destroy(&history);
}

static void s_ack(uint64_t seq, uint32_t pixel, uint8_t color)
{
    ack_t ack = {.seq = seq, .sent_us = 100, .pixel = pixel, .color = color};
    ledger_ack(ledger, &ack, 150);
}

/* The witness gets the diff (its seq, to] of at most two pixels, ascending. */
static void s_show(uint64_t to, int count, const uint8_t pixels[][2])
{
    uint8_t body[64];
    writer_t w = writer_of(body, sizeof body);
    int before = -1;
    write_u64(&w, state_seq(witness));
    write_u64(&w, to);
    write_varint(&w, (uint64_t)count);
    for (int i = 0; i < count; i++) {
        write_varint(
            &w, (uint64_t)((pixels[i][0] - before - 1) << 4 | pixels[i][1]));
        before = pixels[i][0];
    }
    size_t size = (size_t)(w.at - body);
    state_t *old = state_ref(witness);
    ck_assert_int_eq(history_apply(history, &witness, body, size), STATE_MOVED);
    ledger_shown(ledger, old, witness, body, size, 300);
    state_unref(&old);
}

static void s_expect(uint64_t seen_count, uint64_t not_seen, uint64_t wrong)
{
    ledger_counts_t counts = ledger_counts(ledger);
    ck_assert_uint_eq(counts.seen, seen_count);
    ck_assert_uint_eq(counts.not_seen, not_seen);
    ck_assert_uint_eq(counts.wrong_color, wrong);
    ck_assert_uint_eq(counts.unjudged, 0);
}

START_TEST(acknowledged_then_shown_is_seen)
{
    s_ack(1, 5, 7);
    ck_assert_uint_eq(ledger_waiting(ledger), 1);
    s_show(1, 1, (const uint8_t[][2]){{5, 7}});
    s_expect(1, 0, 0);
    ck_assert_uint_eq(ledger_waiting(ledger), 0);
    ck_assert_uint_eq(seen.max_us, 200);
}
END_TEST

START_TEST(shown_then_acknowledged_is_seen)
{
    s_show(3, 1, (const uint8_t[][2]){{5, 7}});
    s_ack(2, 5, 7);
    s_expect(1, 0, 0);
}
END_TEST

START_TEST(never_shown_is_not_seen)
{
    s_ack(1, 5, 7);
    s_expect(0, 1, 0);
}
END_TEST

START_TEST(diff_without_the_pixel_is_not_seen)
{
    s_ack(1, 5, 7);
    s_show(2, 1, (const uint8_t[][2]){{6, 7}});
    s_ack(2, 5, 7);
    s_expect(0, 2, 0);
}
END_TEST

START_TEST(another_color_is_wrong)
{
    s_ack(1, 5, 7);
    s_show(2, 1, (const uint8_t[][2]){{5, 8}});
    s_expect(1, 0, 1);
}
END_TEST

START_TEST(color_overwritten_within_the_diff_is_right)
{
    s_ack(1, 5, 7);
    s_ack(2, 5, 8);
    s_show(2, 1, (const uint8_t[][2]){{5, 8}});
    s_expect(2, 0, 0);
}
END_TEST

START_TEST(late_acknowledgement_explains_the_color)
{
    s_ack(1, 5, 7);
    s_show(2, 1, (const uint8_t[][2]){{5, 8}});
    s_ack(2, 5, 8);
    s_expect(2, 0, 0);
}
END_TEST

START_TEST(colors_are_not_judged_where_others_place)
{
    ledger_destroy(&ledger);
    ledger = ledger_new(true, &seen);
    s_ack(1, 5, 7);
    s_show(2, 1, (const uint8_t[][2]){{5, 8}});
    s_expect(1, 0, 0);
}
END_TEST

START_TEST(one_seq_for_two_placements_is_told)
{
    s_ack(4, 5, 7);
    s_ack(4, 5, 7);
    ck_assert_uint_eq(ledger_counts(ledger).seq_reused, 0);
    s_ack(4, 6, 7);
    ck_assert_uint_eq(ledger_counts(ledger).seq_reused, 1);
}
END_TEST

START_TEST(fetched_board_covers_all_up_to_its_seq)
{
    uint8_t bytes[40 + SIDE * SIDE / 2] = {
        'S', 'T', 'P', 'L', 1, 4, 40, 0, SIDE, 0, 0, 0, SIDE, 0, 0, 0, 9};
    int digest_ok;
    bytes[40] = 0x70; /* pixel 0 shows 7 */
    s_ack(3, 0, 7);
    s_ack(4, 1, 7);
    state_t *board = history_board(history, bytes, sizeof bytes, &digest_ok);
    ledger_shown(ledger, witness, board, NULL, 0, 300);
    s_ack(9, 2, 0);
    s_expect(3, 0, 1);
    state_unref(&board);
}
END_TEST

START_TEST(acknowledgements_far_ahead_of_the_witness_wait)
{
    for (uint64_t seq = 1; seq <= 200000; seq++)
        s_ack(seq, (uint32_t)(seq % 2), 1);
    ck_assert_uint_eq(ledger_waiting(ledger), 200000);
    s_show(200000, 2, (const uint8_t[][2]){{0, 1}, {1, 1}});
    s_expect(200000, 0, 0);
}
END_TEST

Suite *suite_load_ledger(void);
Suite *suite_load_ledger(void)
{
    Suite *suite = suite_create("load/ledger");
    TCase *tests = tcase_create("ledger");
    tcase_add_checked_fixture(tests, s_begin, s_end);
    tcase_add_test(tests, acknowledged_then_shown_is_seen);
    tcase_add_test(tests, shown_then_acknowledged_is_seen);
    tcase_add_test(tests, never_shown_is_not_seen);
    tcase_add_test(tests, diff_without_the_pixel_is_not_seen);
    tcase_add_test(tests, another_color_is_wrong);
    tcase_add_test(tests, color_overwritten_within_the_diff_is_right);
    tcase_add_test(tests, late_acknowledgement_explains_the_color);
    tcase_add_test(tests, colors_are_not_judged_where_others_place);
    tcase_add_test(tests, one_seq_for_two_placements_is_told);
    tcase_add_test(tests, fetched_board_covers_all_up_to_its_seq);
    tcase_add_test(tests, acknowledgements_far_ahead_of_the_witness_wait);
    suite_add_tcase(suite, tests);
    return suite;
}
