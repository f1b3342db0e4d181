/* SPDX-License-Identifier: Apache-2.0 */
#include "load/state.h"

#include "common/board.h"
#include "common/diff.h"

#include <check.h>
#include <stdlib.h>

#define SIDE 100
#define PIXELS (SIDE * SIDE)
#define BODY_BYTES (DIFF_HEAD_MAX_BYTES + PIXELS * DIFF_PIXEL_MAX_BYTES)

static history_t *history;
static uint8_t body[BODY_BYTES];

static void s_begin(void)
{
    history = history_new();
    srandom(1);
}

static void s_end(void)
{
    history_destroy(&history);
}

/* A net diff over `count` random pixels of the model, which it changes. */
static size_t s_random_diff(board_t *model, uint64_t from, uint64_t to,
                            int count)
{
    touched_t *set = touched_new(PIXELS);
    for (int i = 0; i < count; i++) {
        uint32_t index = (uint32_t)random() % PIXELS;
        board_set(model, index, (uint8_t)(random() & 15));
        touched_add(set, index);
    }
    size_t size = diff_encode(body, sizeof body, from, to, set, model);
    touched_destroy(&set);
    return size;
}

static void s_same(const state_t *state, const board_t *model)
{
    ck_assert_uint_eq(state_digest(state), board_digest(model));
    for (uint32_t i = 0; i < PIXELS; i++)
        ck_assert_uint_eq(state_get(state, i), board_get(model, i));
}

START_TEST(diffs_move_a_state_as_they_move_a_board)
{
    board_t *model = board_new(SIDE, SIDE, 4);
    state_t *state = history_blank(history, SIDE, SIDE, 4);
    for (uint64_t seq = 0; seq < 50; seq++) {
        size_t size = s_random_diff(model, seq, seq + 1, 40);
        ck_assert_int_eq(history_apply(history, &state, body, size),
                         STATE_MOVED);
        ck_assert_uint_eq(state_seq(state), seq + 1);
        s_same(state, model);
    }
    state_unref(&state);
    board_destroy(&model);
}
END_TEST

START_TEST(viewers_of_one_diff_share_one_state)
{
    board_t *model = board_new(SIDE, SIDE, 4);
    state_t *viewers[100];
    viewers[0] = history_blank(history, SIDE, SIDE, 4);
    for (int i = 1; i < 100; i++)
        viewers[i] = state_ref(viewers[0]);
    for (uint64_t seq = 0; seq < 20; seq++) {
        size_t size = s_random_diff(model, seq, seq + 1, 5);
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(history_apply(history, &viewers[i], body, size),
                             STATE_MOVED);
        ck_assert_uint_eq(history_states(history), 1);
    }
    s_same(viewers[99], model);
    for (int i = 0; i < 100; i++)
        state_unref(&viewers[i]);
    ck_assert_uint_eq(history_states(history), 0);
    board_destroy(&model);
}
END_TEST

START_TEST(laggard_meets_the_others_by_one_net_diff)
{
    board_t *model = board_new(SIDE, SIDE, 4);
    state_t *ahead = history_blank(history, SIDE, SIDE, 4);
    state_t *laggard = state_ref(ahead);
    touched_t *all = touched_new(PIXELS);
    for (uint64_t seq = 0; seq < 30; seq++) {
        uint32_t index = (uint32_t)random() % PIXELS;
        touched_t *one = touched_new(PIXELS);
        board_set(model, index, (uint8_t)(random() & 15));
        touched_add(one, index);
        touched_add(all, index);
        size_t size = diff_encode(body, sizeof body, seq, seq + 1, one, model);
        history_apply(history, &ahead, body, size);
        touched_destroy(&one);
    }
    size_t size = diff_encode(body, sizeof body, 0, 30, all, model);
    ck_assert_int_eq(history_apply(history, &laggard, body, size), STATE_MOVED);
    ck_assert_ptr_eq(ahead, laggard);
    ck_assert_uint_eq(history_conflicts(history), 0);
    touched_destroy(&all);
    state_unref(&ahead);
    state_unref(&laggard);
    board_destroy(&model);
}
END_TEST

START_TEST(two_boards_at_one_seq_are_a_conflict)
{
    static const uint8_t red[] = {0, 0, 0, 0, 0, 0, 0, 0, 1,
                                  0, 0, 0, 0, 0, 0, 0, 1, 0x05};
    static const uint8_t blue[] = {0, 0, 0, 0, 0, 0, 0, 0, 1,
                                   0, 0, 0, 0, 0, 0, 0, 1, 0x06};
    state_t *a = history_blank(history, SIDE, SIDE, 4);
    state_t *b = state_ref(a);
    history_apply(history, &a, red, sizeof red);
    history_apply(history, &b, blue, sizeof blue);
    ck_assert_uint_eq(history_conflicts(history), 1);
    state_unref(&a);
    state_unref(&b);
}
END_TEST

