/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/bans.h"

#include "common/mem.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

START_TEST(who_is_in_is_banned_and_nobody_else)
{
    bans_t bans = {0};
    uint64_t users[] = {7, 0, 9, 7};
    ck_assert(!bans_has(&bans, 0) && !bans_has(&bans, 7));
    bans_set(&bans, users, 4);
    ck_assert_uint_eq(bans.count, 3);
    ck_assert(bans_has(&bans, 0) && bans_has(&bans, 7) && bans_has(&bans, 9));
    ck_assert(!bans_has(&bans, 8));
    bans_set(&bans, users, 1);
    ck_assert(bans_has(&bans, 7) && !bans_has(&bans, 0) && !bans_has(&bans, 9));
    bans_fini(&bans);
}
END_TEST

/* C5: 20,000 took 14 s. */
START_TEST(hundred_thousand_are_set_in_a_moment)
{
    bans_t bans = {0};
    size_t count = 100000;
    uint64_t *users = mem_zalloc(count, sizeof *users);
    for (size_t i = 0; i < count; i++)
        users[i] = i << 20; /* alike in the low bits */
    /* The processor's time: others run beside. */
    clock_t began = clock();
    bans_set(&bans, users, count);
    ck_assert_int_lt(clock() - began, 2 * CLOCKS_PER_SEC);
    for (size_t i = 0; i < count; i++)
        ck_assert(bans_has(&bans, users[i]) && !bans_has(&bans, users[i] + 1));
    free(users);
    bans_fini(&bans);
}
END_TEST

Suite *suite_broker_bans(void);
Suite *suite_broker_bans(void)
{
    Suite *suite = suite_create("broker/bans");
    TCase *tc = tcase_create("bans");
    tcase_add_test(tc, who_is_in_is_banned_and_nobody_else);
    tcase_add_test(tc, hundred_thousand_are_set_in_a_moment);
    suite_add_tcase(suite, tc);
    return suite;
}
