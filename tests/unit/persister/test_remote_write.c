/* SPDX-License-Identifier: Apache-2.0
 *
 * Against a store of three numbers, which fails or is overtaken when told to.
 */
#include "persister/remote_write.h"

#include "common/mem.h"
#include "persister/journal_cursor.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_persister_remote_write(void);

static store_state_t there; /* in the store */
static store_state_t known; /* to the writer */
static uint64_t put_to;     /* seq of the last record put */
static size_t puts_left;    /* before putting records gives RETRY */
static chain_t put_behind;  /* the chain before the last blob */
static size_t largest, moves;
static store_state_t overtaking; /* by another, before the next move */
static char error[128];

static store_result_t s_read_state(void *self, store_state_t *state)
{
    (void)self;
    *state = there;
    return STORE_OK;
}

static store_result_t s_put_records(void *self, chain_t before,
                                    const record_t *records, size_t count)
{
    (void)self;
    if (puts_left-- == 0)
        return STORE_RETRY;
    put_behind = before;
    ck_assert_uint_eq(records[0].seq, known.checkpoint + 1);
    put_to = records[count - 1].seq;
    largest = count > largest ? count : largest;
    return STORE_OK;
}

static store_result_t s_put_state(void *self, store_state_t from,
                                  store_state_t to, bool *applied)
{
    (void)self;
    if (overtaking.checkpoint || overtaking.epoch)
        there = overtaking;
    overtaking = (store_state_t){0};
    *applied = there.checkpoint == from.checkpoint && there.epoch == from.epoch;
    if (*applied)
        there = to;
    moves++;
    return STORE_OK;
}

static void s_fail(void *self, const char *why)
{
    (void)self;
    strncpy(error, why, sizeof error - 1);
}

static void s_setup(void)
{
    there = known = overtaking = (store_state_t){0};
    put_to = largest = moves = 0;
    puts_left = SIZE_MAX;
    error[0] = '\0';
}

static store_result_t s_write(uint64_t first, uint64_t last, uint32_t epoch)
{
    static const remote_writer_t writer = {
        .read_state = s_read_state,
        .put_records = s_put_records,
        .put_state = s_put_state,
        .fail = s_fail,
    };
    size_t count = (size_t)(last - first + 1);
    record_t *records = mem_zalloc(count, sizeof *records);
    for (size_t i = 0; i < count; i++)
        records[i].seq = first + i;
    store_result_t result = remote_write(
        &writer, NULL, &known, chain_legacy_origin(), records, count, epoch);
    free(records);
    return result;
}

START_TEST(long_write_moves_the_checkpoint_blob_by_blob)
{
    uint64_t last = 3 * JOURNAL_RECORDS_MAX + 5;
    ck_assert_int_eq(s_write(1, last, 1), STORE_OK);
    ck_assert_uint_eq(moves, 4);
    ck_assert_uint_eq(largest, JOURNAL_RECORDS_MAX);
    ck_assert_uint_eq(there.checkpoint, last);
    ck_assert_uint_eq(there.epoch, 1);
}
END_TEST

START_TEST(broken_write_goes_on_where_it_stood)
{
    uint64_t last = 3 * JOURNAL_RECORDS_MAX;
    puts_left = 2;
    ck_assert_int_eq(s_write(1, last, 1), STORE_RETRY);
    ck_assert_uint_eq(there.checkpoint, 2 * JOURNAL_RECORDS_MAX);
    puts_left = 1;
    ck_assert_int_eq(s_write(1, last, 1), STORE_OK);
    ck_assert_uint_eq(there.checkpoint, last);
}
END_TEST

START_TEST(gap_is_refused_unless_another_filled_it)
{
    ck_assert_int_eq(s_write(5, 9, 1), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(error, "gap"));
    ck_assert_uint_eq(put_to, 0);
    there = (store_state_t){4, 1};
    ck_assert_int_eq(s_write(5, 9, 1), STORE_OK);
    ck_assert_uint_eq(there.checkpoint, 9);
}
END_TEST

