/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/world.h"

#include <check.h>

static world_t world;

static void s_set_up(void)
{
    canvas_t canvas;
    canvas_init(&canvas, 20, 10, 4);
    world_init(&world);
    world_open(&world, &canvas);
}

static void s_tear_down(void)
{
    world_fini(&world);
}

static void s_record(uint8_t *bytes, record_t record)
{
    record_encode(bytes, &record);
}

START_TEST(records_above_seq_are_applied_once)
{
    uint8_t bytes[3 * RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .x = 1, .y = 1, .color = 5});
    s_record(bytes + RECORD_BYTES, (record_t){.seq = 2, .x = 1, .color = 6});
    s_record(bytes + 2 * RECORD_BYTES,
             (record_t){.seq = 3, .x = 1, .y = 1, .color = 7});
    ck_assert_int_eq(world_apply(&world, bytes, 2), 0);
    ck_assert_uint_eq(board_get(world.board, 21), 5);
    ck_assert_int_eq(world_apply(&world, bytes, 3), 0);
    ck_assert_uint_eq(world.seq, 3);
    ck_assert_uint_eq(board_get(world.board, 21), 7);
    ck_assert_uint_eq(board_get(world.board, 1), 6);
}
END_TEST

START_TEST(gap_and_misfit_are_refused)
{
    static const record_t bad[] = {{.seq = 2},
                                   {.seq = 1, .x = 20},
                                   {.seq = 1, .y = 10},
                                   {.seq = 1, .color = 16},
                                   {.seq = 0}};
    uint8_t bytes[RECORD_BYTES];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s_record(bytes, bad[i]);
        ck_assert_int_eq(world_remember(&world, bytes, 1), -1);
        if (bad[i].seq)
            ck_assert_int_eq(world_apply(&world, bytes, 1), -1);
    }
    ck_assert_uint_eq(world.seq, 0);
    ck_assert_uint_eq(history_next(world.history), 1);
}
END_TEST

START_TEST(users_are_recalled_from_the_window_only)
{
    uint8_t bytes[3 * RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .user = 1, .placed_at_ms = 9399999});
    s_record(bytes + RECORD_BYTES,
             (record_t){.seq = 2, .user = 2, .placed_at_ms = 9400000});
    s_record(bytes + 2 * RECORD_BYTES,
             (record_t){.seq = 3, .user = 2, .placed_at_ms = 10000000});
    ck_assert_int_eq(world_remember(&world, bytes, 3), 0);
    /* Nobody knows how long this has been held: the clock may have jumped. */
    world_recall_users(&world, 10000000);
    ck_assert_ptr_nonnull(users_find(world.users, 1, UINT64_MAX));
    history_tick(world.history, 0);
    history_tick(world.history, HISTORY_RECENT_MS);
    world_recall_users(&world, 10000000);
    ck_assert_ptr_null(users_find(world.users, 1, UINT64_MAX));
    ck_assert_uint_eq(users_find(world.users, 2, UINT64_MAX)->seq, 3);
}
END_TEST

/* A ban, as the log has it from `first_seq` on; how many records. */
static size_t s_ban(uint8_t *bytes, uint64_t first_seq, uint64_t user)
{
    control_t ban = {.verb = CONTROL_BAN,
                     .at_ms = 1000,
                     .of = {.user = user, .has = HAS_USER}};
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&ban, first_seq, records);
    for (size_t i = 0; i < count; i++)
        record_encode(bytes + i * RECORD_BYTES, &records[i]);
    return count;
}

START_TEST(what_moderators_did_is_followed)
{
    uint8_t bytes[CONTROL_RECORDS_MAX * RECORD_BYTES];
    size_t count = s_ban(bytes, 1, 7);
    ck_assert_int_eq(world_follow(&world, bytes, count, 2000), 0);
    ck_assert_uint_eq(world.seq, count);
    ck_assert(policy_bans_user(world.policy, 7, 2000));
    ck_assert_uint_eq(board_digest(world.board), 0);
    ck_assert_uint_eq(users_count(world.users), 0); /* nobody placed */
    world_recall_users(&world, 2000);
    ck_assert_uint_eq(users_count(world.users), 0);
    world_clear(&world);
    ck_assert(!policy_bans_user(world.policy, 7, 2000));
}
END_TEST

