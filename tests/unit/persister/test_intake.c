/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/intake.h"

#include <check.h>

static intake_t s_level_at(uint64_t checkpoint)
{
    intake_t intake;
    intake_start(&intake, checkpoint);
    intake_level(&intake);
    return intake;
}

START_TEST(begins_behind_until_a_replay_told)
{
    intake_t intake;
    intake_start(&intake, 41);
    ck_assert_uint_eq(intake.next, 42);
    ck_assert(intake_behind(&intake));
    intake_level(&intake);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(what_follows_on_is_taken)
{
    uint64_t skip = 9;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(intake_offer(&intake, 11, 20, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(skip, 0);
    ck_assert_uint_eq(intake.next, 21);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(what_is_known_is_old)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(intake_offer(&intake, 1, 10, &skip), INTAKE_OLD);
    ck_assert_uint_eq(intake.next, 11);
}
END_TEST

START_TEST(overlap_is_skipped)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(intake_offer(&intake, 8, 12, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(skip, 3);
    ck_assert_uint_eq(intake.next, 13);
}
END_TEST

START_TEST(gap_is_behind_until_it_is_filled)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    ck_assert_int_eq(intake_offer(&intake, 12, 15, &skip), INTAKE_GAP);
    ck_assert(intake_behind(&intake));
    ck_assert_uint_eq(intake.next, 11);
    ck_assert_int_eq(intake_offer(&intake, 11, 13, &skip), INTAKE_TAKE);
    ck_assert(intake_behind(&intake));
    ck_assert_int_eq(intake_offer(&intake, 14, 15, &skip), INTAKE_TAKE);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(refused_message_leaves_it_behind)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    intake_refuse(&intake, 20);
    ck_assert(intake_behind(&intake));
    ck_assert_int_eq(intake_offer(&intake, 11, 20, &skip), INTAKE_TAKE);
    ck_assert(!intake_behind(&intake));
}
END_TEST

START_TEST(hint_counts_only_where_nothing_moves)
{
    uint64_t skip;
    intake_t intake = s_level_at(10);
    intake_hint(&intake, 12); /* those two may be on their way */
    ck_assert(!intake_behind(&intake));
    ck_assert_int_eq(intake_offer(&intake, 11, 11, &skip), INTAKE_TAKE);
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
    ck_assert_int_eq(intake_offer(&intake, 26, 30, &skip), INTAKE_GAP);
    ck_assert_uint_eq(intake.hole, 25);
    ck_assert_int_eq(intake_offer(&intake, 11, 30, &skip), INTAKE_TAKE);
    ck_assert_uint_eq(intake.hole, 0);
    ck_assert(!intake_lack(&intake, 40));
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
    tcase_add_test(facts, hint_of_what_is_known_changes_nothing);
    suite_add_tcase(suite, facts);
    return suite;
}
