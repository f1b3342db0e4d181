/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/agenda.h"

#include "common/backoff.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_agenda(void);

#define MANY 500

static agenda_t s_agenda;
static walk_node_t s_nodes[MANY];
static uint64_t s_due[MANY]; /* 0: is not there */

static void s_setup(void)
{
    s_agenda = (agenda_t){0};
    memset(s_due, 0, sizeof s_due);
}

static void s_teardown(void)
{
    agenda_fini(&s_agenda);
}

static void s_add(int i)
{
    s_due[i] = 1 + random_below(1000);
    agenda_add(&s_agenda, &s_nodes[i], s_due[i]);
}

static void s_expect_first(void)
{
    uint64_t least = 0;
    for (int i = 0; i < MANY; i++)
        if (s_due[i] && (!least || s_due[i] < least))
            least = s_due[i];
    const agenda_entry_t *first = agenda_first(&s_agenda);
    ck_assert_uint_eq(first ? first->due_ms : 0, least);
    if (first)
        ck_assert_uint_eq(s_due[first->node - s_nodes], least);
}

START_TEST(first_is_always_who_is_due_first)
{
    for (int n = 0; n < 20000; n++) {
        int i = (int)random_below(MANY);
        if (!s_due[i]) {
            s_add(i);
        } else if (n % 3) {
            s_due[i] = 1 + random_below(1000);
            agenda_move(&s_agenda, &s_nodes[i], s_due[i]);
        } else {
            s_due[i] = 0;
            agenda_remove(&s_agenda, &s_nodes[i]);
        }
        s_expect_first();
    }
}
END_TEST

START_TEST(all_can_be_due_at_once)
{
    for (int i = 0; i < MANY; i++)
        s_add(i);
    agenda_move_all(&s_agenda, 7);
    for (int i = 0; i < MANY; i++) {
        s_due[i] = 0;
        ck_assert_uint_eq(agenda_first(&s_agenda)->due_ms, 7);
        agenda_remove(&s_agenda, &s_nodes[i]);
    }
    ck_assert_ptr_null(agenda_first(&s_agenda));
}
END_TEST

Suite *suite_edge_agenda(void)
{
    Suite *suite = suite_create("edge/agenda");
    TCase *tcase = tcase_create("agenda");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, first_is_always_who_is_due_first);
    tcase_add_test(tcase, all_can_be_due_at_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
