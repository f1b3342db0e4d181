/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/fork_search.h"

#include <check.h>

Suite *suite_persister_fork_search(void);

static chain_t s_chain(uint64_t seq, bool winner)
{
    return chain_of_board(seq, winner ? 1 : 0);
}

/* Two histories that part behind `shared`, of which the leader knows nothing
 * below `first`. */
static fork_search_state_t s_search(fork_search_t *search, uint64_t differs,
                                    uint64_t shared, uint64_t first,
                                    unsigned *questions)
{
    fork_search_state_t state = fork_search_start(search, differs);
    for (*questions = 0; state == FORK_SEARCH_ASK; ++*questions) {
        uint64_t seq = search->question;
        ck_assert_uint_le(*questions, 70);
        chain_t theirs =
            seq < first ? CHAIN_UNKNOWN : s_chain(seq, seq > shared);
        position_t ours = {seq, s_chain(seq, false)};
        /* In either order, and with an answer that comes too late. */
        if (seq % 2) {
            state = fork_search_ours(search, (position_t){seq + 1, ours.chain});
            ck_assert_int_eq(fork_search_ours(search, ours), FORK_SEARCH_ASK);
            state =
                fork_search_theirs(search, (position_t){seq, theirs}, first);
        } else {
            fork_search_theirs(search, (position_t){seq, theirs}, first);
            state = fork_search_ours(search, ours);
        }
    }
    return state;
}

START_TEST(every_fork_is_found_in_few_questions)
{
    fork_search_t search;
    unsigned questions;
    for (uint64_t differs = 1; differs < 200; differs += 3) {
        for (uint64_t shared = 0; shared < differs; shared++) {
            ck_assert_int_eq(s_search(&search, differs, shared, 0, &questions),
                             FORK_SEARCH_FOUND);
            ck_assert_uint_eq(search.shared, shared);
            ck_assert_uint_le(questions, 9);
        }
    }
    ck_assert_int_eq(s_search(&search, UINT64_C(1) << 40, 12345, 0, &questions),
                     FORK_SEARCH_FOUND);
    ck_assert_uint_eq(search.shared, 12345);
    ck_assert_uint_le(questions, 42);
}
END_TEST

START_TEST(a_fork_within_the_leaders_log_is_found)
{
    fork_search_t search;
    unsigned questions;
    ck_assert_int_eq(s_search(&search, 5000, 4700, 4600, &questions),
                     FORK_SEARCH_FOUND);
    ck_assert_uint_eq(search.shared, 4700);
    ck_assert_int_eq(s_search(&search, 5000, 4600, 4600, &questions),
                     FORK_SEARCH_FOUND);
    ck_assert_uint_eq(search.shared, 4600);
}
END_TEST

START_TEST(a_fork_below_the_leaders_log_is_lost)
{
    fork_search_t search;
    unsigned questions;
    ck_assert_int_eq(s_search(&search, 5000, 4599, 4600, &questions),
                     FORK_SEARCH_LOST);
    ck_assert_int_eq(s_search(&search, 5000, 10, 6000, &questions),
                     FORK_SEARCH_LOST);
}
END_TEST

/* Two canvases: whatever a hand mixed up, nothing of it is replaced. */
START_TEST(histories_that_share_nothing_are_lost)
{
    fork_search_t search;
    fork_search_state_t state = fork_search_start(&search, 100);
    while (state == FORK_SEARCH_ASK) {
        uint64_t seq = search.question;
        fork_search_ours(&search, (position_t){seq, s_chain(seq, false)});
        state = fork_search_theirs(&search,
                                   (position_t){seq, s_chain(seq, true)}, 0);
    }
    ck_assert_int_eq(state, FORK_SEARCH_LOST);
    ck_assert_int_eq(fork_search_start(&search, 0), FORK_SEARCH_LOST);
}
END_TEST

Suite *suite_persister_fork_search(void)
{
    Suite *suite = suite_create("persister/fork_search");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, every_fork_is_found_in_few_questions);
    tcase_add_test(facts, a_fork_within_the_leaders_log_is_found);
    tcase_add_test(facts, a_fork_below_the_leaders_log_is_lost);
    tcase_add_test(facts, histories_that_share_nothing_are_lost);
    suite_add_tcase(suite, facts);
    return suite;
}
