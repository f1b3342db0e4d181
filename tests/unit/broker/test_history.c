/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/history.h"

#include <check.h>
#include <stdlib.h>

static history_t *history;

static void s_set_up(void)
{
    history = history_new();
}

static void s_tear_down(void)
{
    history_destroy(&history);
    ck_assert_ptr_null(history);
}

/* Appends `count` records, `step` at once, one each millisecond. */
static void s_append(size_t count, size_t step)
{
    uint8_t *bytes = malloc(step * RECORD_BYTES);
    while (count) {
        size_t part = count < step ? count : step;
        for (size_t i = 0; i < part; i++) {
            uint64_t seq = history_next(history) + i;
            record_t record = {.seq = seq, .placed_at_ms = seq, .x = 3};
            record_encode(bytes + i * RECORD_BYTES, &record);
        }
        history_append(history, bytes, part);
        count -= part;
    }
    free(bytes);
}

START_TEST(new_history_is_empty_before_seq_1)
{
    ck_assert_uint_eq(history_first(history), 1);
    ck_assert_uint_eq(history_next(history), 1);
    ck_assert_uint_eq(history_since(history, 0), 1);
}
END_TEST

START_TEST(records_are_found_over_chunk_borders)
{
    history_reset(history, (position_t){.seq = 999});
    s_append(50000, 777);
    ck_assert_uint_eq(history_first(history), 1000);
    ck_assert_uint_eq(history_next(history), 51000);
    for (uint64_t seq = 1000; seq < 51000; seq += 13)
        ck_assert_uint_eq(history_get(history, seq).seq, seq);
}
END_TEST

START_TEST(slice_ends_at_a_chunk_and_copy_goes_on)
{
    s_append(40000, 4096);
    size_t count;
    history_slice(history, 16380, 100, &count);
    ck_assert_uint_eq(count, 5);
    uint8_t bytes[100 * RECORD_BYTES];
    ck_assert_uint_eq(history_copy(history, 16380, 100, bytes), 100);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(record_decode(bytes + i * RECORD_BYTES).seq,
                          16380 + i);
    ck_assert_uint_eq(history_copy(history, 1, 2, bytes), 2);
    ck_assert_uint_eq(record_decode(bytes).seq, 1);
    ck_assert_uint_eq(history_copy(history, 39990, 100, bytes), 11);
    ck_assert_uint_eq(history_copy(history, 40001, 100, bytes), 0);
}
END_TEST

START_TEST(trimmed_records_are_gone_and_the_rest_stays)
{
    s_append(60000, 1000);
    history_trim(history, 0);
    ck_assert_uint_eq(history_first(history), 1);
    for (uint64_t upto = 5000; upto < 60000; upto += 9000) {
        history_trim(history, upto);
        ck_assert_uint_eq(history_first(history), upto + 1);
        ck_assert_uint_eq(history_get(history, upto + 1).seq, upto + 1);
        ck_assert_uint_eq(history_get(history, 60000).seq, 60000);
        uint8_t byte[RECORD_BYTES];
        ck_assert_uint_eq(history_copy(history, upto, 1, byte), 0);
    }
}
END_TEST

START_TEST(trimmed_to_nothing_it_goes_on_with_the_same_seq)
{
    s_append(16384, 1000);
    history_trim(history, 99999);
    ck_assert_uint_eq(history_first(history), 16385);
    ck_assert_uint_eq(history_next(history), 16385);
    s_append(3, 3);
    ck_assert_uint_eq(history_get(history, 16387).seq, 16387);
    ck_assert_uint_eq(history_first(history), 16385);
}
END_TEST

START_TEST(since_finds_the_first_record_of_a_time)
{
    history_reset(history, (position_t){.seq = 99});
    s_append(1000, 100);
    ck_assert_uint_eq(history_since(history, 0), 100);
    ck_assert_uint_eq(history_since(history, 100), 100);
    ck_assert_uint_eq(history_since(history, 500), 500);
    ck_assert_uint_eq(history_since(history, 5000), 1100);
}
END_TEST

static chain_t s_chain_by_hand(chain_t chain, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++) {
        uint8_t bytes[RECORD_BYTES];
        record_t record = history_get(history, seq);
        record_encode(bytes, &record);
        chain = chain_extend(chain, bytes, 1);
    }
    return chain;
}

START_TEST(chain_is_known_at_every_seq_held)
{
    chain_t origin = {{9}};
    history_reset(history, (position_t){99, origin});
    s_append(20000, 777);
    s_append(10, 1);
    ck_assert(chain_equal(history_chain(history, 99), origin));
    chain_t chain = origin;
    for (uint64_t seq = 100; seq <= 20109; seq++) {
        chain = s_chain_by_hand(chain, seq, seq);
        if (seq % 97 == 0 || seq > 20100)
            ck_assert(chain_equal(history_chain(history, seq), chain));
    }
    ck_assert(chain_equal(history_head(history).chain, chain));
    ck_assert(!chain_known(history_chain(history, 98)));
    ck_assert(!chain_known(history_chain(history, 20110)));
}
END_TEST