START_TEST(policy_is_recalled_from_the_log)
{
    uint8_t bytes[CONTROL_RECORDS_MAX * RECORD_BYTES];
    size_t count = s_ban(bytes, 1, 7);
    ck_assert_int_eq(world_remember(&world, bytes, count), 0);
    ck_assert(!policy_bans_user(world.policy, 7, 2000));
    world_recall_policy(&world);
    ck_assert(policy_bans_user(world.policy, 7, 2000));
    ck_assert_uint_eq(policy_seq(world.policy), count);
}
END_TEST

START_TEST(cleared_world_holds_nothing)
{
    world.epoch = 5;
    world_clear(&world);
    ck_assert_ptr_null(world.board);
    ck_assert_uint_eq(world.epoch, 0);
    ck_assert_uint_eq(history_next(world.history), 1);
}
END_TEST

/* R4: over a restart too. What came behind it tells when it was placed at the
 * latest, so that each new leader does not begin the cooldown again. */
START_TEST(time_ahead_is_bounded_by_the_record_behind)
{
    uint8_t bytes[3 * RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .user = 1, .placed_at_ms = 96400000});
    s_record(bytes + RECORD_BYTES,
             (record_t){.seq = 2, .user = 2, .placed_at_ms = 9700000});
    s_record(bytes + 2 * RECORD_BYTES,
             (record_t){.seq = 3, .user = 3, .placed_at_ms = 96500000});
    ck_assert_int_eq(world_remember(&world, bytes, 3), 0);
    world_recall_users(&world, 10000000);
    ck_assert_uint_eq(users_find(world.users, 1, 10000000)->placed_at_ms,
                      9700000);
    ck_assert_uint_eq(users_find(world.users, 2, 10000000)->placed_at_ms,
                      9700000);
    ck_assert_uint_eq(users_find(world.users, 3, 10000000)->placed_at_ms,
                      10000000);
}
END_TEST

START_TEST(newest_placement_of_a_user_is_recalled)
{
    uint8_t bytes[2 * RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .user = 1, .placed_at_ms = 9600000});
    s_record(bytes + RECORD_BYTES,
             (record_t){.seq = 2, .user = 1, .placed_at_ms = 9700000});
    ck_assert_int_eq(world_remember(&world, bytes, 2), 0);
    world_recall_users(&world, 10000000);
    ck_assert_uint_eq(users_find(world.users, 1, 10000000)->seq, 2);
}
END_TEST

/* It restarts with a clock that is a day ahead: what was placed last is still
 * its user's last. */
START_TEST(a_clock_that_is_ahead_forgets_nobody)
{
    uint8_t bytes[RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .user = 1, .placed_at_ms = 9600000});
    ck_assert_int_eq(world_remember(&world, bytes, 1), 0);
    world_recall_users(&world, 96400000);
    ck_assert_ptr_nonnull(users_find(world.users, 1, 96400000));
}
END_TEST

START_TEST(history_without_chains_gets_one)
{
    uint8_t bytes[RECORD_BYTES];
    s_record(bytes, (record_t){.seq = 1, .user = 1});
    ck_assert_int_eq(world_follow(&world, bytes, 1, 1), 0);
    ck_assert(!chain_known(world_head(&world).chain));
    world_begin_chain(&world);
    chain_t chain = chain_extend(chain_legacy_origin(), bytes, 1);
    ck_assert(chain_equal(world_head(&world).chain, chain));
    history_trim(world.history, 1);
    world_begin_chain(&world); /* it has one */
    ck_assert(chain_equal(world_head(&world).chain, chain));
}
END_TEST

Suite *suite_broker_world(void);
Suite *suite_broker_world(void)
{
    Suite *suite = suite_create("broker/world");
    TCase *tc = tcase_create("world");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, records_above_seq_are_applied_once);
    tcase_add_test(tc, gap_and_misfit_are_refused);
    tcase_add_test(tc, users_are_recalled_from_the_window_only);
    tcase_add_test(tc, what_moderators_did_is_followed);
    tcase_add_test(tc, policy_is_recalled_from_the_log);
    tcase_add_test(tc, cleared_world_holds_nothing);
    tcase_add_test(tc, time_ahead_is_bounded_by_the_record_behind);
    tcase_add_test(tc, newest_placement_of_a_user_is_recalled);
    tcase_add_test(tc, a_clock_that_is_ahead_forgets_nobody);
    tcase_add_test(tc, history_without_chains_gets_one);
    suite_add_tcase(suite, tc);
    return suite;
}
