/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge asks persisters, what it makes of their answers, and for how
 * long it waits.
 */
#include "tests/unit/edge/bus_stage.h"

#include "edge/pending.h"

Suite *suite_edge_lookup(void);

static bus_answer_t answer; /* got last */
static unsigned answers, pages;
static bus_page_t page;
static bus_query_t query; /* that the persister got last */

static void s_setup(void)
{
    answers = pages = 0;
    s_setup_bus();
}

static void s_on_answer(void *context, const bus_answer_t *mine)
{
    ck_assert_ptr_eq(context, &answers);
    answer = *mine;
    answers++;
}

static void s_on_page(void *context, const bus_page_t *mine)
{
    ck_assert_ptr_eq(context, &pages);
    page = *mine;
    pages++;
}

static bool s_is_answered(void)
{
    return answers;
}

static bool s_is_paged(void)
{
    return pages;
}

static void s_expect_query(bus_type_t type)
{
    ck_assert(s_receive(persister, &asker));
    ck_assert_uint_eq(got[0], type);
    ck_assert_int_eq(bus_decode_query(&query, got, got_size), 0);
}

static void s_answer(uint64_t ticket, uint8_t status)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_answer_t said = {
        .ticket = ticket, .status = status, .record = {.seq = 42}};
    s_say_to(persister, &asker, bytes, bus_put_answer(bytes, &said));
}

static void s_turn_page(uint64_t ticket)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_page_t said = {.ticket = ticket, .status = BUS_FOUND, .next = 9};
    s_say_to(persister, &asker, bytes, bus_put_page_head(bytes, &said));
}

START_TEST(a_pixel_and_a_user_are_asked_for_and_answered)
{
    lookup_t *lookup = uplink_lookup(uplink);
    uint64_t ticket = lookup_pixel(lookup, 3, 4, s_on_answer, &answers);
    s_expect_query(BUS_PIXEL);
    ck_assert_uint_eq(query.ticket, ticket);
    ck_assert(query.x == 3 && query.y == 4);
    s_answer(ticket, BUS_FOUND);
    s_turn_until(s_is_answered);
    ck_assert_uint_eq(answer.record.seq, 42);
    answers = 0;
    ticket = lookup_user(lookup, 77, s_on_answer, &answers);
    s_expect_query(BUS_USER);
    ck_assert_uint_eq(query.user, 77);
    s_answer(ticket, BUS_NONE);
    s_turn_until(s_is_answered);
    ck_assert_uint_eq(answer.status, BUS_NONE);
    ck_assert_int_eq(edge.metrics[EDGE_QUERIES], 2);
    ck_assert_int_eq(edge.metrics[EDGE_QUERIES_EXPIRED], 0);
}
END_TEST

START_TEST(a_page_is_answered_by_a_page)
{
    bus_query_t history = {.x = 1, .y = 2, .from = 50, .max = 10};
    lookup_page(uplink_lookup(uplink), BUS_HISTORY, &history, s_on_page,
                &pages);
    s_expect_query(BUS_HISTORY);
    ck_assert(query.from == 50 && query.max == 10);
    s_turn_page(query.ticket);
    s_turn_until(s_is_paged);
    ck_assert_uint_eq(page.next, 9);
    ck_assert_uint_eq(page.status, BUS_FOUND);
}
END_TEST

START_TEST(a_look_up_fails_after_a_second_and_a_page_after_ten)
{
    bus_query_t all = {0};
    lookup_t *lookup = uplink_lookup(uplink);
    lookup_pixel(lookup, 3, 4, s_on_answer, &answers);
    lookup_page(lookup, BUS_SNAPSHOTS, &all, s_on_page, &pages);
    s_pass(999);
    ck_assert_uint_eq(answers, 0);
    s_pass(1);
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(answer.status, BUS_STORE_FAILED);
    s_pass(8999);
    ck_assert_uint_eq(pages, 0);
    s_pass(1);
    ck_assert_uint_eq(pages, 1);
    ck_assert_uint_eq(page.status, BUS_STORE_FAILED);
    ck_assert_int_eq(edge.metrics[EDGE_QUERIES_EXPIRED], 2);
}
END_TEST

