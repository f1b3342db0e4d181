/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers of a cluster, and a leader that sums what they tell.
 */
#include "edge/shared_budget.h"

#include "common/bus_taken.h"
#include "edge/edge.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_shared_budget(void);

#define WORKERS 4
#define LIMIT 20

static edge_config_t config;
static edge_t edge;
static shared_budget_t *workers[WORKERS];
static uint64_t now_ms;
/* What the leader was told since it spoke last. */
static bus_taken_t sums[BUS_TAKEN_MAX];
static size_t sums_count, tells;
static bool leads;

static int s_tell(void *context, const void *bytes, size_t size)
{
    static bus_taken_t rows[BUS_TAKEN_MAX];
    int count = bus_decode_taken(rows, bytes, size);
    (void)context;
    ck_assert_int_gt(count, 0);
    if (!leads)
        return -1;
    tells++;
    for (int i = 0; i < count; i++) {
        size_t at = 0;
        while (at < sums_count && sums[at].key != rows[i].key)
            at++;
        if (at == sums_count)
            sums[sums_count++] = (bus_taken_t){.key = rows[i].key};
        sums[at].count += rows[i].count;
    }
    return 0;
}

static void s_set_up(void)
{
    config = (edge_config_t){.sessions_per_address_cluster = LIMIT,
                             .keys.anonymous = {{"secret"}, 1}};
    edge = (edge_t){.config = &config};
    now_ms = 1000000;
    sums_count = tells = 0;
    leads = true;
    for (int i = 0; i < WORKERS; i++)
        workers[i] = shared_budget_new(&edge, s_tell, NULL);
}

static void s_tear_down(void)
{
    for (int i = 0; i < WORKERS; i++)
        shared_budget_destroy(&workers[i]);
}

static address_t s_address(uint32_t number)
{
    return (address_t){{[10] = 0xff,
                        0xff,
                        (uint8_t)(number >> 24),
                        (uint8_t)(number >> 16),
                        (uint8_t)(number >> 8),
                        (uint8_t)number}};
}

static uint32_t s_take(int worker, uint32_t number)
{
    address_t address = s_address(number);
    return shared_budget_take(workers[worker], &address, now_ms);
}

/* As many as there are; how many. */
static unsigned s_take_all(int worker, uint32_t number)
{
    unsigned taken = 0;
    while (!s_take(worker, number))
        ck_assert_uint_le(++taken, 100000);
    return taken;
}

/* A second: all tell, the leader speaks, all hear. */
static void s_second(void)
{
    uint8_t rows[BUS_TAKEN_BOUND];
    now_ms += 1000;
    for (int i = 0; i < WORKERS; i++)
        shared_budget_tick(workers[i], now_ms);
    if (!leads)
        return;
    size_t size = bus_put_taken_rows(rows, sums, sums_count);
    sums_count = 0;
    for (int i = 0; i < WORKERS; i++)
        shared_budget_hear(workers[i], rows, size, now_ms);
}

START_TEST(what_one_worker_gave_is_missing_at_all)
{
    for (int i = 0; i < LIMIT / 2; i++)
        ck_assert_uint_eq(s_take(0, 1), 0);
    s_second();
    ck_assert_uint_eq(s_take_all(1, 1), LIMIT / 2);
    s_second();
    ck_assert_uint_gt(s_take(0, 1), 0);
    ck_assert_uint_gt(s_take(2, 1), 0);
    ck_assert_uint_eq(s_take_all(2, 2), LIMIT);
    ck_assert_int_eq(edge.metrics[EDGE_SHARED_REFUSED], 4);
}
END_TEST

/* One's own part in the sum is not taken twice. */
START_TEST(what_is_heard_of_oneself_counts_once)
{
    for (int second = 0; second < 10; second++) {
        ck_assert_uint_eq(s_take(0, 1), 0);
        s_second();
    }
    /* Ten are out, less the three that came back in ten seconds. */
    ck_assert_uint_eq(s_take_all(0, 1), LIMIT - 10 + 3);
}
END_TEST

/* The sums may be a second late: what was told last is in the next one. */
START_TEST(two_sums_may_come_at_once)
{
    uint8_t rows[BUS_TAKEN_BOUND];
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(s_take(0, 1), 0);
        shared_budget_tick(workers[0], now_ms += 1000);
    }
    ck_assert_uint_eq(sums[0].count, 2);
    size_t size = bus_put_taken_rows(rows, sums, sums_count);
    shared_budget_hear(workers[0], rows, size, now_ms);
    ck_assert_uint_eq(s_take_all(0, 1), LIMIT - 2);
}
END_TEST

/* A sum that was lost hides what others take later for some seconds only. */
START_TEST(a_lost_sum_is_given_up)
{
    uint8_t rows[BUS_TAKEN_BOUND];
    for (int i = 0; i < 10; i++)
        s_take(0, 1);
    shared_budget_tick(workers[0], now_ms);
    ck_assert_uint_eq(sums[0].count, 10);
    size_t size = bus_put_taken_rows(rows, sums, sums_count);
    now_ms += 6000;
    shared_budget_hear(workers[0], rows, size, now_ms); /* another's ten */
    ck_assert_uint_eq(s_take_all(0, 1), LIMIT - 20 + 2);
}
END_TEST

