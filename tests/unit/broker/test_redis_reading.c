/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read from Redis: the whole of it, and what is new.
 */
#include "tests/unit/broker/redis_peer.h"

#define TEN "0123456789"
#define RECORD TEN TEN TEN TEN
/* An entry of one record. */
#define ENTRY(id) "*2\r\n$3\r\n" id "\r\n*2\r\n$1\r\nr\r\n$40\r\n" RECORD "\r\n"
#define EMPTY "*0\r\n"

/* The last four answers of a whole load, behind those to board and bans. */
static void s_load_answers(const char *policy, const char *log,
                           const char *more)
{
    s_answers("$3\r\nbrd\r\n", "*1\r\n$16\r\n0000000000000009\r\n");
    answers[2] = policy;
    answers[3] = log;
    answers[4] = more;
    answers[5] = EMPTY;
}

START_TEST(a_load_is_board_bans_policy_and_the_log_from_its_start)
{
    s_load_answers("$2\r\npp\r\n", "*2\r\n" ENTRY("1-0") ENTRY("2-0"),
                   "*1\r\n" ENTRY("7-0"));
    ledger_load(ledger, true);
    s_await("board:brd bans:1:9 policy:pp log:1 log:1 log:1 loaded ");
    ck_assert_str_eq(s_asked(0), "GET p:board");
    ck_assert_str_eq(s_asked(1), "SMEMBERS p:bans");
    ck_assert_str_eq(s_asked(2), "GET p:policy");
    ck_assert_str_eq(s_asked(3), "XRANGE p:log - + COUNT 100");
    ck_assert_str_eq(s_asked(4), "XRANGE p:log (2-0 + COUNT 200");
    ck_assert_str_eq(s_asked(5), "XRANGE p:log (7-0 + COUNT 400");
    ck_assert_uint_eq(asks, 6);
}
END_TEST

START_TEST(what_is_not_in_redis_is_loaded_as_nothing)
{
    s_load_answers("$-1\r\n", EMPTY, EMPTY);
    answers[0] = "$-1\r\n";
    answers[1] = EMPTY;
    ledger_load(ledger, true);
    s_await("board: bans:0:0 policy: loaded ");
}
END_TEST

START_TEST(a_load_of_what_was_followed_is_the_bans_alone)
{
    s_answers("*1\r\n$16\r\n0000000000000009\r\n", NULL);
    ledger_load(ledger, false);
    s_await("bans:1:9 loaded ");
    ck_assert_str_eq(s_asked(0), "SMEMBERS p:bans");
    ck_assert_uint_eq(asks, 1);
}
END_TEST

START_TEST(an_entry_that_is_none_is_passed_over)
{
    s_load_answers("$0\r\n\r\n", "*2\r\n:5\r\n" ENTRY("2-0"), EMPTY);
    ledger_load(ledger, true);
    s_await("board:brd bans:1:9 policy: log:1 loaded ");
}
END_TEST

START_TEST(a_log_whose_last_entry_has_no_name_ends_there)
{
    s_load_answers("$0\r\n\r\n", "*1\r\n" EMPTY, EMPTY);
    ledger_load(ledger, true);
    s_await("board:brd bans:1:9 policy: loaded ");
    ck_assert_uint_eq(asks, 4);
}
END_TEST

START_TEST(an_error_in_a_load_loses_it)
{
    s_answers("-LOADING busy\r\n", NULL);
    ledger_load(ledger, true);
    s_await("lost ");
}
END_TEST

/* Small entries: twice as many each time, up to 10,000 and a bit. */
START_TEST(a_log_of_small_entries_is_fetched_in_ever_larger_parts)
{
    s_load_answers("$0\r\n\r\n", NULL, NULL);
    for (int i = 3; i < 13; i++)
        answers[i] = "*1\r\n" ENTRY("1-0");
    answers[13] = EMPTY;
    ledger_load(ledger, true);
    s_await("board:brd bans:1:9 policy: log:1 log:1 log:1 log:1 log:1 log:1 "
            "log:1 log:1 log:1 log:1 loaded ");
    ck_assert_str_eq(s_asked(4), "XRANGE p:log (1-0 + COUNT 200");
    ck_assert_str_eq(s_asked(9), "XRANGE p:log (1-0 + COUNT 6400");
    ck_assert_str_eq(s_asked(10), "XRANGE p:log (1-0 + COUNT 12800");
    ck_assert_str_eq(s_asked(13), "XRANGE p:log (1-0 + COUNT 12800");
}
END_TEST

/* An entry of so many bytes of records; the caller's (free). */
static char *s_long_entry(int bytes)
{
    char *text = NULL;
    ck_assert_int_gt(asprintf(&text,
                              "*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nr\r\n"
                              "$%d\r\n%0*d\r\n",
                              bytes, bytes, 0),
                     0);
    return text;
}

/* So that a board of small entries is read in few calls, and no answer is too
 * long for Redis and for us. */
