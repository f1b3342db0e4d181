/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/mirror.h"

#include "common/backoff.h"
#include "common/diff.h"
#include "common/touched.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_mirror(void);

#define SIDE 32
#define PIXELS (SIDE * SIDE)

/* The leader, as far as a mirror sees it: its board and who touched what. */
typedef struct {
    board_t *board;
    uint64_t seq;
    uint32_t touched[100000]; /* by seq */
} leader_t;

static leader_t s_leader;
static mirror_t *s_mirror;

static void s_setup(void)
{
    memset(&s_leader, 0, sizeof s_leader);
    s_leader.board = board_new(SIDE, SIDE, 4);
    s_mirror = mirror_new(4096);
}

static void s_teardown(void)
{
    board_destroy(&s_leader.board);
    mirror_destroy(&s_mirror);
}

static void s_place(void)
{
    uint32_t index = random_below(PIXELS);
    board_set(s_leader.board, index, (uint8_t)random_below(16));
    s_leader.touched[++s_leader.seq] = index;
}

static mirror_result_t s_send_board(uint32_t epoch)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, board_width(s_leader.board),
                board_height(s_leader.board), 4);
    bus_board_t board = {.epoch = epoch,
                         .seq = s_leader.seq,
                         .json = json,
                         .json_size =
                             canvas_to_json(&canvas, json, sizeof json),
                         .pixels = board_bytes(s_leader.board),
                         .pixels_size = board_size_bytes(s_leader.board)};
    return mirror_on_board(s_mirror, &board);
}

static bus_body_t s_diff(uint8_t *bytes, uint32_t epoch, uint64_t from)
{
    touched_t *set = touched_new(PIXELS);
    for (uint64_t seq = from + 1; seq <= s_leader.seq; seq++)
        touched_add(set, s_leader.touched[seq]);
    size_t size = diff_encode(bytes, diff_bound(PIXELS), from, s_leader.seq,
                              set, s_leader.board);
    touched_destroy(&set);
    return (bus_body_t){.epoch = epoch, .body = bytes, .size = size};
}

static mirror_result_t s_send_diff(uint32_t epoch, uint64_t from)
{
    uint8_t bytes[4096];
    bus_body_t diff = s_diff(bytes, epoch, from);
    return mirror_on_diff(s_mirror, &diff);
}

static mirror_result_t s_send_range(uint32_t epoch, uint64_t from)
{
    uint8_t bytes[4096];
    bus_body_t diff = s_diff(bytes, epoch, from);
    return mirror_on_range(s_mirror, &diff);
}

static mirror_result_t s_send_beat(uint32_t epoch, uint32_t digest)
{
    bus_beat_t beat = {.epoch = epoch, .seq = s_leader.seq, .digest = digest};
    return mirror_on_beat(s_mirror, &beat);
}

static void s_expect_level(void)
{
    ck_assert_uint_eq(mirror_seq(s_mirror), s_leader.seq);
    ck_assert_mem_eq(board_bytes(mirror_board(s_mirror)),
                     board_bytes(s_leader.board),
                     board_size_bytes(s_leader.board));
    ck_assert_uint_eq(board_digest(mirror_board(s_mirror)),
                      board_digest(s_leader.board));
}

START_TEST(empty_mirror_is_not_synced_and_is_behind_any_beat)
{
    ck_assert(!mirror_synced(s_mirror));
    ck_assert_ptr_null(mirror_canvas(s_mirror));
    ck_assert_int_eq(s_send_beat(1, 0), MIRROR_BEHIND);
}
END_TEST

START_TEST(board_then_diffs_keep_it_level)
{
    ck_assert_int_eq(s_send_board(1), MIRROR_OK);
    for (int i = 0; i < 200; i++) {
        uint64_t from = s_leader.seq;
        for (uint32_t n = random_below(20); n; n--)
            s_place();
        ck_assert_int_eq(s_send_diff(1, from), MIRROR_OK);
        s_expect_level();
        ck_assert_int_eq(s_send_beat(1, board_digest(s_leader.board)),
                         MIRROR_OK);
    }
}
END_TEST

