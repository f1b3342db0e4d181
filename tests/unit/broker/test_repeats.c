/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/repeats.h"

#include <check.h>

static repeats_t repeats;

static void s_set_up(void)
{
    repeats_init(&repeats);
}

static void s_tear_down(void)
{
    repeats_fini(&repeats);
}

/* The copy of a placement that an edge sent so often before. */
static bus_place_t s_copy(uint64_t ticket, unsigned copy)
{
    return (bus_place_t){.ticket = ticket | (uint64_t)copy << BUS_TICKET_BITS,
                         .user = 1,
                         .request = 2,
                         .flags = copy ? BUS_PLACE_RESENT : 0};
}

START_TEST(older_copies_are_known_behind_a_newer_one)
{
    bus_place_t copies[4];
    for (unsigned i = 0; i < 4; i++)
        copies[i] = s_copy(5, i);
    bus_place_t other = s_copy(6, 0);
    ck_assert(!repeats_has(&repeats, &copies[0]));
    repeats_add(&repeats, &copies[2]);
    ck_assert(repeats_has(&repeats, &copies[0]));
    ck_assert(repeats_has(&repeats, &copies[1]));
    ck_assert(!repeats_has(&repeats, &copies[2]));
    ck_assert(!repeats_has(&repeats, &copies[3]));
    ck_assert(!repeats_has(&repeats, &other));
}
END_TEST

/* Edges of before count nothing. */
START_TEST(an_uncounted_repetition_is_not_the_first_copy)
{
    bus_place_t place = s_copy(5, 0), again = place;
    again.flags = BUS_PLACE_RESENT;
    repeats_add(&repeats, &again);
    ck_assert(repeats_has(&repeats, &place));
    ck_assert(!repeats_has(&repeats, &again));
}
END_TEST

START_TEST(it_is_forgotten_in_time_and_stays_bounded)
{
    bus_place_t place = s_copy(5, 0), again = s_copy(5, 1);
    repeats_add(&repeats, &again);
    repeats_age(&repeats);
    ck_assert(repeats_has(&repeats, &place));
    repeats_age(&repeats);
    ck_assert(!repeats_has(&repeats, &place));
    for (uint64_t n = 0; n < REPEATS_MAX * 3; n++)
        again = s_copy(n, 1), repeats_add(&repeats, &again);
    ck_assert_uint_le(repeats.count, REPEATS_MAX / 2);
    place = s_copy(REPEATS_MAX, 0);
    ck_assert(!repeats_has(&repeats, &place));
    place = s_copy(REPEATS_MAX * 3 - 1, 0);
    ck_assert(repeats_has(&repeats, &place));
}
END_TEST

Suite *suite_broker_repeats(void);
Suite *suite_broker_repeats(void)
{
    Suite *suite = suite_create("broker/repeats");
    TCase *tc = tcase_create("repeats");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, older_copies_are_known_behind_a_newer_one);
    tcase_add_test(tc, an_uncounted_repetition_is_not_the_first_copy);
    tcase_add_test(tc, it_is_forgotten_in_time_and_stays_bounded);
    suite_add_tcase(suite, tc);
    return suite;
}
