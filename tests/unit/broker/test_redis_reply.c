/* SPDX-License-Identifier: Apache-2.0
 *
 * Replies are read from the bytes that Redis sends (RESP 2), by hiredis: what
 * is not there or of another kind reads as nothing.
 */
#include "broker/redis_reply.h"

#include <check.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN "00112233445566778899aabbccddeeff"

static redisReader *reader;
static redisReply *reply;

static void s_set_up(void)
{
    reader = redisReaderCreate();
    reply = NULL;
}

static void s_tear_down(void)
{
    freeReplyObject(reply);
    redisReaderFree(reader);
}

static const redisReply *s_bytes(const char *bytes, size_t size)
{
    freeReplyObject(reply);
    void *parsed = NULL;
    ck_assert_int_eq(redisReaderFeed(reader, bytes, size), REDIS_OK);
    ck_assert_int_eq(redisReaderGetReply(reader, &parsed), REDIS_OK);
    reply = parsed;
    ck_assert_ptr_nonnull(reply);
    return reply;
}

static const redisReply *s_of(const char *text)
{
    return s_bytes(text, strlen(text));
}

START_TEST(a_script_did_it_if_its_first_element_is_1)
{
    ck_assert(redis_reply_done(s_of("*1\r\n:1\r\n")));
    ck_assert(redis_reply_done(s_of("*2\r\n:1\r\n:0\r\n")));
    ck_assert(!redis_reply_done(s_of("*1\r\n:0\r\n")));
    ck_assert(!redis_reply_done(s_of("*1\r\n:2\r\n")));
    ck_assert(!redis_reply_done(s_of("*0\r\n")));
    ck_assert(!redis_reply_done(s_of("*1\r\n$1\r\n1\r\n")));
    ck_assert(!redis_reply_done(s_of(":1\r\n")));
}
END_TEST

START_TEST(two_errors_mean_that_redis_is_full)
{
    ck_assert(redis_reply_full(s_of("-OOM command not allowed\r\n")));
    ck_assert(redis_reply_full(s_of("-MISCONF Redis is configured\r\n")));
    ck_assert(!redis_reply_full(s_of("-ERR no\r\n")));
    ck_assert(!redis_reply_full(s_of("-OOMX no\r\n")));
    ck_assert(!redis_reply_full(s_of("-MISCONFIGURED no\r\n")));
    ck_assert(!redis_reply_full(s_of("$4\r\nOOM \r\n")));
}
END_TEST

START_TEST(an_element_of_another_kind_or_none_is_nothing)
{
    const redisReply *mixed =
        s_of("*4\r\n$2\r\n12\r\n:7\r\n$-1\r\n$1\r\nx\r\n");
    ck_assert_str_eq(redis_reply_string(mixed, 0), "12");
    ck_assert_ptr_null(redis_reply_string(mixed, 1));
    ck_assert_ptr_null(redis_reply_string(mixed, 2));
    ck_assert_ptr_null(redis_reply_string(mixed, 4));
    ck_assert_uint_eq(redis_reply_number(mixed, 0), 12);
    ck_assert_uint_eq(redis_reply_number(mixed, 1), 0);
    ck_assert_uint_eq(redis_reply_number(mixed, 3), 0);
    ck_assert_int_eq(redis_reply_integer(mixed, 1), 7);
    ck_assert_int_eq(redis_reply_integer(mixed, 0), 0);
    ck_assert_int_eq(redis_reply_integer(mixed, 4), 0);
    ck_assert_uint_eq(
        redis_reply_number(s_of("*1\r\n$20\r\n18446744073709551615\r\n"), 0),
        UINT64_MAX);
}
END_TEST

/* {1, epoch, seq, digest, canvas, born, chain, sure} */
#define META(seq, canvas, chain, sure)                                         \
    "*8\r\n:1\r\n$2\r\n12\r\n" seq "$4\r\n3456\r\n" canvas                     \
    "$1\r\n9\r\n" chain sure
#define NIL "$-1\r\n"

START_TEST(a_meta_has_each_field_at_its_place)
{
    chain_t chain;
    chain_from_hex(&chain, CHAIN, 32);
    ledger_meta_t meta =
        redis_reply_meta(s_of(META("$3\r\n777\r\n", "$4\r\n{\"a\"\r\n",
                                   "$32\r\n" CHAIN "\r\n", ":1\r\n")));
    ck_assert_uint_eq(meta.epoch, 12);
    ck_assert(!meta.empty && meta.sure);
    ck_assert_uint_eq(meta.at.seq, 777);
    ck_assert(chain_equal(meta.at.chain, chain));
    ck_assert_uint_eq(meta.digest, 3456);
    ck_assert_uint_eq(meta.born, 9);
    ck_assert_uint_eq(meta.canvas_size, 4);
    ck_assert_mem_eq(meta.canvas, "{\"a\"", 4);
}
END_TEST

START_TEST(a_meta_without_seq_or_canvas_is_empty)
{
    ledger_meta_t meta =
        redis_reply_meta(s_of(META(NIL, "$1\r\nc\r\n", NIL, ":0\r\n")));
    ck_assert(meta.empty && !meta.sure);
    ck_assert(!chain_known(meta.at.chain));
    meta = redis_reply_meta(s_of(META("$1\r\n5\r\n", NIL, NIL, ":2\r\n")));
    ck_assert(meta.empty && !meta.sure);
    ck_assert_ptr_null(meta.canvas);
    ck_assert_uint_eq(meta.canvas_size, 0);
    meta = redis_reply_meta(
        s_of(META("$1\r\n5\r\n", "$1\r\nc\r\n", "$3\r\nabc\r\n", ":1\r\n")));
    ck_assert(!meta.empty);
    ck_assert(!chain_known(meta.at.chain)); /* no chain, these three digits */
}
END_TEST

