/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ring.h"

#include "common/backoff.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_edge_ring(void);

#define PIXELS 300

START_TEST(empty_ring_covers_only_its_seq)
{
    ring_t *ring = ring_new(100);
    ring_reset(ring, 7);
    ck_assert_uint_eq(ring_first(ring), 7);
    ck_assert_uint_eq(ring_last(ring), 7);
    ring_destroy(&ring);
    ck_assert_ptr_null(ring);
}
END_TEST

START_TEST(since_inside_an_entry_starts_at_that_entry)
{
    ring_t *ring = ring_new(100);
    uint32_t index = 1;
    ring_reset(ring, 10);
    ring_push(ring, 15, &index, 1);
    ring_push(ring, 18, &index, 1);
    ck_assert_uint_eq(ring_from(ring, 10), 10);
    ck_assert_uint_eq(ring_from(ring, 14), 10);
    ck_assert_uint_eq(ring_from(ring, 15), 15);
    ck_assert_uint_eq(ring_from(ring, 17), 15);
    ring_destroy(&ring);
}
END_TEST

START_TEST(entry_larger_than_the_ring_resets_it)
{
    ring_t *ring = ring_new(4096);
    uint32_t *many = calloc(5000, sizeof *many);
    ring_push(ring, 3, many, 1);
    ring_push(ring, 9, many, 5000);
    ck_assert_uint_eq(ring_first(ring), 9);
    ck_assert_uint_eq(ring_last(ring), 9);
    free(many);
    ring_destroy(&ring);
}
END_TEST

START_TEST(entries_have_a_limit)
{
    ring_t *ring = ring_new(1 << 20);
    for (uint64_t to = 1; to <= RING_ENTRIES_MAX + 10; to++) {
        uint32_t index = (uint32_t)(to % PIXELS);
        ring_push(ring, to, &index, 1);
    }
    ck_assert_uint_eq(ring_first(ring), 10);
    ck_assert_uint_eq(ring_from(ring, 11), 11);
    ring_destroy(&ring);
}
END_TEST

START_TEST(collecting_stops_past_the_limit)
{
    ring_t *ring = ring_new(100);
    touched_t *set = touched_new(PIXELS);
    uint32_t indices[] = {1, 2, 3};
    ring_push(ring, 2, indices, 3);
    ck_assert_int_eq(ring_collect(ring, 0, set, 2), -1);
    touched_clear(set);
    ck_assert_int_eq(ring_collect(ring, 0, set, 3), 0);
    touched_destroy(&set);
    ring_destroy(&ring);
}
END_TEST

START_TEST(older_history_is_put_before_the_first)
{
    ring_t *ring = ring_new(4096);
    touched_t *set = touched_new(PIXELS);
    uint32_t now[] = {5}, before[] = {1, 2, 3};
    ring_reset(ring, 100);
    ring_push(ring, 110, now, 1);
    ck_assert_int_eq(ring_prepend(ring, 60, before, 3), 0);
    ck_assert_uint_eq(ring_first(ring), 60);
    ck_assert_uint_eq(ring_from(ring, 99), 60);
    ck_assert_uint_eq(ring_from(ring, 100), 100);
    ck_assert_int_eq(ring_collect(ring, 80, set, 10), 0);
    ck_assert_uint_eq(touched_count(set), 4);
    touched_clear(set);
    ck_assert_int_eq(ring_collect(ring, 100, set, 10), 0);
    ck_assert_uint_eq(touched_count(set), 1);
    touched_destroy(&set);
    ring_destroy(&ring);
}
END_TEST

START_TEST(history_that_does_not_fit_is_not_prepended)
{
    ring_t *ring = ring_new(4096);
    uint32_t *many = calloc(4096, sizeof *many);
    ring_reset(ring, 100);
    ring_push(ring, 110, many, 1);
    ck_assert_int_eq(ring_prepend(ring, 60, many, 4096), -1);
    ck_assert_uint_eq(ring_first(ring), 100);
    free(many);
    ring_destroy(&ring);
}
END_TEST

