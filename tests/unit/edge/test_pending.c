/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/pending.h"

#include "common/backoff.h"

#include <check.h>

Suite *suite_edge_pending(void);

static void s_done(void)
{
}

static uint64_t s_add(pending_t *pending, uint32_t request, uint64_t asked_ms)
{
    question_t question = {
        .place.request = request, .asked_ms = asked_ms, .done = s_done};
    return pending_add(pending, &question);
}

START_TEST(answer_is_taken_once)
{
    pending_t *pending = pending_new(100);
    question_t question;
    ck_assert_uint_eq(s_add(pending, 5, 0), 100);
    ck_assert(!pending_take(pending, 99, &question));
    ck_assert(!pending_take(pending, 101, &question));
    ck_assert(pending_take(pending, 100, &question));
    ck_assert_uint_eq(question.place.request, 5);
    ck_assert_uint_eq(question.place.ticket, 100);
    ck_assert(!pending_take(pending, 100, &question));
    ck_assert_uint_eq(pending_count(pending), 0);
    pending_destroy(&pending);
}
END_TEST

START_TEST(unsent_ones_stay_until_they_are_sent)
{
    pending_t *pending = pending_new(1);
    bus_place_t places[8];
    for (uint32_t i = 0; i < 5; i++)
        s_add(pending, i, 0);
    ck_assert_uint_eq(pending_unsent(pending, places, 3), 3);
    ck_assert_uint_eq(pending_unsent(pending, places, 3), 3);
    pending_sent(pending, places[2].ticket);
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 2);
    ck_assert_uint_eq(places[0].request, 3);
    pending_sent(pending, places[1].ticket);
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 0);
    pending_destroy(&pending);
}
END_TEST

START_TEST(resend_keeps_order_and_flags_only_what_had_gone_out)
{
    pending_t *pending = pending_new(1);
    bus_place_t places[8];
    question_t question;
    for (uint32_t i = 0; i < 4; i++)
        s_add(pending, i, 0);
    ck_assert_uint_eq(pending_unsent(pending, places, 3), 3);
    pending_sent(pending, places[2].ticket);
    pending_take(pending, places[1].ticket, &question);
    ck_assert_uint_eq(pending_resend(pending), 2);
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 3);
    ck_assert_uint_eq(places[0].request, 0);
    ck_assert_uint_eq(places[1].request, 2);
    ck_assert_uint_eq(places[2].request, 3);
    ck_assert_int_eq(places[0].flags, BUS_PLACE_RESENT);
    ck_assert_int_eq(places[1].flags, BUS_PLACE_RESENT);
    ck_assert_int_eq(places[2].flags, 0);
    pending_destroy(&pending);
}
END_TEST

START_TEST(expiry_takes_the_old_and_leaves_the_young)
{
    pending_t *pending = pending_new(1);
    question_t question;
    s_add(pending, 1, 1000);
    s_add(pending, 2, 2000);
    s_add(pending, 3, 3000);
    ck_assert(pending_take_expired(pending, 2000, &question));
    ck_assert_uint_eq(question.place.request, 1);
    ck_assert(pending_take_expired(pending, 2000, &question));
    ck_assert_uint_eq(question.place.request, 2);
    ck_assert(!pending_take_expired(pending, 2000, &question));
    ck_assert_uint_eq(pending_count(pending), 1);
    pending_destroy(&pending);
}
END_TEST

START_TEST(full_refuses_and_an_answer_makes_room)
{
    pending_t *pending = pending_new(1);
    question_t question;
    for (uint32_t i = 0; i < PENDING_MAX; i++)
        ck_assert_uint_ne(s_add(pending, i, 0), 0);
    ck_assert_uint_eq(s_add(pending, 0, 0), 0);
    ck_assert(pending_take(pending, 1, &question));
    ck_assert_uint_ne(s_add(pending, 0, 0), 0);
    pending_destroy(&pending);
}
END_TEST

START_TEST(random_life_matches_a_model)
{
    enum { MANY = 20000 };
    static bool open[MANY + 1];
    pending_t *pending = pending_new(1);
    question_t question;
    uint64_t next = 1;
    while (next < MANY) {
        if (random_below(2)) {
            open[next] = true;
            ck_assert_uint_eq(s_add(pending, (uint32_t)next, 0), next);
            next++;
        } else {
            uint64_t back = random_below(300);
            uint64_t ticket = next > back ? next - back : 1;
            ck_assert_int_eq(pending_take(pending, ticket, &question),
                             ticket < next && open[ticket]);
            open[ticket] = false;
        }
    }
    size_t count = 0;
    for (uint64_t t = 1; t < next; t++)
        count += open[t];
    ck_assert_uint_eq(pending_count(pending), count);
    pending_destroy(&pending);
}
END_TEST

Suite *suite_edge_pending(void)
{
    Suite *suite = suite_create("edge/pending");
    TCase *tcase = tcase_create("pending");
    tcase_add_test(tcase, answer_is_taken_once);
    tcase_add_test(tcase, unsent_ones_stay_until_they_are_sent);
    tcase_add_test(tcase, resend_keeps_order_and_flags_only_what_had_gone_out);
    tcase_add_test(tcase, expiry_takes_the_old_and_leaves_the_young);
    tcase_add_test(tcase, full_refuses_and_an_answer_makes_room);
    tcase_add_test(tcase, random_life_matches_a_model);
    suite_add_tcase(suite, tcase);
    return suite;
}