START_TEST(lost_diff_is_a_gap_that_a_range_heals)
{
    s_send_board(1);
    s_place();
    uint64_t from = s_leader.seq; /* that one is lost */
    s_place();
    ck_assert_int_eq(s_send_diff(1, from), MIRROR_BEHIND);
    ck_assert_uint_eq(mirror_seq(s_mirror), 0);
    ck_assert_int_eq(s_send_range(1, 0), MIRROR_OK);
    s_expect_level();
}
END_TEST

START_TEST(beat_ahead_of_the_diffs_is_a_gap)
{
    s_send_board(1);
    s_place();
    ck_assert_int_eq(s_send_beat(1, board_digest(s_leader.board)),
                     MIRROR_BEHIND);
}
END_TEST

START_TEST(overlapping_and_old_diffs_do_no_harm)
{
    s_send_board(1);
    for (int i = 0; i < 10; i++)
        s_place();
    ck_assert_int_eq(s_send_diff(1, 0), MIRROR_OK);
    ck_assert_int_eq(s_send_diff(1, 5), MIRROR_OK);
    for (int i = 0; i < 10; i++)
        s_place();
    ck_assert_int_eq(s_send_diff(1, 3), MIRROR_OK);
    s_expect_level();
}
END_TEST

START_TEST(malformed_diff_changes_nothing)
{
    uint8_t bytes[4096];
    s_send_board(1);
    s_place();
    bus_body_t diff = s_diff(bytes, 1, 0);
    for (size_t size = 0; size < diff.size; size++) {
        bus_body_t cut = {.epoch = 1, .body = bytes, .size = size};
        ck_assert_int_eq(mirror_on_diff(s_mirror, &cut), MIRROR_BAD);
    }
    ck_assert_uint_eq(mirror_seq(s_mirror), 0);
}
END_TEST

START_TEST(wrong_digest_is_damage_until_the_next_board)
{
    s_send_board(1);
    ck_assert_int_eq(s_send_beat(1, 12345), MIRROR_DAMAGED);
    ck_assert(!mirror_synced(s_mirror));
    ck_assert_int_eq(s_send_board(1), MIRROR_OK);
    ck_assert(mirror_synced(s_mirror));
}
END_TEST

START_TEST(higher_epoch_with_the_same_history_goes_on)
{
    s_send_board(1);
    s_place();
    s_send_diff(1, 0);
    ck_assert_int_eq(s_send_beat(2, 0), MIRROR_BEHIND);
    ck_assert_int_eq(s_send_range(2, s_leader.seq), MIRROR_OK);
    ck_assert_uint_eq(mirror_epoch(s_mirror), 2);
    ck_assert_uint_eq(mirror_history(s_mirror), 0);
    ck_assert_int_eq(mirror_since(s_mirror, 0), SINCE_DIFF);
    ck_assert_int_eq(s_send_diff(1, 0), MIRROR_OK); /* the old one: ignored */
}
END_TEST

static mirror_result_t s_send_board_of(uint32_t epoch, uint64_t seq,
                                       chain_t chain,
                                       history_relation_t relation)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, board_width(s_leader.board),
                board_height(s_leader.board), 4);
    bus_board_t board = {.epoch = epoch,
                         .seq = seq,
                         .chain = chain,
                         .relation = relation,
                         .json = json,
                         .json_size =
                             canvas_to_json(&canvas, json, sizeof json),
                         .pixels = board_bytes(s_leader.board),
                         .pixels_size = board_size_bytes(s_leader.board)};
    return mirror_on_board(s_mirror, &board);
}

/* Numbers cannot tell: the new history is longer. */
START_TEST(a_fork_is_lost_history_however_long_it_is)
{
    chain_t ours = chain_of_board(9, 1), theirs = chain_of_board(9, 2);
    ck_assert_int_eq(s_send_board_of(1, 9, ours, HISTORY_CONTINUES), MIRROR_OK);
    ck_assert(chain_equal(mirror_chain(s_mirror), ours));
    uint32_t history = mirror_history(s_mirror);
    ck_assert_int_eq(s_send_board_of(2, 50, theirs, HISTORY_FORKED),
                     MIRROR_LOST);
    ck_assert_uint_eq(mirror_history(s_mirror), history + 1);
    /* The same answer once more is old news. */
    ck_assert_int_eq(s_send_board_of(2, 50, theirs, HISTORY_FORKED), MIRROR_OK);
    ck_assert_uint_eq(mirror_history(s_mirror), history + 1);
    ck_assert_int_eq(s_send_board_of(3, 60, ours, HISTORY_CONTINUES),
                     MIRROR_OK);
    ck_assert_uint_eq(mirror_history(s_mirror), history + 1);
    /* As long, told by nobody. */
    ck_assert_int_eq(s_send_board_of(4, 60, theirs, HISTORY_UNKNOWN),
                     MIRROR_LOST);
}
END_TEST

