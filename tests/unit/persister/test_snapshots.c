/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"
#include "persister/snapshots.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define NOW_MS (UINT64_C(19000) * DAY_MS + 5 * HOUR_MS + 17 * MINUTE_MS)
#define STAMPS_MAX 10000

static uint64_t stamps[STAMPS_MAX];
static bool keep[STAMPS_MAX];

/* One each `every_ms` from `age_ms` ago to now. */
static size_t s_stamps(uint64_t age_ms, uint64_t every_ms, uint64_t now_ms)
{
    size_t count = 0;
    for (uint64_t at = now_ms - age_ms; at <= now_ms; at += every_ms)
        stamps[count++] = at;
    ck_assert_uint_le(count, STAMPS_MAX);
    return count;
}

static size_t s_kept(size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        kept += keep[i];
    return kept;
}

START_TEST(each_minute_of_an_hour_stays)
{
    size_t count = s_stamps(HOUR_MS - MINUTE_MS, MINUTE_MS, NOW_MS);
    snapshot_keep(stamps, count, NOW_MS, keep);
    ck_assert_uint_eq(s_kept(count), count);
}
END_TEST

START_TEST(one_of_each_minute_stays)
{
    size_t count = s_stamps(10 * MINUTE_MS - 1000, 1000, NOW_MS);
    snapshot_keep(stamps, count, NOW_MS, keep);
    ck_assert_uint_ge(s_kept(count), 10);
    ck_assert_uint_le(s_kept(count), 12); /* and the newest */
}
END_TEST

START_TEST(a_week_thins_to_minutes_hours_days)
{
    size_t count = s_stamps(6 * DAY_MS, MINUTE_MS, NOW_MS);
    snapshot_keep(stamps, count, NOW_MS, keep);
    /* 60 minutes, 23 or 24 hours, 5 or 6 days. */
    ck_assert_uint_ge(s_kept(count), 60 + 23 + 5);
    ck_assert_uint_le(s_kept(count), 61 + 25 + 7);
}
END_TEST

START_TEST(the_newest_always_stays)
{
    stamps[0] = NOW_MS - 100;
    stamps[1] = NOW_MS - 90;
    stamps[2] = NOW_MS - 80;
    snapshot_keep(stamps, 3, NOW_MS, keep);
    ck_assert(keep[0]);
    ck_assert(!keep[1]);
    ck_assert(keep[2]);
    snapshot_keep(stamps, 0, NOW_MS, keep);
}
END_TEST

/* Thinned each minute for three days, as it runs: every span has one. */
START_TEST(thinning_again_and_again_keeps_each_span)
{
    size_t count = 0;
    for (uint64_t now = NOW_MS - 3 * DAY_MS; now <= NOW_MS; now += MINUTE_MS) {
        stamps[count++] = now;
        snapshot_keep(stamps, count, now, keep);
        size_t left = 0;
        for (size_t i = 0; i < count; i++)
            if (keep[i])
                stamps[left++] = stamps[i];
        count = left;
    }
    ck_assert_uint_ge(count, 60 + 23 + 2);
    ck_assert_uint_le(count, 61 + 25 + 4);
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_le(stamps[i] - stamps[i - 1], DAY_MS + HOUR_MS);
}
END_TEST

static store_snapshot_t s_snapshot(const policy_t *policy)
{
    canvas_t canvas;
    canvas_init(&canvas, 10, 5, 4);
    board_t *board = board_new(10, 5, 4);
    board_set(board, 13, 9);
    store_snapshot_t snapshot = snapshot_of(
        board, policy, &canvas, (position_t){88, CHAIN_UNKNOWN}, NOW_MS);
    board_destroy(&board);
    return snapshot;
}

START_TEST(snapshot_carries_the_policy_behind_the_pixels)
{
    policy_t *policy = policy_new(), *read = policy_new();
    control_t ban = {.verb = CONTROL_BAN, .of = {.user = 5}};
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&ban, 80, records);
    for (size_t i = 0; i < count; i++)
        policy_feed(policy, &records[i], NULL);
    store_snapshot_t snapshot = s_snapshot(policy);
    board_t *board = snapshot_board(&snapshot, NULL, read);
    ck_assert(board);
    ck_assert(policy_bans_user(read, 5, NOW_MS));
    ck_assert_uint_eq(policy_digest(read), policy_digest(policy));
    board_destroy(&board);
    snapshot.pixels_size--; /* no whole entry */
    ck_assert(!snapshot_board(&snapshot, NULL, read));
    store_snapshot_free(&snapshot);
    policy_destroy(&policy);
    policy_destroy(&read);
}
END_TEST

