/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/sessions.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_sessions(void);

typedef struct {
    member_t member;
    unsigned visits, flushes;
    bool leaves;
} one_t;

static sessions_t *s_set;
static one_t s_ones[5];

static void s_setup(void)
{
    s_set = sessions_new();
    memset(s_ones, 0, sizeof s_ones);
    for (int i = 0; i < 5; i++) {
        s_ones[i].member.json = i == 4;
        sessions_add(s_set, &s_ones[i].member);
    }
}

static void s_teardown(void)
{
    sessions_destroy(&s_set);
}

static void s_flush(void *context, member_t *member)
{
    one_t *one = (one_t *)member;
    (void)context;
    one->flushes++;
    if (one->leaves)
        sessions_remove(s_set, member);
}

static void s_visit(void *context, member_t *member)
{
    (void)context;
    ((one_t *)member)->visits++;
}

static bool s_pick(member_t *member)
{
    ((one_t *)member)->visits++;
    return member != &s_ones[4].member;
}

START_TEST(dirty_members_are_flushed_once)
{
    s_ones[2].leaves = true;
    for (int i = 0; i < 3; i++)
        for (int twice = 0; twice < 2; twice++)
            sessions_dirty(s_set, &s_ones[i].member);
    sessions_flush(s_set, s_flush, NULL);
    sessions_flush(s_set, s_flush, NULL);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(s_ones[i].flushes, i < 3);
    ck_assert_uint_eq(sessions_count(s_set), 4);
}
END_TEST

START_TEST(who_left_is_not_flushed)
{
    sessions_dirty(s_set, &s_ones[0].member);
    sessions_dirty(s_set, &s_ones[1].member);
    sessions_remove(s_set, &s_ones[0].member);
    sessions_flush(s_set, s_flush, NULL);
    ck_assert_uint_eq(s_ones[0].flushes, 0);
    ck_assert_uint_eq(s_ones[1].flushes, 1);
}
END_TEST

START_TEST(flavours_are_those_of_who_is_there)
{
    ck_assert(sessions_speak(s_set, true));
    ck_assert(sessions_speak(s_set, false));
    sessions_remove(s_set, &s_ones[4].member);
    ck_assert(!sessions_speak(s_set, true));
    for (int i = 0; i < 4; i++)
        sessions_remove(s_set, &s_ones[i].member);
    ck_assert(!sessions_speak(s_set, false));
}
END_TEST

START_TEST(attention_lasts_until_the_next_round)
{
    ck_assert(!sessions_need_visit(s_set));
    sessions_attend(s_set);
    ck_assert(sessions_need_visit(s_set));
    sessions_start_round(s_set);
    ck_assert(!sessions_need_visit(s_set));
    sessions_attend(s_set); /* by a visit: the round after */
    while (sessions_visit(s_set, 2, s_visit, NULL))
        ;
    ck_assert(sessions_need_visit(s_set));
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(s_ones[i].visits, 1);
}
END_TEST

START_TEST(picking_goes_on_until_enough_were_taken)
{
    sessions_pick(s_set, 2, s_pick);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(s_ones[i].visits, i >= 2);
}
END_TEST

Suite *suite_edge_sessions(void)
{
    Suite *suite = suite_create("edge/sessions");
    TCase *tcase = tcase_create("sessions");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, dirty_members_are_flushed_once);
    tcase_add_test(tcase, who_left_is_not_flushed);
    tcase_add_test(tcase, flavours_are_those_of_who_is_there);
    tcase_add_test(tcase, attention_lasts_until_the_next_round);
    tcase_add_test(tcase, picking_goes_on_until_enough_were_taken);
    suite_add_tcase(suite, tcase);
    return suite;
}
