/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/persisters.h"

#include <check.h>

static persisters_t persisters;
static uint64_t now_ms;

static void s_set_up(void)
{
    persisters = (persisters_t){0};
    now_ms = 1000;
}

static persister_t *s_hear(uint64_t instance, uint64_t checkpoint, bool active)
{
    bus_persister_t word = {.instance = instance,
                            .checkpoint = checkpoint,
                            .epoch = (uint32_t)instance,
                            .active = active};
    return persisters_hear(&persisters, &word, &instance, sizeof instance,
                           now_ms);
}

/* Says hello and tells whether it is active; seq 100 is committed. */
static bool s_granted(uint64_t instance, uint64_t checkpoint)
{
    return persisters_grant(&persisters, s_hear(instance, checkpoint, false),
                            100, now_ms);
}

START_TEST(first_heard_is_granted_and_keeps_it)
{
    ck_assert(s_granted(1, 5));
    ck_assert(!s_granted(2, 5));
    now_ms += 2000;
    ck_assert(!s_granted(2, 5));
    ck_assert(s_granted(1, 6));
    ck_assert_uint_eq(persisters.checkpoint, 6);
}
END_TEST

START_TEST(silent_one_loses_the_grant_to_the_next)
{
    ck_assert(s_granted(1, 5));
    now_ms += 2001;
    ck_assert(s_granted(2, 5));
    ck_assert(!s_granted(1, 5));
}
END_TEST

START_TEST(new_leader_leaves_the_grant_where_it_was)
{
    s_hear(1, 5, false);
    s_hear(2, 5, true);
    ck_assert(!s_granted(3, 5));
    ck_assert(!s_granted(1, 5));
    ck_assert(s_granted(2, 6));
}
END_TEST

START_TEST(store_ahead_of_the_committed_seq_is_not_granted)
{
    ck_assert(!s_granted(1, 101));
    ck_assert_uint_eq(persisters.checkpoint, 0);
    ck_assert_ptr_null(persisters_granted(&persisters, now_ms));
    ck_assert(s_granted(2, 100));
}
END_TEST

START_TEST(checkpoint_is_the_granted_ones_and_never_falls)
{
    s_granted(1, 50);
    s_granted(2, 80);
    ck_assert_uint_eq(persisters.checkpoint, 50);
    s_granted(1, 40);
    ck_assert_uint_eq(persisters.checkpoint, 50);
    ck_assert_uint_eq(persisters_kept(&persisters, now_ms), 40);
    s_granted(1, 60);
    ck_assert_uint_eq(persisters_kept(&persisters, now_ms), 60);
    persisters_forget_grant(&persisters);
    ck_assert_uint_eq(persisters.checkpoint, 0);
}
END_TEST

START_TEST(furthest_is_the_highest_checkpoint_heard_lately)
{
    ck_assert_ptr_null(persisters_furthest(&persisters, now_ms));
    s_hear(1, 90, false);
    now_ms += 1500;
    s_hear(2, 70, false);
    ck_assert_uint_eq(persisters_furthest(&persisters, now_ms)->word.checkpoint,
                      90);
    now_ms += 1000;
    ck_assert_uint_eq(persisters_furthest(&persisters, now_ms)->word.checkpoint,
                      70);
    ck_assert_uint_eq(persisters_count(&persisters, now_ms), 1);
    ck_assert_uint_eq(persisters_epoch(&persisters), 2);
}
END_TEST

START_TEST(new_leader_recalls_the_granted_ones_checkpoint)
{
    s_hear(1, 90, false);
    s_hear(2, 70, true);
    s_hear(3, 101, true);
    persisters_recall(&persisters, 100, now_ms);
    ck_assert_uint_eq(persisters.checkpoint, 70);
    persisters_forget_grant(&persisters);
    persisters_recall(&persisters, 100, now_ms + 2001);
    ck_assert_uint_eq(persisters.checkpoint, 0);
}
END_TEST

START_TEST(too_many_are_refused_until_one_is_silent)
{
    for (uint64_t i = 1; i <= PERSISTERS_MAX; i++)
        ck_assert_ptr_nonnull(s_hear(i, 1, false));
    ck_assert_ptr_null(s_hear(99, 1, false));
    ck_assert_ptr_nonnull(s_hear(3, 1, false));
    now_ms += 2001;
    ck_assert_ptr_nonnull(s_hear(99, 1, false));
}
END_TEST

Suite *suite_broker_persisters(void);
Suite *suite_broker_persisters(void)
{
    Suite *suite = suite_create("broker/persisters");
    TCase *tc = tcase_create("persisters");
    tcase_add_checked_fixture(tc, s_set_up, NULL);
    tcase_add_test(tc, first_heard_is_granted_and_keeps_it);
    tcase_add_test(tc, silent_one_loses_the_grant_to_the_next);
    tcase_add_test(tc, new_leader_leaves_the_grant_where_it_was);
    tcase_add_test(tc, store_ahead_of_the_committed_seq_is_not_granted);
    tcase_add_test(tc, checkpoint_is_the_granted_ones_and_never_falls);
    tcase_add_test(tc, furthest_is_the_highest_checkpoint_heard_lately);
    tcase_add_test(tc, new_leader_recalls_the_granted_ones_checkpoint);
    tcase_add_test(tc, too_many_are_refused_until_one_is_silent);
    suite_add_tcase(suite, tc);
    return suite;
}