START_TEST(replay_passes_over_what_operators_did)
{
    board_t *board = board_new(4, 4, 4);
    control_t ban = {.verb = CONTROL_BAN, .text = "why"};
    record_t records[CONTROL_RECORDS_MAX];
    uint64_t seq;
    size_t count = control_records(&ban, 1, records);
    ck_assert_uint_eq(board_replay(board, records, count, &seq), 0);
    ck_assert_uint_eq(board_digest(board), 0);
    board_destroy(&board);
}
END_TEST

START_TEST(snapshot_gives_its_board)
{
    canvas_t canvas;
    store_snapshot_t snapshot = s_snapshot(NULL);
    ck_assert_uint_eq(snapshot.seq, 88);
    ck_assert_uint_eq(snapshot.taken_at_ms, NOW_MS);
    board_t *board = snapshot_board(&snapshot, &canvas, NULL);
    ck_assert(board);
    ck_assert_uint_eq(board_get(board, 13), 9);
    ck_assert_uint_eq(canvas.width, 10);
    ck_assert_uint_eq(canvas.height, 5);
    board_destroy(&board);
    store_snapshot_free(&snapshot);
}
END_TEST

START_TEST(unsound_snapshot_gives_no_board)
{
    store_snapshot_t snapshot = s_snapshot(NULL);
    snapshot.pixels[3] ^= 1;
    ck_assert(!snapshot_board(&snapshot, NULL, NULL));
    snapshot.pixels[3] ^= 1;
    snapshot.pixels_size--;
    ck_assert(!snapshot_board(&snapshot, NULL, NULL));
    snapshot.pixels_size++;
    snapshot.canvas[0] = 'x';
    ck_assert(!snapshot_board(&snapshot, NULL, NULL));
    store_snapshot_free(&snapshot);
}
END_TEST

START_TEST(replay_counts_what_disagrees)
{
    board_t *board = board_new(10, 5, 4);
    record_t records[] = {
        {.seq = 4, .x = 1, .y = 1, .color = 3, .previous_color = 0},
        {.seq = 5, .x = 1, .y = 1, .color = 4, .previous_color = 3},
        {.seq = 6, .x = 1, .y = 1, .color = 5, .previous_color = 9},
        {.seq = 7, .x = 10, .y = 1, .color = 5},
        {.seq = 8, .x = 1, .y = 5, .color = 5},
        {.seq = 9, .x = 2, .y = 1, .color = 16},
        {.seq = 10, .x = 2, .y = 1, .color = 2},
    };
    uint64_t seq = 1;
    ck_assert_uint_eq(board_replay(board, records, 2, &seq), 0);
    ck_assert_uint_eq(seq, 1);
    ck_assert_uint_eq(board_replay(board, records + 2, 5, &seq), 4);
    ck_assert_uint_eq(seq, 6);
    ck_assert_uint_eq(board_get(board, 11), 5);
    ck_assert_uint_eq(board_get(board, 12), 2);
    board_destroy(&board);
}
END_TEST

Suite *suite_persister_snapshots(void);
Suite *suite_persister_snapshots(void)
{
    Suite *suite = suite_create("persister/snapshots");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, each_minute_of_an_hour_stays);
    tcase_add_test(facts, one_of_each_minute_stays);
    tcase_add_test(facts, a_week_thins_to_minutes_hours_days);
    tcase_add_test(facts, the_newest_always_stays);
    tcase_add_test(facts, thinning_again_and_again_keeps_each_span);
    tcase_add_test(facts, snapshot_gives_its_board);
    tcase_add_test(facts, snapshot_carries_the_policy_behind_the_pixels);
    tcase_add_test(facts, replay_passes_over_what_operators_did);
    tcase_add_test(facts, unsound_snapshot_gives_no_board);
    tcase_add_test(facts, replay_counts_what_disagrees);
    suite_add_tcase(suite, facts);
    return suite;
}