START_TEST(what_is_there_is_not_put_again)
{
    s_write(1, 100, 1);
    put_to = moves = 0;
    ck_assert_int_eq(s_write(1, 100, 1), STORE_OK);
    ck_assert_uint_eq(put_to, 0);
    ck_assert_uint_eq(moves, 0);
    ck_assert_int_eq(s_write(50, 101, 1), STORE_OK);
    ck_assert_uint_eq(put_to, 101);
}
END_TEST

/* It may have written another history: whoever calls has to look. */
START_TEST(state_of_one_who_is_ahead_stays)
{
    overtaking = (store_state_t){500, 3};
    ck_assert_int_eq(s_write(1, 100, 2), STORE_MOVED);
    ck_assert_uint_eq(there.checkpoint, 500);
    ck_assert_uint_eq(there.epoch, 3);
    ck_assert_uint_eq(known.checkpoint, 500);
}
END_TEST

START_TEST(each_member_takes_the_higher_value)
{
    there = known = (store_state_t){10, 1};
    overtaking = (store_state_t){10, 3};
    ck_assert_int_eq(s_write(11, 100, 2), STORE_OK);
    ck_assert_uint_eq(there.checkpoint, 100);
    ck_assert_uint_eq(there.epoch, 3);
}
END_TEST

START_TEST(each_blob_says_the_chain_before_it)
{
    uint64_t last = JOURNAL_RECORDS_MAX + 5;
    record_t *records = mem_zalloc(JOURNAL_RECORDS_MAX, sizeof *records);
    for (size_t i = 0; i < JOURNAL_RECORDS_MAX; i++)
        records[i].seq = i + 1;
    s_write(1, last, 1);
    ck_assert(
        chain_equal(put_behind, records_chain(chain_legacy_origin(), records,
                                              JOURNAL_RECORDS_MAX)));
    free(records);
}
END_TEST

START_TEST(epoch_alone_is_written_too)
{
    s_write(1, 10, 1);
    ck_assert_int_eq(s_write(10, 10, 7), STORE_OK);
    ck_assert_uint_eq(there.epoch, 7);
    ck_assert_uint_eq(there.checkpoint, 10);
}
END_TEST

START_TEST(store_that_went_back_is_not_moved)
{
    s_write(1, 100, 1);
    there = (store_state_t){0};
    ck_assert_int_eq(s_write(101, 110, 1), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(error, "from 100 to 0"));
    ck_assert_uint_eq(there.checkpoint, 0);
    ck_assert_uint_eq(known.checkpoint, 0);
    there = known = (store_state_t){100, 1};
    there.checkpoint = 40;
    ck_assert_int_eq(s_write(101, 110, 1), STORE_FAILED);
    ck_assert_uint_eq(there.checkpoint, 40);
    ck_assert_int_eq(s_write(41, 110, 1), STORE_OK);
    ck_assert_uint_eq(there.checkpoint, 110);
}
END_TEST

Suite *suite_persister_remote_write(void)
{
    Suite *suite = suite_create("persister/remote_write");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_setup, NULL);
    tcase_add_test(facts, long_write_moves_the_checkpoint_blob_by_blob);
    tcase_add_test(facts, broken_write_goes_on_where_it_stood);
    tcase_add_test(facts, gap_is_refused_unless_another_filled_it);
    tcase_add_test(facts, what_is_there_is_not_put_again);
    tcase_add_test(facts, state_of_one_who_is_ahead_stays);
    tcase_add_test(facts, each_member_takes_the_higher_value);
    tcase_add_test(facts, each_blob_says_the_chain_before_it);
    tcase_add_test(facts, epoch_alone_is_written_too);
    tcase_add_test(facts, store_that_went_back_is_not_moved);
    suite_add_tcase(suite, facts);
    return suite;
}