START_TEST(chain_outlives_trim)
{
    history_reset(history, (position_t){0, {{9}}});
    s_append(40000, 500);
    chain_t middle = history_chain(history, 20123);
    history_trim(history, 20000);
    ck_assert(chain_equal(history_chain(history, 20123), middle));
    ck_assert(chain_known(history_chain(history, 20000)));
    ck_assert(!chain_known(history_chain(history, 19999)));
    history_trim(history, 40000);
    ck_assert(chain_known(history_head(history).chain));
}
END_TEST

START_TEST(chain_is_learnt_from_one_place_on)
{
    s_append(1000, 100);
    ck_assert(!chain_known(history_head(history).chain));
    history_learn(history, (position_t){450, {{5}}});
    ck_assert(!chain_known(history_chain(history, 449)));
    ck_assert(chain_equal(history_chain(history, 1000),
                          s_chain_by_hand((chain_t){{5}}, 451, 1000)));
    s_append(300, 100);
    ck_assert(chain_known(history_head(history).chain));
}
END_TEST

static void s_placed_at(uint64_t placed_at_ms, size_t count)
{
    uint8_t bytes[RECORD_BYTES];
    while (count--) {
        record_t record = {.seq = history_next(history),
                           .placed_at_ms = placed_at_ms};
        record_encode(bytes, &record);
        history_append(history, bytes, 1);
    }
}

/* R4 */
START_TEST(times_that_do_not_ascend_hide_nothing)
{
    s_placed_at(5000, 400);
    s_placed_at(1000, 400); /* the clock was set back */
    s_placed_at(6000, 400);
    ck_assert_uint_eq(history_since(history, 4000), 1);
    ck_assert_uint_eq(history_since(history, 5500), 801);
    ck_assert_uint_eq(history_since(history, 7000), 1201);
}
END_TEST

START_TEST(time_ahead_holds_the_log_no_longer_than_from_now)
{
    s_placed_at(90000000, 300);
    s_placed_at(5000, 600);
    ck_assert_uint_eq(history_since(history, 8000), 1);
    history_cap_times(history, 6000);
    s_placed_at(9000, 300);
    ck_assert_uint_gt(history_since(history, 8000), 800);
    ck_assert_uint_le(history_since(history, 8000), 901);
}
END_TEST

START_TEST(recent_is_what_was_not_held_for_a_minute)
{
    s_append(10, 1000);
    ck_assert_uint_eq(history_recent(history), 0);
    for (uint64_t second = 0; second < 60; second++) {
        history_tick(history, second * 1000);
        history_tick(history, second * 1000 + 10); /* too early: no matter */
        s_append(1, 1000);
        ck_assert_uint_eq(history_recent(history), 0);
    }
    history_tick(history, 60000);
    ck_assert_uint_eq(history_recent(history), 11);
    for (uint64_t second = 61; second < 500; second++) {
        history_tick(history, second * 1000);
        s_append(1, 1000);
    }
    ck_assert_uint_eq(history_recent(history), 10 + 439);
    history_tick(history, 900000); /* it was frozen */
    ck_assert_uint_eq(history_recent(history), 509);
    history_reset(history, (position_t){.seq = 600});
    ck_assert_uint_eq(history_recent(history), 0);
}
END_TEST

Suite *suite_broker_history(void);
Suite *suite_broker_history(void)
{
    Suite *suite = suite_create("broker/history");
    TCase *tc = tcase_create("history");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, new_history_is_empty_before_seq_1);
    tcase_add_test(tc, records_are_found_over_chunk_borders);
    tcase_add_test(tc, slice_ends_at_a_chunk_and_copy_goes_on);
    tcase_add_test(tc, trimmed_records_are_gone_and_the_rest_stays);
    tcase_add_test(tc, trimmed_to_nothing_it_goes_on_with_the_same_seq);
    tcase_add_test(tc, since_finds_the_first_record_of_a_time);
    tcase_add_test(tc, chain_is_known_at_every_seq_held);
    tcase_add_test(tc, chain_outlives_trim);
    tcase_add_test(tc, chain_is_learnt_from_one_place_on);
    tcase_add_test(tc, times_that_do_not_ascend_hide_nothing);
    tcase_add_test(tc, recent_is_what_was_not_held_for_a_minute);
    tcase_add_test(tc, time_ahead_holds_the_log_no_longer_than_from_now);
    suite_add_tcase(suite, tc);
    return suite;
}
