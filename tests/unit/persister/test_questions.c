/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/questions.h"

#include <check.h>

static questions_t *questions;

static void s_set_up(void)
{
    questions = questions_new();
}

static void s_tear_down(void)
{
    questions_destroy(&questions);
}

static bool s_put(const char *asker, const char *text, uint64_t now_ms)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, asker);
    zmsg_addstr(message, text);
    bool taken = questions_put(questions, &message, now_ms);
    ck_assert(taken == !message);
    zmsg_destroy(&message);
    return taken;
}

static void s_next_is(const char *text, uint64_t now_ms)
{
    zmsg_t *message = questions_take(questions, now_ms);
    ck_assert((text != NULL) == (message != NULL));
    if (text)
        ck_assert(zframe_streq(zmsg_last(message), text));
    zmsg_destroy(&message);
}

START_TEST(asker_is_answered_in_order)
{
    s_put("a", "1", 0);
    s_put("a", "2", 0);
    s_next_is("1", 0);
    s_next_is("2", 0);
    s_next_is(NULL, 0);
}
END_TEST

START_TEST(who_asks_much_waits_for_itself)
{
    for (unsigned i = 0; i < QUESTIONS_EACH; i++)
        ck_assert(s_put("a", "a", 0));
    ck_assert(s_put("b", "b", 0));
    s_next_is("a", 0);
    s_next_is("b", 0);
    s_next_is("a", 0);
}
END_TEST

START_TEST(too_many_of_one_asker_are_refused)
{
    for (unsigned i = 0; i < QUESTIONS_EACH; i++)
        ck_assert(s_put("a", "a", 0));
    ck_assert(!s_put("a", "a", 0));
    s_next_is("a", 0);
    ck_assert(s_put("a", "a", 0));
}
END_TEST

START_TEST(too_many_askers_are_refused)
{
    char name[8];
    for (unsigned i = 0; i < QUESTIONS_ASKERS; i++) {
        snprintf(name, sizeof name, "%u", i);
        ck_assert(s_put(name, "q", 0));
    }
    ck_assert(!s_put("one more", "q", 0));
    s_next_is("q", 0);
    ck_assert(s_put("one more", "q", 0));
}
END_TEST

START_TEST(question_that_nobody_waits_for_is_dropped)
{
    s_put("a", "old", 0);
    s_put("a", "new", QUESTIONS_MAX_AGE_MS);
    s_next_is("new", QUESTIONS_MAX_AGE_MS + 1);
    ck_assert_uint_eq(questions_stale(questions), 1);
    ck_assert_uint_eq(questions_count(questions), 0);
}
END_TEST

Suite *suite_persister_questions(void);
Suite *suite_persister_questions(void)
{
    Suite *suite = suite_create("persister/questions");
    TCase *cases = tcase_create("questions");
    tcase_add_checked_fixture(cases, s_set_up, s_tear_down);
    tcase_add_test(cases, asker_is_answered_in_order);
    tcase_add_test(cases, who_asks_much_waits_for_itself);
    tcase_add_test(cases, too_many_of_one_asker_are_refused);
    tcase_add_test(cases, too_many_askers_are_refused);
    tcase_add_test(cases, question_that_nobody_waits_for_is_dropped);
    suite_add_tcase(suite, cases);
    return suite;
}
