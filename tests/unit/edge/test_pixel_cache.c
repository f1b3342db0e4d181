/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache before a store that answers when told.
 */
#include "edge/http/pixel_cache.h"

#include "common/clock.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_pixel_cache(void);

#define ASKED_MAX 10000

static uint64_t s_ms;
static pixel_cache_t *s_cache;
static struct {
    pixel_answer_fn on_answer;
    void *context;
} s_asked[ASKED_MAX];
static size_t s_count;

typedef struct {
    pixel_waiter_t waiter; /* first */
    unsigned calls;
    bus_answer_t answer;
} asker_t;

static uint64_t s_now_ms(void)
{
    return s_ms;
}

static const clock_source_t s_time = {s_now_ms, s_now_ms};

static void s_ask(void *context, uint16_t x, uint16_t y,
                  pixel_answer_fn on_answer, void *answer_context)
{
    (void)context, (void)x, (void)y;
    ck_assert_uint_lt(s_count, ASKED_MAX);
    s_asked[s_count].on_answer = on_answer;
    s_asked[s_count++].context = answer_context;
}

static void s_setup(void)
{
    s_ms = 100000;
    s_count = 0;
    clock_use(&s_time);
    s_cache = pixel_cache_new(s_ask, NULL);
}

static void s_teardown(void)
{
    pixel_cache_destroy(&s_cache);
    clock_use(&clock_system);
}

static void s_on_answer(pixel_waiter_t *waiter, const bus_answer_t *answer)
{
    asker_t *asker = (asker_t *)waiter;
    asker->calls++;
    asker->answer = *answer;
}

static const bus_answer_t *s_get(asker_t *asker, uint16_t x, uint8_t color)
{
    asker->waiter.on_answer = s_on_answer;
    return pixel_cache_get(s_cache, x, 1, color, &asker->waiter);
}

static void s_answer(uint8_t status, uint8_t color)
{
    bus_answer_t answer = {.status = status, .record.color = color};
    s_asked[s_count - 1].on_answer(s_asked[s_count - 1].context, &answer);
}

START_TEST(many_askers_are_one_question)
{
    static asker_t askers[100];
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_null(s_get(&askers[i], 7, 3));
    ck_assert_uint_eq(s_count, 1);
    pixel_cache_cancel(&askers[50].waiter);
    s_answer(BUS_FOUND, 3);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(askers[i].calls, i != 50);
    s_ms += 999;
    ck_assert_uint_eq(s_get(&askers[0], 7, 3)->record.color, 3);
    ck_assert_uint_eq(s_count, 1);
    s_ms += 1;
    ck_assert_ptr_null(s_get(&askers[0], 7, 3));
    ck_assert_uint_eq(s_count, 2);
}
END_TEST

START_TEST(answer_that_the_board_belies_is_soon_asked_again)
{
    static asker_t asker; /* outlives the cache */
    s_get(&asker, 7, 3);
    s_answer(BUS_FOUND, 2);
    s_ms += 99;
    ck_assert_ptr_nonnull(s_get(&asker, 7, 3));
    s_ms += 1;
    ck_assert_ptr_null(s_get(&asker, 7, 3));
    s_answer(BUS_NONE, 0); /* blank, and shown so */
    s_ms += 500;
    ck_assert_ptr_nonnull(s_get(&asker, 7, 0));
}
END_TEST

START_TEST(failure_is_told_and_not_kept)
{
    static asker_t asker; /* outlives the cache */
    s_get(&asker, 7, 3);
    s_answer(BUS_STORE_FAILED, 0);
    ck_assert_int_eq(asker.answer.status, BUS_STORE_FAILED);
    ck_assert_ptr_null(s_get(&asker, 7, 3));
    ck_assert_uint_eq(s_count, 2);
}
END_TEST

START_TEST(questions_under_way_are_bounded)
{
    static asker_t askers[ASKED_MAX];
    unsigned failed = 0;
    for (int i = 0; i < ASKED_MAX; i++) {
        const bus_answer_t *answer = s_get(&askers[i], (uint16_t)i, 3);
        failed += answer && answer->status == BUS_STORE_FAILED;
    }
    ck_assert_uint_le(s_count, PIXEL_CACHE_SLOTS);
    ck_assert_uint_gt(s_count, PIXEL_CACHE_SLOTS * 3 / 4); /* well spread */
    ck_assert_uint_eq(failed, ASKED_MAX - s_count);
    for (size_t i = 0; i < s_count; i++)
        s_asked[i].on_answer(s_asked[i].context,
                             &(bus_answer_t){.status = BUS_NONE});
    s_ms += 5000;
    ck_assert_ptr_null(s_get(&askers[0], 9999, 0)); /* room again */
}
END_TEST

START_TEST(who_waited_on_a_cache_that_is_gone_may_ask_another)
{
    static asker_t askers[100]; /* outlive the cache */
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_null(s_get(&askers[i], (uint16_t)i, 3));
    pixel_cache_destroy(&s_cache);
    ck_assert_ptr_null(s_cache);
    s_cache = pixel_cache_new(s_ask, NULL);
    for (int i = 0; i < 100; i++) {
        ck_assert_ptr_null(s_get(&askers[i], (uint16_t)i, 3));
        s_answer(BUS_FOUND, 3);
        ck_assert_uint_eq(askers[i].calls, 1);
    }
}
END_TEST

Suite *suite_edge_pixel_cache(void)
{
    Suite *suite = suite_create("edge/pixel_cache");
    TCase *tcase = tcase_create("pixel_cache");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, many_askers_are_one_question);
    tcase_add_test(tcase, answer_that_the_board_belies_is_soon_asked_again);
    tcase_add_test(tcase, failure_is_told_and_not_kept);
    tcase_add_test(tcase, questions_under_way_are_bounded);
    tcase_add_test(tcase, who_waited_on_a_cache_that_is_gone_may_ask_another);
    suite_add_tcase(suite, tcase);
    return suite;
}
