/* SPDX-License-Identifier: Apache-2.0
 *
 * The frames that many are sent: how few are made, and how large they become.
 */
#include "edge/ws/frames.h"

#include "common/backoff.h"
#include "common/diff.h"
#include "common/touched.h"
#include "edge/mirror.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_frames(void);

#define SIDE 400
#define PIXELS (SIDE * SIDE)

static edge_config_t s_config;
static edge_t s_edge;
static board_t *s_board;
static touched_t *s_touched;
static uint64_t s_seq;

static void s_send_board(uint32_t epoch)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    bus_board_t board = {.epoch = epoch,
                         .seq = s_seq,
                         .json = json,
                         .json_size =
                             canvas_to_json(&canvas, json, sizeof json),
                         .pixels = board_bytes(s_board),
                         .pixels_size = board_size_bytes(s_board)};
    mirror_on_board(s_edge.mirror, &board);
}

static void s_setup(void)
{
    s_config = (edge_config_t){.catch_up_bytes = 16 << 20};
    s_edge = (edge_t){.config = &s_config};
    s_edge.mirror = mirror_new(1 << 20);
    s_edge.frames = frames_new(&s_edge);
    s_board = board_new(SIDE, SIDE, 4);
    s_touched = touched_new(PIXELS);
    s_seq = 0;
    s_send_board(1);
}

static void s_teardown(void)
{
    frames_destroy(&s_edge.frames);
    mirror_destroy(&s_edge.mirror);
    board_destroy(&s_board);
    touched_destroy(&s_touched);
}

/* As many placements, each its own diff on the feed. */
static void s_place(unsigned count)
{
    uint8_t bytes[64];
    for (; count; count--, s_seq++) {
        uint32_t index = (uint32_t)random_below(PIXELS);
        board_set(s_board, index, (uint8_t)(1 + index % 15));
        touched_add(s_touched, index);
        size_t size = diff_encode(bytes, sizeof bytes, s_seq, s_seq + 1,
                                  s_touched, s_board);
        touched_clear(s_touched);
        bus_body_t diff = {.epoch = 1, .body = bytes, .size = size};
        ck_assert_int_eq(mirror_on_diff(s_edge.mirror, &diff), MIRROR_OK);
    }
}

static int64_t s_made(void)
{
    return s_edge.metrics[EDGE_DIFFS_MADE];
}

START_TEST(start_is_rounded_by_an_eighth_of_the_distance_at_most)
{
    for (uint64_t seq = 1; seq < 5000000; seq += seq / 3 + 1)
        for (uint64_t since = 0; since <= seq; since += seq / 50 + 1) {
            uint64_t start = frames_start(since, seq);
            ck_assert_uint_le(start, since);
            ck_assert_uint_le((since - start) * 8, seq - since);
            if (seq - since < FRAMES_EXACT)
                ck_assert_uint_eq(start, since);
        }
}
END_TEST

START_TEST(random_starts_share_a_few_frames)
{
    uint64_t to;
    s_place(20000);
    for (int i = 0; i < 20000; i++)
        ck_assert_ptr_nonnull(frames_catch_up(
            s_edge.frames, false, random_below((uint32_t)s_seq), false, &to));
    /* Below FRAMES_EXACT each its own; above, 8 a doubling and one that is cut
     * at either end. */
    ck_assert_int_le(s_made(), FRAMES_EXACT + 9 * 9);
    s_place(1);
    int64_t made = s_made();
    for (int i = 0; i < 10000; i++)
        frames_catch_up(s_edge.frames, false, random_below(10000), false, &to);
    ck_assert_int_eq(s_made(), made);
}
END_TEST

/* Applies frames for `since` until the client is level; how many it took. */
static unsigned s_heal(board_t *client, uint64_t since)
{
    unsigned steps = 0;
    for (; since < s_seq; steps++) {
        uint64_t to;
        const frame_t *frame =
            frames_catch_up(s_edge.frames, false, since, false, &to);
        ck_assert_ptr_nonnull(frame);
        size_t head = frame->size < 2 + 126     ? 2
                      : frame->size < 4 + 65536 ? 4
                                                : 10;
        diff_t diff;
        ck_assert_int_eq(diff_open(&diff, frame->bytes + head + 1,
                                   frame->size - head - 1, PIXELS, 4),
                         0);
        ck_assert_uint_le(diff.from, since);
        ck_assert_uint_eq(diff.to, to);
        ck_assert_uint_gt(to, since);
        uint32_t index;
        uint8_t color;
        while (diff_next(&diff, &index, &color) > 0)
            board_set(client, index, color);
        since = to;
    }
    ck_assert_uint_eq(board_digest(client), board_digest(s_board));
    return steps;
}