START_TEST(a_beat_of_another_history_asks_the_leader)
{
    chain_t ours = chain_of_board(9, 1), theirs = chain_of_board(9, 2);
    s_send_board_of(1, 9, ours, HISTORY_CONTINUES);
    bus_beat_t beat = {.epoch = 1,
                       .seq = 9,
                       .digest = board_digest(s_leader.board),
                       .chain = theirs};
    ck_assert_int_eq(mirror_on_beat(s_mirror, &beat), MIRROR_BEHIND);
    beat.chain = ours;
    ck_assert_int_eq(mirror_on_beat(s_mirror, &beat), MIRROR_OK);
    beat.chain = CHAIN_UNKNOWN;
    ck_assert_int_eq(mirror_on_beat(s_mirror, &beat), MIRROR_OK);
}
END_TEST

START_TEST(higher_epoch_with_less_history_has_lost_it)
{
    s_send_board(1);
    for (int i = 0; i < 10; i++)
        s_place();
    s_send_diff(1, 0);
    s_leader.seq = 4;
    ck_assert_int_eq(s_send_board(2), MIRROR_LOST);
    ck_assert_uint_eq(mirror_history(s_mirror), 1);
    ck_assert_uint_eq(mirror_seq(s_mirror), 4);
    ck_assert_int_eq(mirror_since(s_mirror, 3), SINCE_TOO_OLD);
    ck_assert_int_eq(mirror_since(s_mirror, 10), SINCE_NEWER);
}
END_TEST

START_TEST(late_board_does_not_take_it_back)
{
    s_send_board(1);
    s_place();
    s_send_diff(1, 0);
    s_leader.seq = 0;
    ck_assert_int_eq(s_send_board(1), MIRROR_OK);
    ck_assert_uint_eq(mirror_seq(s_mirror), 1);
}
END_TEST

START_TEST(another_size_is_another_history)
{
    s_send_board(1);
    board_destroy(&s_leader.board);
    s_leader.board = board_new(8, 8, 4);
    s_leader.seq = 3;
    ck_assert_int_eq(s_send_board(2), MIRROR_LOST);
    ck_assert_uint_eq(board_width(mirror_board(s_mirror)), 8);
}
END_TEST

START_TEST(changed_canvas_raises_its_version_and_a_new_epoch_does_not)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    s_send_board(1);
    canvas_init(&canvas, SIDE, SIDE, 4);
    canvas.epoch = 9;
    uint32_t version = mirror_canvas_version(s_mirror);
    bus_body_t body = {.epoch = 9, .body = (uint8_t *)json};
    body.size = canvas_to_json(&canvas, json, sizeof json);
    ck_assert_int_eq(mirror_on_canvas(s_mirror, &body), MIRROR_OK);
    ck_assert_uint_eq(mirror_canvas_version(s_mirror), version);
    canvas.paused = true;
    body.size = canvas_to_json(&canvas, json, sizeof json);
    ck_assert_int_eq(mirror_on_canvas(s_mirror, &body), MIRROR_OK);
    ck_assert_uint_eq(mirror_canvas_version(s_mirror), version + 1);
    ck_assert(mirror_canvas(s_mirror)->paused);
}
END_TEST

/* A client at `since` that applies the mirror's diff. */
static void s_expect_client_heals(const board_t *then, uint64_t since)
{
    board_t *client = board_new(SIDE, SIDE, 4);
    board_load(client, board_bytes(then), board_size_bytes(then));
    uint64_t from;
    size_t size;
    uint8_t *body = mirror_diff(s_mirror, since, PIXELS, &from, &size);
    ck_assert_ptr_nonnull(body);
    diff_t diff;
    ck_assert_int_eq(diff_open(&diff, body, size, PIXELS, 4), 0);
    ck_assert_uint_le(diff.from, since);
    ck_assert_uint_eq(diff.to, mirror_seq(s_mirror));
    uint32_t index;
    uint8_t color;
    while (diff_next(&diff, &index, &color) > 0)
        board_set(client, index, color);
    ck_assert_mem_eq(board_bytes(client), board_bytes(s_leader.board),
                     board_size_bytes(client));
    free(body);
    board_destroy(&client);
}

