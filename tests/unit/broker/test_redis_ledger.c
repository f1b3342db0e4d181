/* SPDX-License-Identifier: Apache-2.0
 *
 * What Redis is asked by whom, and what its answers mean. That the scripts do
 * what they say is tested on a real Redis: tests/integration.
 */
#include "tests/unit/broker/redis_peer.h"

#define CHAIN "00112233445566778899aabbccddeeff"
#define TOKEN "0000000000000abc"
/* {1, epoch, seq, digest, canvas, born, chain, sure} */
#define META                                                                   \
    "*8\r\n:1\r\n$2\r\n12\r\n$1\r\n7\r\n$4\r\n3456\r\n$6\r\ncanvas\r\n"        \
    "$1\r\n9\r\n$32\r\n" CHAIN "\r\n:1\r\n"
#define FULL "-OOM command not allowed\r\n"

static position_t s_at(uint64_t seq)
{
    position_t at = {.seq = seq};
    chain_from_hex(&at.chain, CHAIN, 32);
    return at;
}

static bool s_is_dropped(void)
{
    const char *why = ledger_trouble(ledger);
    return !ledger_ready(ledger) && why && strcmp(why, "connecting");
}

/* ---- the connection -------------------------------------------------- */

START_TEST(it_is_ready_when_every_script_is_loaded)
{
    ck_assert_uint_eq(scripts, SCRIPTS);
    ck_assert(in_order);
    ck_assert(ledger_ready(ledger));
    ck_assert_ptr_null(ledger_trouble(ledger));
}
END_TEST

START_TEST(a_redis_that_refuses_a_script_is_in_trouble)
{
    of_scripts = "-NOPERM no\r\n";
    s_open();
    s_until(s_is_dropped);
    ck_assert_str_eq(ledger_trouble(ledger), "NOPERM no");
    ck_assert_str_eq(heard, "");
}
END_TEST

START_TEST(a_script_without_a_name_is_trouble_too)
{
    of_scripts = ":1\r\n";
    s_open();
    s_until(s_is_dropped);
    ck_assert_str_eq(ledger_trouble(ledger), "no answer to SCRIPT LOAD");
}
END_TEST

START_TEST(an_error_loses_it_once_and_it_comes_back)
{
    s_answers("-ERR broken\r\n", NULL);
    ledger_release(ledger);
    s_await("lost ");
    ck_assert(!ledger_ready(ledger));
    s_await("ready ");
    ck_assert(ledger_ready(ledger));
    ledger_release(ledger);
    s_await("released ");
}
END_TEST

START_TEST(what_is_forgotten_is_not_answered)
{
    ledger_renew(ledger, 5, 0);
    ledger_forget(ledger);
    ledger_release(ledger);
    s_await("released ");
}
END_TEST

START_TEST(a_script_gets_eight_keys_of_the_prefix)
{
    static const char *const keys[] = {"p:meta",       "p:log",      "p:board",
                                       "p:lease",      "p:log.next", "p:claims",
                                       "p:board.next", "p:policy"};
    ledger_release(ledger);
    s_await("released ");
    ck_assert_str_eq(asked[0]->element[2]->str, "8");
    for (size_t i = 0; i < 8; i++)
        ck_assert_str_eq(asked[0]->element[3 + i]->str, keys[i]);
}
END_TEST

/* ---- the lease ------------------------------------------------------- */

START_TEST(a_bid_says_what_is_known_and_held)
{
    position_t over = s_at(30);
    ledger_lead(ledger, &(ledger_bid_t){.known_epoch = 11,
                                        .epoch = 10,
                                        .holds = 40,
                                        .grace_ms = 1500,
                                        .over = &over});
    ledger_lead(ledger, &(ledger_bid_t){0});
    s_await("lead:0 lead:0 ");
    char *said = strdup(s_asked(0)), *leap = strrchr(said, ' ');
    ck_assert_int_lt(atoi(leap), 16384); /* drawn */
    *leap = '\0';
    ck_assert_str_eq(said, "sha00 " TOKEN " 4000 11 10 40 1500 30 " CHAIN " 2");
    free(said);
    ck_assert_int_eq(
        strncmp(s_asked(1), "sha00 " TOKEN " 4000 0 0 0 0 - 2 ", 39), 0);
}
END_TEST

