/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/tally.h"

#include <check.h>

Suite *suite_broker_tally(void);

static tally_t *tally;
static const bus_taken_t *sums;

static void s_set_up(void)
{
    tally = tally_new();
}

static void s_tear_down(void)
{
    tally_destroy(&tally);
}

START_TEST(what_edges_took_is_summed_by_address)
{
    static const bus_taken_t one[] = {{7, 1}, {0, 2}},
                             other[] = {{8, 4}, {7, 8}};
    ck_assert_uint_eq(tally_rows(tally, &sums), 0);
    ck_assert_uint_eq(tally_add(tally, one, 2), 0);
    ck_assert_uint_eq(tally_add(tally, other, 2), 0);
    ck_assert_uint_eq(tally_rows(tally, &sums), 3);
    ck_assert_uint_eq(sums[0].key, 7);
    ck_assert_uint_eq(sums[0].count, 9);
    ck_assert_uint_eq(sums[1].key, 0);
    ck_assert_uint_eq(sums[1].count, 2);
    ck_assert_uint_eq(sums[2].key, 8);
    ck_assert_uint_eq(sums[2].count, 4);
    tally_clear(tally);
    ck_assert_uint_eq(tally_rows(tally, &sums), 0);
    tally_add(tally, other, 1);
    ck_assert_uint_eq(tally_rows(tally, &sums), 1);
    ck_assert_uint_eq(sums[0].count, 4);
}
END_TEST

START_TEST(a_sum_does_not_overflow)
{
    static const bus_taken_t much[] = {{7, UINT32_MAX - 1}, {7, 1}, {7, 5}};
    tally_add(tally, much, 3);
    tally_rows(tally, &sums);
    ck_assert_uint_eq(sums[0].count, UINT32_MAX);
}
END_TEST

START_TEST(addresses_beyond_the_bound_are_refused_and_known_ones_are_not)
{
    for (uint64_t key = 0; key < BUS_TAKEN_MAX; key++) {
        bus_taken_t row = {key << 32, 1};
        ck_assert_uint_eq(tally_add(tally, &row, 1), 0);
    }
    static const bus_taken_t rows[] = {{1, 1}, {5ull << 32, 2}, {2, 1}};
    ck_assert_uint_eq(tally_add(tally, rows, 3), 2);
    ck_assert_uint_eq(tally_rows(tally, &sums), BUS_TAKEN_MAX);
    ck_assert_uint_eq(sums[5].count, 3);
}
END_TEST

Suite *suite_broker_tally(void)
{
    Suite *suite = suite_create("broker/tally");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, what_edges_took_is_summed_by_address);
    tcase_add_test(all, a_sum_does_not_overflow);
    tcase_add_test(
        all, addresses_beyond_the_bound_are_refused_and_known_ones_are_not);
    suite_add_tcase(suite, all);
    return suite;
}