START_TEST(net_diff_from_any_since_makes_the_board)
{
    board_t *then[200];
    s_send_board(1);
    for (int i = 0; i < 200; i++) {
        then[i] = board_new(SIDE, SIDE, 4);
        board_load(then[i], board_bytes(s_leader.board),
                   board_size_bytes(s_leader.board));
        s_place();
        if (i % 7 == 6)
            s_send_diff(1, mirror_seq(s_mirror));
    }
    s_send_diff(1, mirror_seq(s_mirror));
    for (uint64_t since = 0; since < 200; since++) {
        if (mirror_since(s_mirror, since) == SINCE_DIFF)
            s_expect_client_heals(then[since], since);
        board_destroy(&then[since]);
    }
    ck_assert_int_eq(mirror_since(s_mirror, 200), SINCE_LEVEL);
    ck_assert_int_eq(mirror_since(s_mirror, 201), SINCE_NEWER);
}
END_TEST

START_TEST(diff_of_too_many_pixels_is_refused)
{
    s_send_board(1);
    for (int i = 0; i < 5000; i++)
        s_place();
    s_send_diff(1, 0);
    s_place();
    s_send_diff(1, 5000);
    uint64_t from;
    size_t size;
    ck_assert_int_eq(mirror_since(s_mirror, 0), SINCE_DIFF);
    ck_assert_ptr_null(mirror_diff(s_mirror, 0, PIXELS / 2, &from, &size));
    ck_assert_int_eq(mirror_since(s_mirror, 5000), SINCE_DIFF);
    uint8_t *body = mirror_diff(s_mirror, 5000, 1, &from, &size);
    ck_assert_ptr_nonnull(body);
    free(body);
}
END_TEST

START_TEST(range_from_before_the_board_lets_older_clients_come_back)
{
    for (int i = 0; i < 60; i++)
        s_place();
    board_t *then = board_new(SIDE, SIDE, 4);
    board_load(then, board_bytes(s_leader.board),
               board_size_bytes(s_leader.board));
    for (int i = 0; i < 20; i++)
        s_place();
    s_send_board(1);
    ck_assert_int_eq(mirror_since(s_mirror, 60), SINCE_TOO_OLD);
    ck_assert_int_eq(s_send_range(1, 55), MIRROR_OK);
    ck_assert_uint_eq(mirror_oldest(s_mirror), 55);
    s_expect_client_heals(then, 60);
    board_destroy(&then);
}
END_TEST

Suite *suite_edge_mirror(void)
{
    Suite *suite = suite_create("edge/mirror");
    TCase *tcase = tcase_create("mirror");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, empty_mirror_is_not_synced_and_is_behind_any_beat);
    tcase_add_test(tcase, board_then_diffs_keep_it_level);
    tcase_add_test(tcase, lost_diff_is_a_gap_that_a_range_heals);
    tcase_add_test(tcase, beat_ahead_of_the_diffs_is_a_gap);
    tcase_add_test(tcase, overlapping_and_old_diffs_do_no_harm);
    tcase_add_test(tcase, malformed_diff_changes_nothing);
    tcase_add_test(tcase, wrong_digest_is_damage_until_the_next_board);
    tcase_add_test(tcase, higher_epoch_with_the_same_history_goes_on);
    tcase_add_test(tcase, a_fork_is_lost_history_however_long_it_is);
    tcase_add_test(tcase, a_beat_of_another_history_asks_the_leader);
    tcase_add_test(tcase, higher_epoch_with_less_history_has_lost_it);
    tcase_add_test(tcase, late_board_does_not_take_it_back);
    tcase_add_test(tcase, another_size_is_another_history);
    tcase_add_test(tcase,
                   changed_canvas_raises_its_version_and_a_new_epoch_does_not);
    tcase_add_test(tcase, net_diff_from_any_since_makes_the_board);
    tcase_add_test(tcase, diff_of_too_many_pixels_is_refused);
    tcase_add_test(tcase,
                   range_from_before_the_board_lets_older_clients_come_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
