/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that wait for the store, and the chain before the first of them.
 */
#include "persister/record_queue.h"

#include <check.h>

Suite *suite_persister_record_queue(void);

#define MOST 20

static record_queue_t queue;
static uint8_t packed[MOST * RECORD_BYTES];
static chain_t chains[MOST + 1]; /* behind each seq */

static void s_set_up(void)
{
    chains[0] = (chain_t){{1}};
    for (uint64_t i = 0; i < MOST; i++) {
        record_encode(packed + i * RECORD_BYTES, &(record_t){.seq = i + 1});
        chains[i + 1] = chain_extend(chains[i], packed + i * RECORD_BYTES, 1);
    }
    record_queue_init(&queue, MOST);
}

static void s_tear_down(void)
{
    record_queue_fini(&queue);
}

static int64_t s_put(uint64_t checkpoint, uint64_t first, size_t count,
                     uint64_t now_ms)
{
    return record_queue_put(&queue, checkpoint, chains[first - 1],
                            packed + (first - 1) * RECORD_BYTES, count, now_ms);
}

START_TEST(what_follows_is_taken_and_what_is_known_left_out)
{
    ck_assert_int_eq(s_put(3, 5, 2, 10), -1); /* 4 is missing */
    ck_assert_uint_eq(queue.count, 0);
    ck_assert_int_eq(s_put(3, 2, 2, 10), 2); /* 2 and 3 are there */
    ck_assert_uint_eq(queue.count, 0);
    ck_assert_int_eq(s_put(3, 2, 4, 20), 2);
    ck_assert_uint_eq(queue.count, 2);
    ck_assert_uint_eq(queue.at[0].seq, 4);
    ck_assert_uint_eq(queue.since_ms, 20);
    ck_assert(chain_equal(queue.before, chains[3]));
    ck_assert_int_eq(s_put(3, 7, 1, 30), -1); /* 6 is missing */
    ck_assert_int_eq(s_put(3, 5, 3, 30), 1);
    ck_assert_int_eq(s_put(3, 8, 1, 40), 0);
    ck_assert_uint_eq(queue.count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(queue.at[i].seq, 4 + i);
    ck_assert_uint_eq(queue.since_ms, 20); /* the first one's */
    ck_assert(chain_equal(queue.before, chains[3]));
}
END_TEST

START_TEST(the_chain_moves_on_with_what_is_dropped)
{
    s_put(0, 1, 10, 10);
    record_queue_drop(&queue, 4, 50);
    ck_assert_uint_eq(queue.count, 6);
    ck_assert_uint_eq(queue.at[0].seq, 5);
    ck_assert_uint_eq(queue.at[5].seq, 10);
    ck_assert(chain_equal(queue.before, chains[4]));
    ck_assert_uint_eq(queue.since_ms, 50);
    record_queue_drop(&queue, 6, 60);
    ck_assert_uint_eq(queue.count, 0);
    ck_assert(chain_equal(queue.before, chains[10]));
    ck_assert_int_eq(s_put(10, 11, 10, 70), 0);
    ck_assert_uint_eq(queue.count, 10);
    ck_assert_uint_eq(queue.since_ms, 70);
}
END_TEST

Suite *suite_persister_record_queue(void)
{
    Suite *suite = suite_create("persister/record_queue");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, what_follows_is_taken_and_what_is_known_left_out);
    tcase_add_test(all, the_chain_moves_on_with_what_is_dropped);
    suite_add_tcase(suite, all);
    return suite;
}