START_TEST(a_lead_that_is_refused_says_how_long_to_wait)
{
    s_answers("*3\r\n:0\r\n$5\r\nwaits\r\n$2\r\n50\r\n", NULL);
    ledger_lead(ledger, &(ledger_bid_t){0});
    s_await("lead:2 ");
    ck_assert_uint_eq(lead.wait_ms, 50);
}
END_TEST

START_TEST(a_lead_that_is_got_comes_with_what_redis_holds)
{
    s_answers(META, NULL);
    ledger_lead(ledger, &(ledger_bid_t){0});
    s_await("lead:0 ");
    ck_assert_uint_eq(lead.meta.epoch, 12);
    ck_assert_uint_eq(lead.meta.at.seq, 7);
    ck_assert_str_eq(lead_canvas, "canvas");
    ck_assert_uint_eq(asks, 1); /* no replica is waited for */
}
END_TEST

START_TEST(the_lease_is_renewed_vouched_for_and_released)
{
    s_answers(DONE, REFUSED);
    ledger_renew(ledger, 5, 77);
    ledger_renew(ledger, 6, 0);
    ledger_vouch(ledger, 7);
    ledger_release(ledger);
    s_await("renew:1 renew:0 released ");
    ck_assert_str_eq(s_asked(0), "sha01 5 " TOKEN " 4000 77");
    ck_assert_str_eq(s_asked(1), "sha01 6 " TOKEN " 4000 0");
    ck_assert_str_eq(s_asked(2), "sha03 7 2");
    ck_assert_str_eq(s_asked(3), "sha02 " TOKEN);
}
END_TEST

START_TEST(a_vouch_that_fails_loses_it)
{
    s_answers("-ERR no\r\n", NULL);
    ledger_vouch(ledger, 7);
    s_await("lost ");
}
END_TEST

/* ---- replicas -------------------------------------------------------- */

/* A quarter of the lease, at most half the timeout. */
START_TEST(replicas_are_waited_for_in_time)
{
    static const struct {
        uint32_t lease_ms, timeout_ms;
        const char *said;
    } cases[] = {{4000, 3000, "WAIT 2 1000"},
                 {4000, 2000, "WAIT 2 1000"},
                 {4000, 1000, "WAIT 2 500"}};
    options.replicas = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.lease_ms = cases[i].lease_ms;
        options.timeout_ms = cases[i].timeout_ms;
        s_open();
        s_await("ready ");
        s_answers(META, ":2\r\n");
        ledger_lead(ledger, &(ledger_bid_t){0});
        s_await("lead:0 ");
        ck_assert_str_eq(s_asked(asks - 1), cases[i].said);
        ledger_destroy(&ledger);
    }
}
END_TEST

static void s_open_replicated(void)
{
    options.replicas = 2;
    s_open();
    s_await("ready ");
}

START_TEST(a_lead_counts_once_the_replicas_have_it)
{
    s_open_replicated();
    s_answers(META, ":3\r\n");
    ledger_lead(ledger, &(ledger_bid_t){0});
    s_await("lead:0 ");
    ck_assert_uint_eq(lead.meta.epoch, 12);
    ck_assert_str_eq(lead_canvas, "canvas");
}
END_TEST

START_TEST(a_refused_lead_needs_no_replica)
{
    s_open_replicated();
    s_answers("*3\r\n:0\r\n$4\r\nheld\r\n$2\r\n50\r\n", ":0\r\n");
    ledger_lead(ledger, &(ledger_bid_t){0});
    ledger_release(ledger);
    s_await("lead:1 released ");
}
END_TEST

START_TEST(too_few_replicas_are_a_redis_that_is_lost)
{
    s_open_replicated();
    s_answers(META, ":1\r\n");
    ledger_lead(ledger, &(ledger_bid_t){0});
    s_await("lost ");
    ck_assert_str_eq(ledger_trouble(ledger), "1 of 2 replicas have it");
}
END_TEST

/* ---- writing --------------------------------------------------------- */

static batch_t *batch;

