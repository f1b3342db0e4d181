/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/intake.h"

#include <check.h>
#include <string.h>

static uint8_t s_records[64 * RECORD_BYTES];

/* Records first … last of the one history, whose chain is known if `before`
 * is. */
static intake_run_t s_run(uint64_t first, uint64_t last, chain_t before)
{
    for (uint64_t seq = first; seq <= last; seq++)
        record_encode(s_records + (seq - first) * RECORD_BYTES,
                      &(record_t){.seq = seq, .user = 7});
    return (intake_run_t){first, last + 1 - first, before, s_records};
}

static intake_result_t s_offer(intake_t *intake, uint64_t first, uint64_t last,
                               uint64_t *skip)
{
    intake_run_t run = s_run(first, last, CHAIN_UNKNOWN);
    return intake_offer(intake, &run, skip);
}

/* The chain at a seq of that history. */
static chain_t s_chain(uint64_t seq)
{
    intake_run_t run = s_run(1, seq, CHAIN_UNKNOWN);
    return chain_extend(chain_legacy_origin(), run.records, seq);
}

static intake_t s_level_at(uint64_t checkpoint)
{
    intake_t intake;
    intake_start(&intake, (position_t){.seq = checkpoint});
    intake_level(&intake, CHAIN_UNKNOWN);
    return intake;
}

