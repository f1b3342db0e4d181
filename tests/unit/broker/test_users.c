/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/users.h"

#include <check.h>

static users_t *users;

static void s_set_up(void)
{
    users = users_new();
}

static void s_tear_down(void)
{
    users_destroy(&users);
    ck_assert_ptr_null(users);
}

static void s_put(uint64_t user, uint64_t seq, uint64_t placed_at_ms)
{
    record_t record = {.user = user,
                       .seq = seq,
                       .placed_at_ms = placed_at_ms,
                       .request = (uint32_t)seq};
    users_put(users, &record, (keep_t){1000, 9990});
}

START_TEST(unknown_user_is_not_found)
{
    ck_assert_ptr_null(users_find(users, 0, UINT64_MAX));
    ck_assert_ptr_null(users_find(users, 42, UINT64_MAX));
}
END_TEST

START_TEST(last_placement_replaces_the_one_before)
{
    s_put(0, 1, 5000);
    s_put(0, 2, 6000);
    const last_placement_t *last = users_find(users, 0, UINT64_MAX);
    ck_assert_ptr_nonnull(last);
    ck_assert_uint_eq(last->seq, 2);
    ck_assert_uint_eq(last->placed_at_ms, 6000);
    ck_assert_uint_eq(last->request, 2);
    ck_assert_uint_eq(users_count(users), 1);
}
END_TEST

START_TEST(many_users_are_all_found)
{
    for (uint64_t i = 1; i <= 100000; i++)
        s_put(i * 7, i, 5000);
    ck_assert_uint_eq(users_count(users), 100000);
    for (uint64_t i = 1; i <= 100000; i++) {
        const last_placement_t *last = users_find(users, i * 7, UINT64_MAX);
        ck_assert_ptr_nonnull(last);
        ck_assert_uint_eq(last->seq, i);
        ck_assert_ptr_null(users_find(users, i * 7 + 1, UINT64_MAX));
    }
}
END_TEST

START_TEST(expired_users_fall_away_as_the_table_grows)
{
    for (uint64_t i = 1; i <= 10000; i++)
        s_put(i, i, i % 2 ? 999 : 1000);
    ck_assert_uint_lt(users_count(users), 7000);
    for (uint64_t i = 2; i <= 10000; i += 2)
        ck_assert_ptr_nonnull(users_find(users, i, UINT64_MAX));
}
END_TEST

/* A clock that jumped makes what is of the last minute look old. */
START_TEST(users_of_the_last_minute_stay_whatever_their_time)
{
    for (uint64_t i = 1; i <= 50; i++)
        s_put(i, 9980 + i, 999);
    for (uint64_t i = 51; i <= 10000; i++)
        s_put(i, i, 1000);
    for (uint64_t i = 10; i <= 50; i++)
        ck_assert_ptr_nonnull(users_find(users, i, UINT64_MAX));
    ck_assert_ptr_null(users_find(users, 9, UINT64_MAX));
}
END_TEST

START_TEST(cleared_table_is_empty_and_usable)
{
    s_put(1, 1, 5000);
    users_clear(users);
    ck_assert_uint_eq(users_count(users), 0);
    ck_assert_ptr_null(users_find(users, 1, UINT64_MAX));
    s_put(1, 9, 5000);
    ck_assert_uint_eq(users_find(users, 1, UINT64_MAX)->seq, 9);
}
END_TEST

Suite *suite_broker_users(void);
Suite *suite_broker_users(void)
{
    Suite *suite = suite_create("broker/users");
    TCase *tc = tcase_create("users");
    tcase_set_timeout(tc, 20);
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, unknown_user_is_not_found);
    tcase_add_test(tc, last_placement_replaces_the_one_before);
    tcase_add_test(tc, many_users_are_all_found);
    tcase_add_test(tc, expired_users_fall_away_as_the_table_grows);
    tcase_add_test(tc, users_of_the_last_minute_stay_whatever_their_time);
    tcase_add_test(tc, cleared_table_is_empty_and_usable);
    suite_add_tcase(suite, tc);
    return suite;
}