START_TEST(who_catches_up_while_the_board_moves_becomes_level_in_few_steps)
{
    board_t *client = board_new(SIDE, SIDE, 4);
    s_place(3000);
    board_load(client, board_bytes(s_board), board_size_bytes(s_board));
    s_place(2000);
    unsigned most = 0;
    for (int i = 0; i < 300; i++) {
        board_t *copy = board_new(SIDE, SIDE, 4);
        board_load(copy, board_bytes(client), board_size_bytes(client));
        s_place(3);
        unsigned steps = s_heal(copy, 3000);
        most = steps > most ? steps : most;
        board_destroy(&copy);
    }
    ck_assert_uint_le(most, 3);
    /* The last, small one is for each its own; the large ones are not. */
    ck_assert_int_le(s_made(), 300 + 30);
    board_destroy(&client);
}
END_TEST

START_TEST(json_diff_is_limited_by_its_own_size)
{
    uint64_t to;
    s_place(20000); /* 80,000 bytes of board, 20,000 pixels of 11 bytes */
    ck_assert_ptr_null(frames_catch_up(s_edge.frames, true, 0, false, &to));
    ck_assert_ptr_nonnull(frames_catch_up(s_edge.frames, false, 0, false, &to));
    const frame_t *frame =
        frames_catch_up(s_edge.frames, true, s_seq - 5000, false, &to);
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_le(frame->size, board_size_bytes(s_board) + 10);
    int64_t made = s_made(); /* what was too large is known */
    ck_assert_ptr_null(frames_catch_up(s_edge.frames, true, 0, false, &to));
    ck_assert_int_eq(s_made(), made);
}
END_TEST

START_TEST(what_stopped_readers_hold_is_limited)
{
    uint64_t to;
    frame_t *held[200];
    int count = 0;
    s_config.catch_up_bytes = 200000;
    s_place(5000);
    for (; count < 200; count++) {
        frame_t *frame =
            frames_catch_up(s_edge.frames, false, 1000, false, &to);
        if (!frame)
            break;
        held[count] = frame_ref(frame);
        s_place(1000); /* no kept one is fresh */
    }
    ck_assert_int_lt(count, 200);
    ck_assert_uint_lt(frames_held_bytes(s_edge.frames),
                      200000 + board_size_bytes(s_board));
    ck_assert_int_gt(s_edge.metrics[EDGE_DIFFS_REFUSED], 0);
    for (int i = 0; i < count; i++)
        frame_unref(&held[i]);
    ck_assert_ptr_nonnull(
        frames_catch_up(s_edge.frames, false, 1000, false, &to));
}
END_TEST

START_TEST(another_history_shares_nothing_with_the_old_one)
{
    uint64_t to;
    s_place(200);
    ck_assert_ptr_nonnull(
        frames_catch_up(s_edge.frames, false, 100, false, &to));
    s_seq = 100;
    s_send_board(2);
    uint8_t bytes[64];
    touched_add(s_touched, 7);
    size_t size =
        diff_encode(bytes, sizeof bytes, 100, 200, s_touched, s_board);
    touched_clear(s_touched);
    bus_body_t diff = {.epoch = 2, .body = bytes, .size = size};
    ck_assert_int_eq(mirror_on_diff(s_edge.mirror, &diff), MIRROR_OK);
    int64_t made = s_made();
    ck_assert_ptr_nonnull(
        frames_catch_up(s_edge.frames, false, 100, false, &to));
    ck_assert_int_eq(s_made(), made + 1);
}
END_TEST

/* The canvas of the setup, with that cooldown, as the leader tells of it. */
static void s_set_cooldown(uint32_t cooldown_ms)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    canvas.cooldown_ms = cooldown_ms;
    bus_body_t body = {.epoch = 1, .body = (uint8_t *)json};
    body.size = canvas_to_json(&canvas, json, sizeof json);
    ck_assert_int_eq(mirror_on_canvas(s_edge.mirror, &body), MIRROR_OK);
}

static bool s_says(const frame_t *frame, const char *text)
{
    return memmem(frame->bytes, frame->size, text, strlen(text));
}

START_TEST(the_settings_told_are_those_of_now_and_made_once)
{
    s_set_cooldown(12345);
    for (int json = 0; json < 2; json++) {
        frame_t *told = frame_ref(frames_notice(s_edge.frames, json));
        ck_assert(s_says(told, "12345"));
        ck_assert_ptr_eq(frames_notice(s_edge.frames, json), told);
        frame_unref(&told);
    }
    s_set_cooldown(23456);
    for (int json = 0; json < 2; json++) {
        const frame_t *told = frames_notice(s_edge.frames, json);
        ck_assert(s_says(told, "23456"));
        ck_assert(!s_says(told, "12345"));
    }
}
END_TEST

Suite *suite_edge_frames(void)
{
    Suite *suite = suite_create("edge/frames");
    TCase *tcase = tcase_create("frames");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase,
                   start_is_rounded_by_an_eighth_of_the_distance_at_most);
    tcase_add_test(tcase, random_starts_share_a_few_frames);
    tcase_add_test(
        tcase, who_catches_up_while_the_board_moves_becomes_level_in_few_steps);
    tcase_add_test(tcase, json_diff_is_limited_by_its_own_size);
    tcase_add_test(tcase, what_stopped_readers_hold_is_limited);
    tcase_add_test(tcase, another_history_shares_nothing_with_the_old_one);
    tcase_add_test(tcase, the_settings_told_are_those_of_now_and_made_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