START_TEST(begins_behind_until_a_replay_told)
{
    intake_t intake;
    intake_start(&intake, (position_t){.seq = 41});
    ck_assert_uint_eq(intake.next, 42);
    ck_assert(intake_behind(&intake));
    intake_level(&intake, CHAIN_UNKNOWN);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(what_follows_on_is_taken)
{
    uint64_t skip = 9;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(s_offer(&intake, 11, 20, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(skip, 0);
    ck_assert_uint_eq(intake.next, 21);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(what_is_known_is_old)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(s_offer(&intake, 1, 10, &skip), INTAKE_OLD);
    ck_assert_uint_eq(intake.next, 11);
}
END_TEST

START_TEST(overlap_is_skipped)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(s_offer(&intake, 8, 12, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(skip, 3);
    ck_assert_uint_eq(intake.next, 13);
}
END_TEST

START_TEST(gap_is_behind_until_it_is_filled)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(s_offer(&intake, 12, 15, &skip), INTAKE_GAP);
    ck_assert(intake_behind(&intake));
    ck_assert_uint_eq(intake.next, 11);
    ck_assert_int_eq(s_offer(&intake, 11, 13, &skip), INTAKE_TAKE);
    ck_assert(intake_behind(&intake));
    ck_assert_int_eq(s_offer(&intake, 14, 15, &skip), INTAKE_TAKE);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(refused_message_leaves_it_behind)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    intake_refuse(&intake, 20);
    ck_assert(intake_behind(&intake));
    ck_assert_int_eq(s_offer(&intake, 11, 20, &skip), INTAKE_TAKE);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(hint_counts_only_where_nothing_moves)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    intake_hint(&intake, 12); /* those two may be on their way */
    ck_assert(!intake_behind(&intake));
    ck_assert_int_eq(s_offer(&intake, 11, 11, &skip), INTAKE_TAKE);
    intake_hint(&intake, 13);
    ck_assert(!intake_behind(&intake));
    intake_hint(&intake, 13); /* nothing came since */
    ck_assert(intake_behind(&intake));
}
END_TEST

START_TEST(hint_of_what_is_known_changes_nothing)
{
    intake_t intake = s_level_at(10);
    intake_hint(&intake, 10);
    intake_hint(&intake, 10);
    intake_hint(&intake, 3);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(hole_is_believed_when_it_is_told_twice)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert(!intake_lack(&intake, 20));
    ck_assert_uint_eq(intake.hole, 0);
    ck_assert(intake_behind(&intake)); /* it is asked again */
    ck_assert(intake_lack(&intake, 20));
    ck_assert_uint_eq(intake.hole, 20);
    ck_assert(!intake_lack(&intake, 25)); /* known */
    ck_assert_uint_eq(intake.hole, 25);
    ck_assert_int_eq(s_offer(&intake, 26, 30, &skip), INTAKE_GAP);
    ck_assert_uint_eq(intake.hole, 25);
    ck_assert_int_eq(s_offer(&intake, 11, 30, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(intake.hole, 0);
    ck_assert(!intake_lack(&intake, 40));
}
END_TEST

START_TEST(records_of_another_history_are_not_taken)
{
    uint64_t skip;
    intake_t intake;
    intake_start(&intake, (position_t){10, s_chain(10)});
    ck_assert(!intake.proved);
    intake_run_t run = s_run(11, 20, chain_of_board(10, 1));
    ck_assert_int_eq(intake_offer(&intake, &run, &skip), INTAKE_FORKED);
    ck_assert_uint_eq(intake.next, 11);
    chain_t before = s_chain(7);
    run = s_run(8, 20, before);
    ck_assert_int_eq(intake_offer(&intake, &run, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(skip, 3);
    ck_assert(intake.proved);
    chain_t wanted = s_chain(20);
    ck_assert(chain_equal(intake.chain, wanted));
    before = s_chain(17);
    run = s_run(18, 25, before);
    s_records[2 * RECORD_BYTES + 30] ^= 1; /* 20 was another placement */
    ck_assert_int_eq(intake_offer(&intake, &run, &skip), INTAKE_FORKED);
}
END_TEST

START_TEST(an_empty_replay_proves_the_history_or_not)
{
    intake_t intake;
    intake_start(&intake, (position_t){10, s_chain(10)});
    ck_assert(!intake_level(&intake, chain_of_board(10, 1)));
    ck_assert(!intake.proved);
    ck_assert(intake_behind(&intake));
    ck_assert(intake_level(&intake, s_chain(10)));
    ck_assert(intake.proved);
    ck_assert(!intake_behind(&intake));
    intake_doubt(&intake); /* another leader */
    ck_assert(!intake.proved);
    ck_assert(intake_behind(&intake));
}
END_TEST

START_TEST(an_empty_store_takes_the_chain_of_what_comes)
{
    uint64_t skip;
    intake_t intake;
    intake_start(&intake, (position_t){0});
    intake_run_t run = s_run(1, 5, chain_legacy_origin());
    ck_assert_int_eq(intake_offer(&intake, &run, &skip), INTAKE_TAKE);
    chain_t wanted = s_chain(5);
    ck_assert(chain_equal(intake.chain, wanted));
}
END_TEST

START_TEST(only_whole_messages_are_runs)
{
    uint8_t bytes[BUS_BODY_HEAD_BYTES + 3 * RECORD_BYTES];
    chain_t before = s_chain(4);
    bus_put_body_head(bytes, BUS_RECORDS, 9, before);
    intake_run_t run = s_run(5, 7, before);
    memcpy(bytes + BUS_BODY_HEAD_BYTES, run.records, 3 * RECORD_BYTES);
    ck_assert_int_eq(intake_run_decode(&run, bytes, sizeof bytes), 0);
    ck_assert_uint_eq(run.first, 5);
    ck_assert_uint_eq(run.count, 3);
    ck_assert(chain_equal(run.before, before));
    ck_assert_int_eq(intake_run_decode(&run, bytes, BUS_BODY_HEAD_BYTES), 0);
    ck_assert_uint_eq(run.count, 0);
    ck_assert_int_eq(intake_run_decode(&run, bytes, sizeof bytes - 1), -1);
    bytes[BUS_BODY_HEAD_BYTES + RECORD_BYTES]++; /* a gap */
    ck_assert_int_eq(intake_run_decode(&run, bytes, sizeof bytes), -1);
}
END_TEST

Suite *suite_persister_intake(void);
Suite *suite_persister_intake(void)
{
    Suite *suite = suite_create("persister/intake");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, begins_behind_until_a_replay_told);
    tcase_add_test(facts, what_follows_on_is_taken);
    tcase_add_test(facts, what_is_known_is_old);
    tcase_add_test(facts, overlap_is_skipped);
    tcase_add_test(facts, gap_is_behind_until_it_is_filled);
    tcase_add_test(facts, refused_message_leaves_it_behind);
    tcase_add_test(facts, hint_counts_only_where_nothing_moves);
    tcase_add_test(facts, hole_is_believed_when_it_is_told_twice);
    tcase_add_test(facts, records_of_another_history_are_not_taken);
    tcase_add_test(facts, an_empty_replay_proves_the_history_or_not);
    tcase_add_test(facts, an_empty_store_takes_the_chain_of_what_comes);
    tcase_add_test(facts, only_whole_messages_are_runs);
    tcase_add_test(facts, hint_of_what_is_known_changes_nothing);
    suite_add_tcase(suite, facts);
    return suite;
}