/* Two placements and a part of an operator's action behind seq 40. */
static void s_fill_batch(void)
{
    batch = batch_new(10);
    batch_begin(batch, s_at(40), 4);
    batch_add(batch, &(record_t){.seq = 41, .color = 3}, 5);
    batch_add(batch, &(record_t){.seq = 42, .color = 4}, 6);
    batch_add_control(batch, &(record_t){.seq = 43, .flags = RECORD_CONTROL});
    batch_seal(batch);
}

static void s_commit(const policy_t *base)
{
    s_fill_batch();
    ledger_commit(ledger, 5, batch, 1234, base);
}

static bool s_word_is(size_t i, const void *bytes, size_t size)
{
    const redisReply *word = s_word_of(0, i);
    return word->len == size && !memcmp(word->str, bytes, size);
}

START_TEST(a_commit_carries_its_records_their_chain_and_their_pixels)
{
    char to[CHAIN_HEX_BYTES];
    s_commit(NULL);
    s_await("commit:1 ");
    chain_to_hex(batch_to(batch).chain, to);
    const uint8_t *records = batch_records(batch);
    ck_assert_str_eq(asked[0]->element[1]->str, "sha05");
    ck_assert_uint_eq(asked[0]->elements, 11 + 11);
    ck_assert(s_word_is(0, "5", 1) && s_word_is(1, "40", 2));
    ck_assert(s_word_is(2, "43", 2) && s_word_is(3, "1234", 4));
    ck_assert(s_word_is(4, records, 120));
    ck_assert(s_word_is(5, CHAIN, 32) && s_word_is(6, to, 32));
    ck_assert(s_word_is(7, "", 0)); /* the policy stays */
    ck_assert(s_word_is(8, records + 80, 40));
    batch_chunk_t chunk = batch_chunk(batch, 0);
    ck_assert(s_word_is(10, chunk.bytes, chunk.size));
    ck_assert_uint_eq((uint32_t)atoi(s_word_of(0, 9)->str), chunk.words);
    batch_destroy(&batch);
}
END_TEST

START_TEST(a_commit_may_bring_the_policy_anew)
{
    policy_t *policy = policy_new();
    size_t size;
    uint8_t *bytes = policy_bytes(policy, &size);
    s_commit(policy);
    s_await("commit:1 ");
    ck_assert(s_word_is(7, bytes, size));
    free(bytes);
    policy_destroy(&policy);
    batch_destroy(&batch);
}
END_TEST

START_TEST(a_commit_is_fenced_refused_for_room_or_lost)
{
    static const struct {
        const char *answer, *heard;
        bool full;
    } cases[] = {
        {REFUSED, "commit:0 ", false}, {FULL, "commit:0 ", true},
        {REFUSED, "commit:0 ", true}, /* which tells of no room */
        {DONE, "commit:1 ", false},    {"-MISCONF disk\r\n", "commit:0 ", true},
        {"-ERR no\r\n", "lost ", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_answers(cases[i].answer, NULL);
        s_commit(NULL);
        s_await(cases[i].heard);
        ck_assert_msg(ledger_full(ledger) == cases[i].full, "%zu", i);
        batch_destroy(&batch);
    }
}
END_TEST

START_TEST(a_commit_counts_once_the_replicas_have_it)
{
    s_open_replicated();
    s_answers(DONE, ":2\r\n");
    s_commit(NULL);
    batch_destroy(&batch);
    s_await("commit:1 ");
    s_answers(REFUSED, ":2\r\n");
    s_commit(NULL);
    batch_destroy(&batch);
    ledger_release(ledger);
    s_await("commit:0 released ");
    s_answers(DONE, ":1\r\n");
    s_commit(NULL);
    batch_destroy(&batch);
    s_await("lost ");
}
END_TEST

START_TEST(a_full_commit_that_was_forgotten_is_not_answered)
{
    s_answers(FULL, NULL);
    s_commit(NULL);
    batch_destroy(&batch);
    ledger_forget(ledger);
    ledger_release(ledger);
    s_await("released ");
    ck_assert(ledger_full(ledger)); /* which is known all the same */
}
END_TEST

START_TEST(a_probe_finds_room_again)
{
    s_answers(FULL, FULL);
    s_commit(NULL);
    batch_destroy(&batch);
    s_await("commit:0 ");
    ledger_probe(ledger);
    ledger_release(ledger);
    s_await("released ");
    ck_assert(ledger_full(ledger));
    s_answers(":0\r\n", NULL);
    ledger_probe(ledger);
    ledger_release(ledger);
    s_await("released ");
    ck_assert(!ledger_full(ledger));
    ck_assert_str_eq(s_asked(1), "SETRANGE p:board.next 0 ");
}
END_TEST

START_TEST(another_write_without_room_loses_it)
{
    s_answers(FULL, NULL);
    ledger_renew(ledger, 5, 0);
    s_await("lost ");
    ck_assert(ledger_full(ledger));
}
END_TEST

START_TEST(a_trim_that_fails_costs_nothing)
{
    s_answers("-ERR no\r\n", NULL);
    ledger_trim(ledger, 5, 99);
    ledger_release(ledger);
    s_await("released ");
    ck_assert_str_eq(s_asked(0), "sha09 5 99 100");
}
END_TEST

START_TEST(a_canvas_is_its_json)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, 20, 10, 4);
    size_t size = canvas_to_json(&canvas, json, sizeof json);
    s_answers(DONE, REFUSED);
    ledger_put_canvas(ledger, 5, &canvas);
    ledger_put_canvas(ledger, 5, &canvas);
    s_await("canvas:1 canvas:0 ");
    ck_assert_str_eq(asked[0]->element[1]->str, "sha10");
    ck_assert(s_word_is(0, "5", 1) && s_word_is(1, json, size));
}
END_TEST

