/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/resent.h"

#include <check.h>
#include <time.h>

static uint64_t now_ms;
static history_t *history;
static resent_t *resent;

static void s_set_up(void)
{
    now_ms = 1000000;
    history = history_new();
    resent = resent_new();
}

static void s_tear_down(void)
{
    history_destroy(&history);
    resent_destroy(&resent);
}

static void s_placed(uint64_t user, uint32_t request, uint16_t flags)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = {.seq = history_next(history),
                       .placed_at_ms = now_ms,
                       .user = user,
                       .request = request,
                       .flags = flags};
    record_encode(bytes, &record);
    history_append(history, bytes, 1);
}

static uint64_t s_find(uint64_t user, uint32_t request, bool keyless)
{
    resent_key_t key = {user, request, keyless};
    return resent_find(resent, history, NULL, &key);
}

START_TEST(every_recent_placement_of_a_user_is_found)
{
    for (uint32_t i = 0; i < 20000; i++)
        s_placed(7, i, 0);
    for (uint32_t i = 0; i < 20000; i += 11)
        ck_assert_uint_eq(s_find(7, i, false), i + 1);
    ck_assert_uint_eq(s_find(7, 20000, false), 0);
    ck_assert_uint_eq(s_find(8, 1, false), 0);
}
END_TEST

/* What is being decided is in no history yet. */
START_TEST(the_batch_under_way_is_searched_too)
{
    batch_t *batch = batch_new(4);
    resent_key_t key = {.user = 7, .request = 1};
    s_placed(7, 9, 0);
    batch_begin(batch, history_head(history), 4);
    batch_add(
        batch,
        &(record_t){.seq = 2, .placed_at_ms = now_ms, .user = 7, .request = 1},
        0);
    ck_assert_uint_eq(resent_find(resent, history, batch, &key), 2);
    batch_add(
        batch,
        &(record_t){.seq = 3, .placed_at_ms = now_ms, .user = 7, .request = 2},
        0);
    key.request = 2;
    ck_assert_uint_eq(resent_find(resent, history, batch, &key), 3);
    ck_assert_uint_eq(s_find(7, 9, false), 1);
    batch_destroy(&batch);
}
END_TEST

START_TEST(keyless_and_keyed_are_apart)
{
    s_placed(7, 1, RECORD_KEYLESS);
    s_placed(7, 2, 0);
    ck_assert_uint_eq(s_find(7, 1, true), 1);
    ck_assert_uint_eq(s_find(7, 1, false), 0);
    ck_assert_uint_eq(s_find(7, 2, true), 0);
    ck_assert_uint_eq(s_find(7, 2, false), 2);
}
END_TEST

START_TEST(index_follows_the_log)
{
    s_placed(7, 1, 0);
    ck_assert_uint_eq(s_find(7, 2, false), 0);
    s_placed(7, 2, 0);
    ck_assert_uint_eq(s_find(7, 2, false), 2);
}
END_TEST

START_TEST(older_than_the_last_minute_is_not_looked_at)
{
    s_placed(7, 1, 0);
    history_tick(history, 1000);
    s_placed(7, 2, 0);
    history_tick(history, 60999);
    ck_assert_uint_eq(s_find(7, 1, false), 1);
    history_tick(history, 61000);
    ck_assert_uint_eq(s_find(7, 1, false), 0);
    ck_assert_uint_eq(s_find(7, 2, false), 2);
    resent_clear(resent);
    ck_assert_uint_eq(s_find(7, 1, false), 0);
    ck_assert_uint_eq(s_find(7, 2, false), 2);
}
END_TEST

/* Each record by a clock that was set an hour on. */
START_TEST(times_that_jump_hide_nothing)
{
    for (uint32_t i = 0; i < 10; i++) {
        history_tick(history, i * 4000);
        s_placed(7, i, 0);
        now_ms += 3600000;
    }
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_uint_eq(s_find(7, i, false), i + 1);
}
END_TEST

START_TEST(index_survives_trim_and_rest)
{
    s_placed(7, 1, 0);
    ck_assert_uint_eq(s_find(7, 1, false), 1);
    for (int i = 0; i < 40000; i++)
        s_placed(8, 1, 0);
    history_trim(history, 39000);
    s_placed(7, 2, 0);
    ck_assert_uint_eq(s_find(7, 2, false), 40002);
    resent_rest(resent, now_ms);
    now_ms += RESENT_WINDOW_MS - 1;
    resent_rest(resent, now_ms);
    ck_assert_uint_eq(s_find(7, 2, false), 40002);
    resent_rest(resent, now_ms);
    s_placed(7, 2, 0);
    now_ms += RESENT_WINDOW_MS + 1;
    resent_rest(resent, now_ms); /* it is built anew */
    ck_assert_uint_eq(s_find(7, 2, false), 40003);
}
END_TEST

/* C13: numbers that all fell into one place of a hash without a key. */
START_TEST(chosen_request_numbers_do_not_slow_it_down)
{
    for (uint32_t i = 0; i < 100000; i++)
        s_placed((uint64_t)i << 33, i, 0);
    for (uint32_t i = 0; i < 100000; i++)
        s_placed((uint64_t)(i ^ 5) << 1, i, 0);
    /* The processor's time: others run beside. */
    clock_t began = clock();
    ck_assert_uint_eq(s_find(0, 0, false), 1);
    ck_assert_int_lt(clock() - began, 4 * CLOCKS_PER_SEC);
}
END_TEST

Suite *suite_broker_resent(void);
Suite *suite_broker_resent(void)
{
    Suite *suite = suite_create("broker/resent");
    TCase *tc = tcase_create("resent");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, every_recent_placement_of_a_user_is_found);
    tcase_add_test(tc, the_batch_under_way_is_searched_too);
    tcase_add_test(tc, keyless_and_keyed_are_apart);
    tcase_add_test(tc, index_follows_the_log);
    tcase_add_test(tc, older_than_the_last_minute_is_not_looked_at);
    tcase_add_test(tc, times_that_jump_hide_nothing);
    tcase_add_test(tc, chosen_request_numbers_do_not_slow_it_down);
    tcase_add_test(tc, index_survives_trim_and_rest);
    suite_add_tcase(suite, tc);
    return suite;
}