START_TEST(a_cancelled_look_up_is_not_answered)
{
    lookup_t *lookup = uplink_lookup(uplink);
    uint64_t first = lookup_pixel(lookup, 3, 4, s_on_answer, &answers);
    uint64_t second = lookup_pixel(lookup, 5, 6, s_on_answer, &answers);
    lookup_cancel(lookup, first);
    s_expect_query(BUS_PIXEL);
    s_expect_query(BUS_PIXEL);
    s_answer(first, BUS_FOUND);
    s_answer(second, BUS_FOUND);
    s_turn_until(s_is_answered);
    ck_assert_uint_eq(answer.ticket, second);
    ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(what_is_no_answer_is_counted)
{
    lookup_pixel(uplink_lookup(uplink), 3, 4, s_on_answer, &answers);
    s_expect_query(BUS_PIXEL);
    s_say_to(persister, &asker, "x", 1);
    s_await(EDGE_BUS_BAD, 1);
    ck_assert_uint_eq(answers, 0);
}
END_TEST

START_TEST(too_many_questions_fail_in_the_next_turn)
{
    lookup_t *lookup = uplink_lookup(uplink);
    for (unsigned i = 0; i < PENDING_MAX; i++)
        lookup_user(lookup, i, s_on_answer, &answers);
    ck_assert_int_eq(edge.metrics[EDGE_QUERIES_REFUSED], 0);
    lookup_user(lookup, 1, s_on_answer, &answers);
    ck_assert_int_eq(edge.metrics[EDGE_QUERIES_REFUSED], 1);
    ck_assert_uint_eq(answers, 0);
    lookup_turn(lookup);
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(answer.status, BUS_STORE_FAILED);
}
END_TEST

START_TEST(without_a_persister_nobody_answers)
{
    lookup_t *alone = lookup_new(&edge, "");
    ck_assert_int_eq(lookup_fd(alone), -1);
    ck_assert_int_ge(lookup_fd(uplink_lookup(uplink)), 0);
    lookup_pixel(alone, 3, 4, s_on_answer, &answers);
    ck_assert(!lookup_turn(alone));
    lookup_tick(alone, now_ms + 1000);
    ck_assert_uint_eq(answers, 1);
    ck_assert_uint_eq(answer.status, BUS_STORE_FAILED);
    lookup_destroy(&alone);
    ck_assert_ptr_null(alone);
}
END_TEST

START_TEST(every_persister_of_the_list_is_connected_to)
{
    char both[256];
    snprintf(both, sizeof both, "ipc://%s/other,%s", folder, queries);
    zsock_t *second = s_bind(ZMQ_ROUTER, "other");
    lookup_t *of_both = lookup_new(&edge, both);
    ck_assert_ptr_nonnull(of_both);
    zsock_set_rcvtimeo(persister, 1);
    zsock_set_rcvtimeo(second, 1);
    bool heard[2] = {false};
    for (int i = 0; i < 1000 && !(heard[0] && heard[1]); i++) {
        lookup_pixel(of_both, 1, 1, s_on_answer, &answers);
        heard[0] |= s_receive(persister, &asker);
        heard[1] |= s_receive(second, &asker);
    }
    ck_assert(heard[0] && heard[1]);
    lookup_destroy(&of_both);
    zsock_destroy(&second);
}
END_TEST

Suite *suite_edge_lookup(void)
{
    Suite *suite = suite_create("edge/lookup");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_setup, s_teardown_bus);
    tcase_add_test(all, a_pixel_and_a_user_are_asked_for_and_answered);
    tcase_add_test(all, a_page_is_answered_by_a_page);
    tcase_add_test(all, a_look_up_fails_after_a_second_and_a_page_after_ten);
    tcase_add_test(all, a_cancelled_look_up_is_not_answered);
    tcase_add_test(all, what_is_no_answer_is_counted);
    tcase_add_test(all, too_many_questions_fail_in_the_next_turn);
    tcase_add_test(all, without_a_persister_nobody_answers);
    tcase_add_test(all, every_persister_of_the_list_is_connected_to);
    suite_add_tcase(suite, all);
    return suite;
}
