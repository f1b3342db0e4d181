/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/errands.h"

#include "common/bus_errand.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_errands(void);

static errands_t *errands;
static unsigned sends, answers;
static int result;
static bool looks;
static bus_errand_t last; /* into sent */
static uint8_t sent[512];
static char heard[64];

static int s_send(void *context, const void *bytes, size_t size)
{
    (void)context;
    memcpy(sent, bytes, size);
    ck_assert_int_eq(bus_decode_errand(&last, BUS_ERRAND, sent, size), 0);
    sends++;
    return result;
}

static void s_on_done(void *context, const json_t *answer)
{
    (void)context;
    const char *word = json_string_value(json_object_get(answer, "word"));
    snprintf(heard, sizeof heard, "%s", answer ? word ? word : "" : "nobody");
    answers++;
}

static void s_set_up(void)
{
    errands = errands_new(s_send, NULL);
    sends = answers = 0;
    result = 0;
    looks = false;
}

static void s_tear_down(void)
{
    errands_destroy(&errands);
}

static uint64_t s_ask(uint64_t now_ms)
{
    json_t *request = json_pack("{s:s}", "verb", "lock");
    uint64_t ticket =
        errands_ask(errands, "a.b.c", request, looks, now_ms, s_on_done, NULL);
    json_decref(request);
    return ticket;
}

static int s_answer(uint64_t ticket, const char *json, uint64_t now_ms)
{
    uint8_t bytes[256];
    bus_errand_t done = {
        .ticket = ticket, .json = json, .json_size = strlen(json)};
    size_t size = bus_put_errand(bytes, BUS_ERRAND_DONE, &done);
    return errands_on_answer(errands, bytes, size, now_ms);
}

START_TEST(it_goes_out_at_once_and_is_answered_once)
{
    uint64_t ticket = s_ask(1000);
    ck_assert(ticket && sends == 1 && !answers);
    ck_assert_uint_eq(last.ticket, ticket);
    ck_assert_int_eq(strncmp(last.token, "a.b.c", 5), 0);
    ck_assert_int_eq(strncmp(last.json, "{\"verb\":\"lock\"}", 15), 0);
    ck_assert_int_eq(s_answer(ticket + 1, "{\"word\":\"x\"}", 1001), 0);
    ck_assert_uint_eq(answers, 0);
    ck_assert_int_eq(s_answer(ticket, "{\"word\":\"yes\"}", 1002), 0);
    ck_assert_int_eq(s_answer(ticket, "{\"word\":\"again\"}", 1003), 0);
    ck_assert_uint_eq(answers, 1);
    ck_assert_str_eq(heard, "yes");
    ck_assert_uint_eq(errands_count(errands), 0);
}
END_TEST

START_TEST(silence_a_new_leader_and_unavailable_send_it_again)
{
    uint64_t ticket = s_ask(1000);
    errands_tick(errands, 2499);
    ck_assert_uint_eq(sends, 1);
    errands_tick(errands, 2500);
    ck_assert_uint_eq(sends, 2);
    errands_on_leader(errands);
    errands_tick(errands, 2501);
    ck_assert_uint_eq(sends, 3);
    ck_assert_int_eq(
        s_answer(ticket, "{\"ok\":false,\"code\":\"unavailable\"}", 2600), 0);
    errands_tick(errands, 2799);
    ck_assert_uint_eq(sends, 3);
    errands_tick(errands, 2800);
    ck_assert_uint_eq(sends, 4);
    ck_assert_uint_eq(last.ticket, ticket);
    ck_assert_uint_eq(answers, 0);
}
END_TEST

START_TEST(it_is_given_up_when_its_time_is_over)
{
    result = -1; /* no leader */
    s_ask(1000);
    for (uint64_t now = 1000; now < 1000 + ERRANDS_TIMEOUT_MS; now += 50)
        errands_tick(errands, now);
    ck_assert_uint_eq(answers, 0);
    ck_assert_uint_ge(sends, ERRANDS_TIMEOUT_MS / 250);
    errands_tick(errands, 1000 + ERRANDS_TIMEOUT_MS);
    ck_assert_uint_eq(answers, 1);
    ck_assert_str_eq(heard, "nobody");
}
END_TEST

/* A search takes its time; a new leader still has to be asked. */
START_TEST(what_only_looks_is_not_sent_again_for_silence)
{
    looks = true;
    s_ask(1000);
    errands_tick(errands, 9000);
    ck_assert_uint_eq(sends, 1);
    errands_on_leader(errands);
    errands_tick(errands, 9001);
    ck_assert_uint_eq(sends, 2);
}
END_TEST

START_TEST(the_last_unavailable_is_told_in_the_end)
{
    uint64_t ticket = s_ask(1000);
    s_answer(ticket, "{\"code\":\"unavailable\",\"word\":\"one\"}", 1001);
    s_answer(ticket, "{\"code\":\"unavailable\",\"word\":\"two\"}", 1002);
    errands_tick(errands, 1000 + ERRANDS_TIMEOUT_MS);
    ck_assert_str_eq(heard, "two");
    ticket = s_ask(1000);
    s_answer(ticket, "{\"code\":\"unavailable\"}", 1001);
    errands_cancel(errands, ticket);
    s_answer(s_ask(1000), "{\"code\":\"unavailable\"}", 1001);
    ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(who_has_left_is_not_answered)
{
    uint64_t ticket = s_ask(1000);
    errands_cancel(errands, ticket);
    errands_cancel(errands, ticket);
    errands_cancel(errands, 0);
    ck_assert_int_eq(s_answer(ticket, "{}", 1001), 0);
    errands_tick(errands, 1000000);
    ck_assert(!answers && sends == 1);
}
END_TEST

START_TEST(beyond_the_table_nobody_is_taken)
{
    for (int i = 0; i < ERRANDS_MAX; i++)
        ck_assert_uint_ne(s_ask(1000), 0);
    ck_assert_uint_eq(s_ask(1000), 0);
    ck_assert_int_eq(s_answer(last.ticket, "{}", 1001), 0);
    ck_assert_uint_ne(s_ask(1002), 0);
    errands_tick(errands, 1000 + ERRANDS_TIMEOUT_MS);
    ck_assert_uint_eq(answers, ERRANDS_MAX);
}
END_TEST

START_TEST(an_answer_that_is_none_is_told)
{
    uint64_t ticket = s_ask(1000);
    ck_assert_int_eq(s_answer(ticket, "[]", 1001), -1);
    ck_assert_int_eq(s_answer(ticket, "{", 1001), -1);
    ck_assert_int_eq(errands_on_answer(errands, "\x1c", 1, 1001), -1);
    ck_assert_uint_eq(errands_count(errands), 1);
}
END_TEST

Suite *suite_edge_errands(void)
{
    Suite *suite = suite_create("edge/errands");
    TCase *tcase = tcase_create("errands");
    tcase_add_checked_fixture(tcase, s_set_up, s_tear_down);
    tcase_add_test(tcase, it_goes_out_at_once_and_is_answered_once);
    tcase_add_test(tcase, silence_a_new_leader_and_unavailable_send_it_again);
    tcase_add_test(tcase, it_is_given_up_when_its_time_is_over);
    tcase_add_test(tcase, what_only_looks_is_not_sent_again_for_silence);
    tcase_add_test(tcase, the_last_unavailable_is_told_in_the_end);
    tcase_add_test(tcase, who_has_left_is_not_answered);
    tcase_add_test(tcase, beyond_the_table_nobody_is_taken);
    tcase_add_test(tcase, an_answer_that_is_none_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