START_TEST(what_exceeds_the_capacity_is_forgotten)
{
    static uint32_t indices[1024];
    ring_t *ring = ring_new(4096);
    for (uint64_t to = 1; to <= 4; to++)
        ring_push(ring, to, indices, 1024);
    ck_assert_uint_eq(ring_first(ring), 0);
    ring_push(ring, 5, indices, 1);
    ck_assert_uint_eq(ring_first(ring), 1);
    ring_destroy(&ring);
}
END_TEST

START_TEST(a_long_history_is_prepended_whole)
{
    enum { MANY = 10000 };
    static uint32_t before[MANY];
    ring_t *ring = ring_new(1 << 20);
    touched_t *set = touched_new(MANY + 1);
    const uint32_t now = MANY;
    for (uint32_t i = 0; i < MANY; i++)
        before[i] = i;
    ring_reset(ring, 100);
    ring_push(ring, 110, &now, 1);
    ck_assert_int_eq(ring_prepend(ring, 60, before, MANY), 0);
    ck_assert_int_eq(ring_collect(ring, 60, set, MANY + 1), 0);
    ck_assert_uint_eq(touched_count(set), MANY + 1);
    touched_destroy(&set);
    ring_destroy(&ring);
}
END_TEST

/* The model: which seq touched which pixel, all of it. */
static void s_compare(const ring_t *ring, const uint32_t *history,
                      uint64_t last)
{
    touched_t *set = touched_new(PIXELS);
    for (uint64_t since = ring_first(ring); since < last; since++) {
        uint64_t from = ring_from(ring, since);
        ck_assert_uint_le(from, since);
        bool expected[PIXELS] = {false};
        for (uint64_t seq = from + 1; seq <= last; seq++)
            expected[history[seq]] = true;
        ck_assert_int_eq(ring_collect(ring, since, set, PIXELS), 0);
        uint32_t i = 0;
        for (uint32_t pixel = 0; pixel < PIXELS; pixel++) {
            i = pixel;
            bool member = touched_next(set, &i) && i == pixel;
            ck_assert_int_eq(member, expected[pixel]);
        }
        touched_clear(set);
    }
    touched_destroy(&set);
}

START_TEST(any_range_matches_brute_force)
{
    static uint32_t history[20000];
    ring_t *ring = ring_new(4096); /* drops its oldest on the way */
    uint64_t last = 0;
    while (last < 15000) {
        uint32_t indices[200];
        uint32_t count = 1 + random_below(199);
        for (uint32_t i = 0; i < count; i++)
            indices[i] = history[last + 1 + i] = random_below(PIXELS);
        last += count;
        ring_push(ring, last, indices, count);
    }
    ck_assert_uint_gt(ring_first(ring), 0);
    ck_assert_uint_lt(ring_first(ring), last - 3000);
    s_compare(ring, history, last);
    ring_destroy(&ring);
}
END_TEST

Suite *suite_edge_ring(void)
{
    Suite *suite = suite_create("edge/ring");
    TCase *tcase = tcase_create("ring");
    tcase_add_test(tcase, empty_ring_covers_only_its_seq);
    tcase_add_test(tcase, since_inside_an_entry_starts_at_that_entry);
    tcase_add_test(tcase, entry_larger_than_the_ring_resets_it);
    tcase_add_test(tcase, entries_have_a_limit);
    tcase_add_test(tcase, collecting_stops_past_the_limit);
    tcase_add_test(tcase, older_history_is_put_before_the_first);
    tcase_add_test(tcase, history_that_does_not_fit_is_not_prepended);
    tcase_add_test(tcase, what_exceeds_the_capacity_is_forgotten);
    tcase_add_test(tcase, a_long_history_is_prepended_whole);
    tcase_add_test(tcase, any_range_matches_brute_force);
    tcase_set_timeout(tcase, 30);
    suite_add_tcase(suite, tcase);
    return suite;
}