START_TEST(sums_may_come_late)
{
    uint8_t rows[BUS_TAKEN_BOUND];
    ck_assert_uint_eq(s_take(0, 1), 0);
    ck_assert_uint_eq(s_take(1, 1), 0);
    now_ms += 1000;
    shared_budget_tick(workers[1], now_ms);
    size_t size = bus_put_taken_rows(rows, sums, sums_count);
    sums_count = 0;
    shared_budget_tick(workers[0], now_ms); /* behind the leader's beat */
    for (int i = 0; i < WORKERS; i++)
        shared_budget_hear(workers[i], rows, size, now_ms);
    s_second();
    for (int i = 0; i < WORKERS; i++)
        ck_assert_uint_eq(s_take_all(i, 1), LIMIT - 2);
}
END_TEST

/* Whoever asks all workers as fast as they can gets the setting in the long
 * run, and what the workers held apart in the first seconds. */
START_TEST(in_the_long_run_an_address_gets_the_setting)
{
    unsigned taken = 0, first = 0;
    const unsigned minutes = 60;
    for (unsigned second = 0; second < 60 * minutes; second++) {
        for (int i = 0; i < WORKERS; i++)
            taken += s_take_all(i, 1);
        s_second();
        if (second == 1)
            first = taken;
    }
    ck_assert_uint_eq(first, WORKERS * LIMIT);
    ck_assert_uint_le(taken, (minutes + 1) * LIMIT + first);
    ck_assert_uint_ge(taken, (minutes - 1) * LIMIT);
}
END_TEST

START_TEST(without_a_leader_each_worker_goes_by_itself)
{
    leads = false;
    ck_assert_uint_eq(s_take_all(0, 1), LIMIT);
    for (int second = 0; second < 6; second++)
        s_second();
    ck_assert_uint_eq(s_take_all(0, 1), 2); /* that came back */
    ck_assert_uint_eq(s_take_all(1, 1), LIMIT);
    leads = true; /* it is told what is still out, not what came back */
    s_second();
    s_second();
    ck_assert_uint_gt(s_take(2, 1), 0);
    ck_assert_uint_eq(tells, 2);
}
END_TEST

/* An address of few visitors is nobody else's business. */
START_TEST(a_small_share_is_not_told)
{
    config.sessions_per_address_cluster = 640;
    shared_budget_destroy(&workers[0]);
    workers[0] = shared_budget_new(&edge, s_tell, NULL);
    for (int i = 0; i < 9; i++)
        s_take(0, 1);
    shared_budget_tick(workers[0], now_ms);
    ck_assert_uint_eq(tells, 0);
    now_ms += 1000;
    for (int i = 0; i < 30; i++)
        s_take(0, 1);
    now_ms += 1000;
    shared_budget_tick(workers[0], now_ms);
    ck_assert_uint_eq(tells, 1);
    ck_assert_uint_eq(sums[0].count, 20); /* of 30, 10.7 came back */
}
END_TEST

/* Whatever an edge that was taken over says. */
START_TEST(a_debt_ends)
{
    s_take(0, 1);
    now_ms += 1000;
    shared_budget_tick(workers[0], now_ms);
    sums[0].count = UINT32_MAX;
    s_second();
    uint32_t wait_ms = s_take(3, 1);
    ck_assert_uint_gt(wait_ms, SHARED_DEBT_MS - 60000);
    ck_assert_uint_le(wait_ms, SHARED_DEBT_MS);
    now_ms += wait_ms;
    ck_assert_uint_eq(s_take(3, 1), 0);
}
END_TEST

START_TEST(the_table_has_a_bound_and_is_emptied)
{
    for (uint32_t i = 0; i < SHARED_ADDRESSES_MAX; i++)
        ck_assert_uint_eq(s_take(0, i), 0);
    ck_assert_int_eq(edge.metrics[EDGE_SHARED_UNCOUNTED], 0);
    for (int i = 0; i < 2 * LIMIT; i++)
        ck_assert_uint_eq(s_take(0, UINT32_MAX), 0);
    ck_assert_int_eq(edge.metrics[EDGE_SHARED_UNCOUNTED], 2 * LIMIT);
    ck_assert_uint_eq(s_take_all(0, 1), LIMIT - 1);
    now_ms += 120000;
    for (int i = 0; i < 20; i++)
        s_second();
    ck_assert_uint_eq(s_take_all(0, UINT32_MAX), LIMIT);
}
END_TEST

START_TEST(nothing_is_counted_unless_it_is_set)
{
    config.sessions_per_address_cluster = 0;
    shared_budget_destroy(&workers[0]);
    workers[0] = shared_budget_new(&edge, s_tell, NULL);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(s_take(0, 1), 0);
    s_second();
    ck_assert_uint_eq(tells, 0);
    shared_budget_hear(workers[0], "x", 1, now_ms);
    ck_assert_int_eq(edge.metrics[EDGE_BUS_BAD], 1);
}
END_TEST

Suite *suite_edge_shared_budget(void)
{
    Suite *suite = suite_create("edge/shared_budget");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, what_one_worker_gave_is_missing_at_all);
    tcase_add_test(all, what_is_heard_of_oneself_counts_once);
    tcase_add_test(all, two_sums_may_come_at_once);
    tcase_add_test(all, a_lost_sum_is_given_up);
    tcase_add_test(all, sums_may_come_late);
    tcase_add_test(all, in_the_long_run_an_address_gets_the_setting);
    tcase_add_test(all, without_a_leader_each_worker_goes_by_itself);
    tcase_add_test(all, a_small_share_is_not_told);
    tcase_add_test(all, a_debt_ends);
    tcase_add_test(all, the_table_has_a_bound_and_is_emptied);
    tcase_add_test(all, nothing_is_counted_unless_it_is_set);
    suite_add_tcase(suite, all);
    return suite;
}
