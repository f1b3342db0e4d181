/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/walk.h"

#include "common/backoff.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_walk(void);

#define MANY 1000

typedef struct {
    walk_node_t node;
    unsigned visits;
    unsigned turn; /* within its last round */
    bool in;
} member_t;

static walk_t s_walk;
static member_t s_members[2 * MANY];
static unsigned s_turn; /* of this round */

static void s_setup(void)
{
    walk_init(&s_walk);
    memset(s_members, 0, sizeof s_members);
}

static void s_teardown(void)
{
    walk_fini(&s_walk);
}

static void s_add(member_t *member)
{
    walk_add(&s_walk, &member->node);
    member->in = true;
}

static void s_remove(member_t *member)
{
    walk_remove(&s_walk, &member->node);
    member->in = false;
}

static void s_visit(void *context, walk_node_t *node)
{
    member_t *member = (member_t *)node;
    (void)context;
    ck_assert(member->in);
    member->turn = s_turn++;
    member->visits++;
}

static void s_visit_and_leave(void *context, walk_node_t *node)
{
    s_visit(context, node);
    s_remove((member_t *)node);
}

static void s_round(size_t slice)
{
    s_turn = 0;
    walk_start(&s_walk);
    while (walk_slice(&s_walk, slice, s_visit, NULL))
        ;
}

START_TEST(each_member_is_visited_once_whatever_the_slice)
{
    for (int i = 0; i < MANY; i++)
        s_add(&s_members[i]);
    for (unsigned round = 1; round <= 20; round++) {
        s_round(1 + random_below(300));
        for (int i = 0; i < MANY; i++)
            ck_assert_uint_eq(s_members[i].visits, round);
    }
}
END_TEST

START_TEST(turns_come_at_even_distances)
{
    for (int i = 0; i < MANY; i++)
        s_add(&s_members[i]);
    for (int round = 0; round < 3; round++) {
        s_round(1 + random_below(300));
        for (unsigned i = 0; i < MANY; i++)
            ck_assert_uint_eq(s_members[i].turn, i);
    }
}
END_TEST

START_TEST(empty_round_is_over_at_once)
{
    walk_start(&s_walk);
    ck_assert(!walk_running(&s_walk));
    ck_assert(!walk_slice(&s_walk, 10, s_visit, NULL));
}
END_TEST

START_TEST(member_may_leave_in_its_own_visit)
{
    for (int i = 0; i < MANY; i++)
        s_add(&s_members[i]);
    walk_start(&s_walk);
    while (walk_slice(&s_walk, 64, s_visit_and_leave, NULL))
        ;
    ck_assert_uint_eq(s_walk.count, 0);
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(s_members[i].visits, 1);
}
END_TEST

START_TEST(coming_and_going_during_a_round_keeps_it_fair)
{
    for (int i = 0; i < MANY; i++)
        s_add(&s_members[i]);
    for (int round = 0; round < 50; round++) {
        bool stayed[2 * MANY];
        unsigned before[2 * MANY];
        for (int i = 0; i < 2 * MANY; i++) {
            stayed[i] = s_members[i].in;
            before[i] = s_members[i].visits;
        }
        walk_start(&s_walk);
        do {
            member_t *any = &s_members[random_below(2 * MANY)];
            stayed[any - s_members] = false;
            if (any->in)
                s_remove(any);
            else
                s_add(any);
        } while (walk_slice(&s_walk, 50, s_visit, NULL));
        for (int i = 0; i < 2 * MANY; i++) {
            if (stayed[i])
                ck_assert_uint_eq(s_members[i].visits, before[i] + 1);
            else
                ck_assert_uint_le(s_members[i].visits, before[i] + 1);
        }
    }
}
END_TEST

Suite *suite_edge_walk(void)
{
    Suite *suite = suite_create("edge/walk");
    TCase *tcase = tcase_create("walk");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, each_member_is_visited_once_whatever_the_slice);
    tcase_add_test(tcase, turns_come_at_even_distances);
    tcase_add_test(tcase, empty_round_is_over_at_once);
    tcase_add_test(tcase, member_may_leave_in_its_own_visit);
    tcase_add_test(tcase, coming_and_going_during_a_round_keeps_it_fair);
    suite_add_tcase(suite, tcase);
    return suite;
}