START_TEST(a_refusal_says_why_and_for_how_long)
{
    static const struct {
        const char *bytes;
        lead_result_t result;
        uint32_t wait_ms;
    } cases[] = {
        {"*3\r\n:0\r\n$4\r\nheld\r\n$3\r\n120\r\n", LEAD_HELD, 120},
        {"*3\r\n:0\r\n$5\r\nwaits\r\n$2\r\n50\r\n", LEAD_WAITS, 50},
        {"*3\r\n:0\r\n$7\r\nshorter\r\n$1\r\n7\r\n", LEAD_SHORTER, 7},
        {"*3\r\n:0\r\n$6\r\nformat\r\n$1\r\n0\r\n", LEAD_FORMAT, 0},
        {"*3\r\n:0\r\n$5\r\nother\r\n$2\r\n50\r\n", LEAD_HELD, 0},
        {"*1\r\n:0\r\n", LEAD_HELD, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ledger_lead_t lead = redis_reply_refusal(s_of(cases[i].bytes));
        ck_assert_int_eq(lead.result, cases[i].result);
        ck_assert_uint_eq(lead.wait_ms, cases[i].wait_ms);
    }
}
END_TEST

#define ID "$3\r\n1-0\r\n"
#define TEN "0123456789"
#define RECORD TEN TEN TEN TEN

START_TEST(an_entry_is_records_behind_their_chain)
{
    ledger_entry_t entry;
    chain_t chain;
    chain_from_hex(&chain, CHAIN, 32);
    ck_assert_int_eq(
        redis_reply_entry(s_of("*2\r\n" ID "*4\r\n$1\r\nb\r\n$32\r\n" CHAIN
                               "\r\n$1\r\nr\r\n$80\r\n" RECORD RECORD "\r\n"),
                          &entry),
        0);
    ck_assert_uint_eq(entry.count, 2);
    ck_assert(chain_equal(entry.before, chain));
    ck_assert_mem_eq(entry.records, RECORD RECORD, 80);
    /* As 0.1.0 wrote it. */
    ck_assert_int_eq(
        redis_reply_entry(
            s_of("*2\r\n" ID "*2\r\n$1\r\nr\r\n$40\r\n" RECORD "\r\n"), &entry),
        0);
    ck_assert_uint_eq(entry.count, 1);
    ck_assert(!chain_known(entry.before));
}
END_TEST

START_TEST(what_is_no_entry_is_refused)
{
    static const char *const others[] = {
        ":5\r\n",
        "*0\r\n",
        "*1\r\n" ID,
        "*2\r\n" ID ":5\r\n",
        "*2\r\n" ID "$1\r\nx\r\n",
        "*2\r\n" ID "*0\r\n",
        "*2\r\n" ID "*1\r\n$40\r\n" RECORD "\r\n",
        "*2\r\n" ID "*3\r\n$1\r\na\r\n$1\r\nr\r\n$40\r\n" RECORD "\r\n",
        "*2\r\n" ID "*2\r\n$1\r\nr\r\n:5\r\n",
        "*2\r\n" ID "*2\r\n$1\r\nr\r\n$0\r\n\r\n",
        "*2\r\n" ID "*2\r\n$1\r\nr\r\n$41\r\n" RECORD "x\r\n",
        "*3\r\n" ID "*2\r\n$1\r\nr\r\n$40\r\n" RECORD "\r\n:1\r\n",
    };
    ledger_entry_t entry;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(redis_reply_entry(s_of(others[i]), &entry) == -1, "%zu",
                      i);
}
END_TEST

START_TEST(users_are_sixteen_digits_each_and_others_are_passed_over)
{
    size_t count;
    uint64_t *users = redis_reply_users(
        s_of("*4\r\n$16\r\n00000000000000ff\r\n$2\r\nff\r\n:5\r\n"
             "$16\r\nffffffffffffffff\r\n"),
        &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(users[0], 0xff);
    ck_assert_uint_eq(users[1], UINT64_MAX);
    free(users);
    users = redis_reply_users(s_of("*0\r\n"), &count);
    ck_assert_uint_eq(count, 0);
    free(users);
    users = redis_reply_users(s_of("-ERR no\r\n"), &count);
    ck_assert_uint_eq(count, 0);
    free(users);
}
END_TEST

Suite *suite_broker_redis_reply(void);
Suite *suite_broker_redis_reply(void)
{
    Suite *suite = suite_create("broker/redis_reply");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, a_script_did_it_if_its_first_element_is_1);
    tcase_add_test(all, two_errors_mean_that_redis_is_full);
    tcase_add_test(all, an_element_of_another_kind_or_none_is_nothing);
    tcase_add_test(all, a_meta_has_each_field_at_its_place);
    tcase_add_test(all, a_meta_without_seq_or_canvas_is_empty);
    tcase_add_test(all, a_refusal_says_why_and_for_how_long);
    tcase_add_test(all, an_entry_is_records_behind_their_chain);
    tcase_add_test(all, what_is_no_entry_is_refused);
    tcase_add_test(all,
                   users_are_sixteen_digits_each_and_others_are_passed_over);
    suite_add_tcase(suite, all);
    return suite;
}