START_TEST(a_log_of_large_entries_is_fetched_in_parts_of_some_megabytes)
{
    char *middling = s_long_entry(3000000), *large = s_long_entry(8400000);
    s_load_answers("$0\r\n\r\n", "*1\r\n" ENTRY("1-0"), middling);
    answers[5] = large;
    answers[6] = large;
    answers[7] = EMPTY;
    ledger_load(ledger, true);
    s_await("board:brd bans:1:9 policy: log:1 log:75000 log:210000 log:210000 "
            "loaded ");
    ck_assert_str_eq(s_asked(4), "XRANGE p:log (1-0 + COUNT 200");
    ck_assert_str_eq(s_asked(5), "XRANGE p:log (2-0 + COUNT 200"); /* it fits */
    ck_assert_str_eq(s_asked(6), "XRANGE p:log (2-0 + COUNT 100");
    ck_assert_str_eq(s_asked(7), "XRANGE p:log (2-0 + COUNT 100"); /* least */
    free(middling);
    free(large);
}
END_TEST

/* ---- following ------------------------------------------------------- */

/* A look: lease, entries, trimmed. */
#define LOOK(lease, log)                                                       \
    "*11\r\n:1\r\n$1\r\n5\r\n$1\r\n7\r\n$1\r\n1\r\n$1\r\nc\r\n$1\r\n1\r\n"     \
    "$-1\r\n:1\r\n" lease log "$2\r\n40\r\n"

START_TEST(a_look_asks_for_what_is_behind_a_seq)
{
    s_answers(LOOK(":900\r\n", "*2\r\n" ENTRY("8-0") ENTRY("9-0")), NULL);
    ledger_follow(ledger, 6);
    s_await("log:1 log:1 looked ");
    ck_assert_str_eq(s_asked(0), "sha04 6 100");
    ck_assert_uint_eq(look.meta.epoch, 5);
    ck_assert_uint_eq(look.meta.at.seq, 7);
    ck_assert_uint_eq(look.trimmed, 40);
    ck_assert(look.held && !look.more);
    ck_assert_uint_eq(look.lease_ms, 900);
}
END_TEST

START_TEST(a_look_without_entries_says_what_redis_is)
{
    s_answers("*9\r\n:1\r\n$1\r\n5\r\n$1\r\n7\r\n$1\r\n1\r\n$1\r\nc\r\n"
              "$1\r\n1\r\n$-1\r\n:1\r\n:900\r\n",
              NULL);
    ledger_follow(ledger, 6);
    s_await("looked ");
    ck_assert_uint_eq(look.meta.at.seq, 7);
    ck_assert_uint_eq(look.lease_ms, 900);
    ck_assert_uint_eq(look.trimmed, 0);
    ck_assert(!look.more);
}
END_TEST

START_TEST(a_lease_is_held_free_or_without_an_end)
{
    static const struct {
        const char *answer;
        bool held;
        uint32_t lease_ms;
    } cases[] = {{LOOK(":-2\r\n", EMPTY), false, UINT32_MAX},
                 {LOOK(":-1\r\n", EMPTY), true, UINT32_MAX},
                 {LOOK(":0\r\n", EMPTY), true, 0},
                 {LOOK(":4294967295\r\n", EMPTY), true, UINT32_MAX},
                 {LOOK(":4294967296\r\n", EMPTY), true, UINT32_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_answers(cases[i].answer, NULL);
        ledger_follow(ledger, 6);
        s_await("looked ");
        ck_assert_msg(look.held == cases[i].held, "%zu", i);
        ck_assert_uint_eq(look.lease_ms, cases[i].lease_ms);
    }
}
END_TEST

START_TEST(there_is_more_behind_a_look_of_a_hundred_entries)
{
    char answer[2048] = LOOK(":1\r\n", "*100\r\n");
    char *at = strstr(answer, "$2\r\n40");
    for (int i = 0; i < 100; i++)
        at += sprintf(at, ":1\r\n");
    strcpy(at, "$2\r\n40\r\n");
    s_answers(answer, NULL);
    ledger_follow(ledger, 6);
    s_await("looked ");
    ck_assert(look.more);
}
END_TEST

START_TEST(a_look_that_is_refused_or_forgotten_tells_nothing)
{
    s_answers("*1\r\n:0\r\n", LOOK(":1\r\n", EMPTY));
    ledger_follow(ledger, 6);
    ledger_follow(ledger, 6);
    ledger_forget(ledger);
    ledger_release(ledger);
    s_await("released ");
}
END_TEST

Suite *suite_broker_redis_reading(void);
Suite *suite_broker_redis_reading(void)
{
    Suite *suite = suite_create("broker/redis_reading");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up_ready, s_tear_down);
    tcase_add_test(all, a_load_is_board_bans_policy_and_the_log_from_its_start);
    tcase_add_test(all, what_is_not_in_redis_is_loaded_as_nothing);
    tcase_add_test(all, a_load_of_what_was_followed_is_the_bans_alone);
    tcase_add_test(all, an_entry_that_is_none_is_passed_over);
    tcase_add_test(all, a_log_whose_last_entry_has_no_name_ends_there);
    tcase_add_test(all, an_error_in_a_load_loses_it);
    tcase_add_test(all, a_log_of_small_entries_is_fetched_in_ever_larger_parts);
    tcase_add_test(
        all, a_log_of_large_entries_is_fetched_in_parts_of_some_megabytes);
    tcase_add_test(all, a_look_asks_for_what_is_behind_a_seq);
    tcase_add_test(all, a_look_without_entries_says_what_redis_is);
    tcase_add_test(all, a_lease_is_held_free_or_without_an_end);
    tcase_add_test(all, there_is_more_behind_a_look_of_a_hundred_entries);
    tcase_add_test(all, a_look_that_is_refused_or_forgotten_tells_nothing);
    suite_add_tcase(suite, all);
    return suite;
}