static TCase *s_open_cases(void)
{
    TCase *open = tcase_create("open");
    tcase_add_checked_fixture(open, s_set_up, s_tear_down);
    tcase_add_test(open, a_redis_that_refuses_a_script_is_in_trouble);
    tcase_add_test(open, a_script_without_a_name_is_trouble_too);
    tcase_add_test(open, replicas_are_waited_for_in_time);
    tcase_add_test(open, a_lead_counts_once_the_replicas_have_it);
    tcase_add_test(open, a_refused_lead_needs_no_replica);
    tcase_add_test(open, too_few_replicas_are_a_redis_that_is_lost);
    tcase_add_test(open, a_commit_counts_once_the_replicas_have_it);
    return open;
}

static TCase *s_ready_cases(void)
{
    TCase *ready = tcase_create("ready");
    tcase_add_checked_fixture(ready, s_set_up_ready, s_tear_down);
    tcase_add_test(ready, it_is_ready_when_every_script_is_loaded);
    tcase_add_test(ready, an_error_loses_it_once_and_it_comes_back);
    tcase_add_test(ready, what_is_forgotten_is_not_answered);
    tcase_add_test(ready, a_script_gets_eight_keys_of_the_prefix);
    tcase_add_test(ready, a_bid_says_what_is_known_and_held);
    tcase_add_test(ready, a_lead_that_is_refused_says_how_long_to_wait);
    tcase_add_test(ready, a_lead_that_is_got_comes_with_what_redis_holds);
    tcase_add_test(ready, the_lease_is_renewed_vouched_for_and_released);
    tcase_add_test(ready, a_vouch_that_fails_loses_it);
    return ready;
}

static TCase *s_writing_cases(void)
{
    TCase *writing = tcase_create("writing");
    tcase_add_checked_fixture(writing, s_set_up_ready, s_tear_down);
    tcase_add_test(writing,
                   a_commit_carries_its_records_their_chain_and_their_pixels);
    tcase_add_test(writing, a_commit_may_bring_the_policy_anew);
    tcase_add_test(writing, a_commit_is_fenced_refused_for_room_or_lost);
    tcase_add_test(writing, a_full_commit_that_was_forgotten_is_not_answered);
    tcase_add_test(writing, a_probe_finds_room_again);
    tcase_add_test(writing, another_write_without_room_loses_it);
    tcase_add_test(writing, a_trim_that_fails_costs_nothing);
    tcase_add_test(writing, a_canvas_is_its_json);
    return writing;
}

Suite *suite_broker_redis_ledger(void);
Suite *suite_broker_redis_ledger(void)
{
    Suite *suite = suite_create("broker/redis_ledger");
    suite_add_tcase(suite, s_open_cases());
    suite_add_tcase(suite, s_ready_cases());
    suite_add_tcase(suite, s_writing_cases());
    return suite;
}