START_TEST(lost_history_is_not_compared_with_what_was)
{
    static const uint8_t red[] = {0, 0, 0, 0, 0, 0, 0, 0, 1,
                                  0, 0, 0, 0, 0, 0, 0, 1, 0x05};
    static const uint8_t blue[] = {0, 0, 0, 0, 0, 0, 0, 0, 1,
                                   0, 0, 0, 0, 0, 0, 0, 1, 0x06};
    state_t *a = history_blank(history, SIDE, SIDE, 4);
    history_apply(history, &a, red, sizeof red);
    history_forget(history, a);
    state_t *b = history_blank(history, SIDE, SIDE, 4);
    history_apply(history, &b, blue, sizeof blue);
    ck_assert_uint_eq(history_conflicts(history), 0);
    state_unref(&a);
    state_unref(&b);
}
END_TEST

START_TEST(old_gapped_and_malformed_diffs_leave_the_state)
{
    static const uint8_t gap[] = {9, 0, 0, 0, 0, 0, 0, 0, 12,
                                  0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t old[] = {0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t cut[] = {0, 0, 0, 0, 0, 0, 0, 0, 5,
                                  0, 0, 0, 0, 0, 0, 0, 2, 0x05};
    state_t *state = history_blank(history, SIDE, SIDE, 4);
    state_t *before = state;
    ck_assert_int_eq(history_apply(history, &state, gap, sizeof gap),
                     STATE_GAP);
    ck_assert_int_eq(history_apply(history, &state, old, sizeof old),
                     STATE_KNOWN);
    ck_assert_int_eq(history_apply(history, &state, cut, sizeof cut),
                     STATE_BAD_DIFF);
    ck_assert_int_eq(history_apply(history, &state, cut, 3), STATE_BAD_DIFF);
    ck_assert_ptr_eq(state, before);
    ck_assert_uint_eq(state_digest(state), 0);
    state_unref(&state);
}
END_TEST

START_TEST(stalled_viewer_does_not_hold_all_that_came_after)
{
    board_t *model = board_new(SIDE, SIDE, 4);
    state_t *ahead = history_blank(history, SIDE, SIDE, 4);
    state_t *stalled = state_ref(ahead);
    for (uint64_t seq = 0; seq < 3 * STATE_STEPS_MAX; seq++) {
        size_t size = s_random_diff(model, seq, seq + 1, 1);
        history_apply(history, &ahead, body, size);
    }
    ck_assert_uint_le(history_states(history), STATE_STEPS_MAX + 2);
    s_same(ahead, model);
    state_unref(&ahead);
    ck_assert_uint_eq(state_digest(stalled), 0);
    state_unref(&stalled);
    board_destroy(&model);
}
END_TEST

START_TEST(boards_are_refused_where_size_or_head_is_wrong)
{
    uint8_t bytes[40 + 1] = {'S', 'T', 'P', 'L', 1, 4, 40, 0, 2, 0, 0, 0, 1};
    int digest_ok;
    state_t *state = history_board(history, bytes, sizeof bytes, &digest_ok);
    ck_assert_ptr_nonnull(state);
    ck_assert(digest_ok);
    state_unref(&state);
    bytes[40] = 0x10;
    state = history_board(history, bytes, sizeof bytes, &digest_ok);
    ck_assert(!digest_ok);
    state_unref(&state);
    for (size_t size = 0; size < sizeof bytes; size++)
        ck_assert_ptr_null(history_board(history, bytes, size, &digest_ok));
    static const uint8_t changed[] = {0, 4, 5, 6, 8, 12};
    for (size_t i = 0; i < sizeof changed; i++) {
        bytes[changed[i]] ^= 0x0f;
        ck_assert_ptr_null(
            history_board(history, bytes, sizeof bytes, &digest_ok));
        bytes[changed[i]] ^= 0x0f;
    }
}
END_TEST

Suite *suite_load_state(void);
Suite *suite_load_state(void)
{
    Suite *suite = suite_create("load/state");
    TCase *tests = tcase_create("state");
    tcase_add_checked_fixture(tests, s_begin, s_end);
    tcase_add_test(tests, diffs_move_a_state_as_they_move_a_board);
    tcase_add_test(tests, viewers_of_one_diff_share_one_state);
    tcase_add_test(tests, laggard_meets_the_others_by_one_net_diff);
    tcase_add_test(tests, two_boards_at_one_seq_are_a_conflict);
    tcase_add_test(tests, lost_history_is_not_compared_with_what_was);
    tcase_add_test(tests, old_gapped_and_malformed_diffs_leave_the_state);
    tcase_add_test(tests, stalled_viewer_does_not_hold_all_that_came_after);
    tcase_add_test(tests, boards_are_refused_where_size_or_head_is_wrong);
    suite_add_tcase(suite, tests);
    return suite;
}
