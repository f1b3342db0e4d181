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

START_TEST(a_verdict_names_the_copy_it_is_for)
{
    pending_t *pending = pending_new(100);
    bus_place_t first, second;
    question_t question;
    s_add(pending, 5, 0);
    ck_assert_uint_eq(pending_unsent(pending, &first, 1), 1);
    ck_assert_uint_eq(first.ticket, 100);
    pending_sent(pending, first.ticket, 1000);
    ck_assert(!pending_is_outdated(pending, first.ticket));
    pending_resend(pending);
    ck_assert(pending_is_outdated(pending, first.ticket));
    ck_assert_uint_eq(pending_unsent(pending, &second, 1), 1);
    pending_sent(pending, second.ticket, 2000);
    ck_assert_uint_eq(bus_ticket(second.ticket), 100);
    ck_assert_uint_eq(bus_copy(second.ticket), 1);
    ck_assert(!pending_is_outdated(pending, second.ticket));
    ck_assert(pending_take(pending, first.ticket, &question));
    ck_assert(!pending_is_outdated(pending, first.ticket));
    ck_assert(!pending_take(pending, second.ticket, &question));
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
    pending_sent(pending, places[2].ticket, 1000);
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 2);
    ck_assert_uint_eq(places[0].request, 3);
    pending_sent(pending, places[1].ticket, 2000);
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 0);
    pending_destroy(&pending);
}
END_TEST

START_TEST(what_came_at_another_seq_goes_in_a_message_of_its_own)
{
    pending_t *pending = pending_new(1);
    bus_place_t places[8];
    for (uint32_t i = 0; i < 5; i++) {
        question_t question = {.place = {.request = i, .unseen = 7 + i / 3},
                               .done = s_done};
        pending_add(pending, &question);
    }
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 3);
    pending_sent(pending, places[2].ticket, 1000);
    ck_assert_uint_eq(pending_unsent(pending, places, 8), 2);
    ck_assert_uint_eq(places[0].unseen, 8);
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
    pending_sent(pending, places[2].ticket, 1000);
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

START_TEST(full_takes_but_refuses_and_an_answer_makes_room)
{
    pending_t *pending = pending_new(1);
    question_t question;
    uint64_t until = 0;
    for (uint32_t i = 0; i < PENDING_MAX; i++)
        ck_assert(!pending_is_refused(s_add(pending, i, 0)));
    ck_assert(!pending_take_refused(pending, &until, &question));
    uint64_t first = s_add(pending, 77, 0), second = s_add(pending, 78, 0);
    ck_assert(pending_is_refused(first) && pending_is_refused(second));
    ck_assert_uint_eq(pending_count(pending), PENDING_MAX);

    ck_assert(pending_take(pending, first, &question)); /* cancelled */
    until = 0;
    ck_assert(pending_take_refused(pending, &until, &question));
    ck_assert_uint_eq(question.place.request, 78);
    ck_assert_uint_eq(question.place.ticket, second);
    /* What a callback asks meanwhile waits for the next round. */
    s_add(pending, 79, 0);
    ck_assert(!pending_take_refused(pending, &until, &question));
    until = 0;
    ck_assert(pending_take_refused(pending, &until, &question));
    ck_assert_uint_eq(question.place.request, 79);

    ck_assert(pending_take(pending, 1, &question));
    ck_assert(!pending_is_refused(s_add(pending, 0, 0)));
    pending_destroy(&pending);
}
END_TEST

START_TEST(refused_ones_are_never_sent_and_never_expire)
{
    pending_t *pending = pending_new(1);
    static bus_place_t places[8];
    question_t question;
    for (uint32_t i = 0; i <= PENDING_MAX; i++)
        s_add(pending, i, 5);
    size_t sent = 0;
    for (size_t count; (count = pending_unsent(pending, places, 8));) {
        sent += count;
        pending_sent(pending, places[count - 1].ticket, 9);
    }
    ck_assert_uint_eq(sent, PENDING_MAX);
    ck_assert_uint_eq(pending_waits_since(pending), 9);
    size_t expired = 0;
    while (pending_take_expired(pending, 5, &question))
        expired++;
    ck_assert_uint_eq(expired, PENDING_MAX);
    ck_assert_uint_eq(pending_waits_since(pending), UINT64_MAX);
    pending_destroy(&pending);
}
END_TEST

START_TEST(of_many_each_is_its_own)
{
    enum { MANY = 5000 };
    pending_t *pending = pending_new(1);
    question_t question;
    for (uint32_t i = 1; i <= MANY; i++)
        ck_assert_uint_eq(s_add(pending, 2 * i, 0), i);
    for (uint32_t i = 1; i <= MANY; i++) {
        ck_assert(pending_take(pending, i, &question));
        ck_assert_uint_eq(question.place.request, 2 * i);
    }
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
    tcase_add_test(tcase, a_verdict_names_the_copy_it_is_for);
    tcase_add_test(tcase, unsent_ones_stay_until_they_are_sent);
    tcase_add_test(tcase,
                   what_came_at_another_seq_goes_in_a_message_of_its_own);
    tcase_add_test(tcase, resend_keeps_order_and_flags_only_what_had_gone_out);
    tcase_add_test(tcase, expiry_takes_the_old_and_leaves_the_young);
    tcase_add_test(tcase, full_takes_but_refuses_and_an_answer_makes_room);
    tcase_add_test(tcase, refused_ones_are_never_sent_and_never_expire);
    tcase_add_test(tcase, of_many_each_is_its_own);
    tcase_add_test(tcase, random_life_matches_a_model);
    suite_add_tcase(suite, tcase);
    return suite;
}
