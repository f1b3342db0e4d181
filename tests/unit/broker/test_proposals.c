/* SPDX-License-Identifier: Apache-2.0
 *
 * Rollbacks that wait for a second person: by number, for a while, and what
 * they become.
 */
#include "broker/proposals.h"

#include <check.h>
#include <string.h>

Suite *suite_broker_proposals(void);

static proposals_t table;

static void s_set_up(void)
{
    table = (proposals_t){0};
}

static control_t s_rollback(uint64_t by, uint32_t request)
{
    return (control_t){.verb = CONTROL_ROLLBACK,
                       .rank = RANK_MODERATOR,
                       .by = by,
                       .request = request,
                       .of = {.has = HAS_USER, .user = 3, .upto = 40}};
}

static proposal_t *s_put(uint64_t by, uint32_t request, uint64_t now_ms)
{
    control_t control = s_rollback(by, request);
    return proposals_put(&table, &control, now_ms);
}

START_TEST(it_waits_under_its_number_until_it_runs_out)
{
    uint32_t number = s_put(7, 1, 1000)->number;
    ck_assert_uint_ne(number, 0);
    ck_assert_uint_eq(
        proposals_find(&table, number, 1000 + PROPOSAL_MS - 1)->control.by, 7);
    ck_assert_ptr_null(proposals_find(&table, number, 1000 + PROPOSAL_MS));
    ck_assert_ptr_null(proposals_find(&table, number + 1, 1000));
    ck_assert_ptr_null(proposals_find(&table, 0, 0)); /* a free place */
    proposals_clear(&table);
    ck_assert_ptr_null(proposals_find(&table, number, 1000));
}
END_TEST

START_TEST(the_same_number_of_the_same_person_is_the_same)
{
    uint32_t first = s_put(7, 1, 1000)->number;
    ck_assert_uint_eq(s_put(7, 1, 2000)->number, first);
    ck_assert_uint_ne(s_put(7, 2, 2000)->number, first);
    ck_assert_uint_ne(s_put(8, 1, 2000)->number, first);
    uint32_t unnumbered = s_put(9, 0, 2000)->number;
    ck_assert_uint_ne(s_put(9, 0, 2000)->number, unnumbered);
    /* It lasts from when it was first asked for. */
    ck_assert_ptr_null(proposals_find(&table, first, 1000 + PROPOSAL_MS));
}
END_TEST

START_TEST(so_many_wait_and_no_more_until_one_runs_out)
{
    for (uint32_t i = 0; i < PROPOSALS_MAX; i++)
        ck_assert_ptr_nonnull(s_put(7, i + 1, 1000 + i));
    ck_assert_ptr_null(s_put(7, 100, 1000 + PROPOSAL_MS - 1));
    ck_assert_ptr_nonnull(s_put(7, 1, 1000 + PROPOSAL_MS - 1));
    ck_assert_ptr_nonnull(s_put(7, 100, 1000 + PROPOSAL_MS));
    ck_assert_ptr_null(s_put(7, 101, 1000 + PROPOSAL_MS));
}
END_TEST

START_TEST(who_approved_it_finds_it_by_the_first_ones_number)
{
    s_put(7, 5, 1000)->second = 8;
    ck_assert_uint_eq(proposals_of_second(&table, 8, 5, 1000)->control.by, 7);
    ck_assert_ptr_null(proposals_of_second(&table, 8, 6, 1000));
    ck_assert_ptr_null(proposals_of_second(&table, 7, 5, 1000));
    ck_assert_ptr_null(proposals_of_second(&table, 8, 5, 1000 + PROPOSAL_MS));
}
END_TEST

START_TEST(approved_it_is_the_first_persons_and_names_the_second)
{
    proposal_t *proposal = s_put(7, 5, 1000);
    control_t control = proposal_approved(proposal, 0xab);
    ck_assert_uint_eq(control.by, 7);
    ck_assert_uint_eq(control.request, 5);
    ck_assert_uint_eq(control.of.upto, 40);
    ck_assert_str_eq(control.text, "approved by 00000000000000ab");
    strcpy(proposal->control.text, "a bot");
    control = proposal_approved(proposal, 0xab);
    ck_assert_str_eq(control.text, "a bot (approved by 00000000000000ab)");
}
END_TEST

/* The reason gives way, at a whole character. */
START_TEST(a_long_reason_leaves_room_for_the_second)
{
    const char *note = " (approved by 00000000000000ab)";
    proposal_t *proposal = s_put(7, 5, 1000);
    for (size_t ascii = 0; ascii < 2; ascii++) {
        char *text = proposal->control.text;
        memset(text, 'a', ascii);
        for (size_t i = ascii; i + 2 <= CONTROL_TEXT_MAX; i += 2)
            memcpy(text + i, "\xc3\xa4\0", 3); /* an a with two dots */
        control_t control = proposal_approved(proposal, 0xab);
        size_t length = strlen(control.text), kept = length - strlen(note);
        ck_assert_str_eq(control.text + kept, note);
        ck_assert_uint_le(length, CONTROL_TEXT_MAX);
        ck_assert_uint_ge(length, CONTROL_TEXT_MAX - 1);
        ck_assert_uint_eq((kept - ascii) % 2, 0);
    }
}
END_TEST

Suite *suite_broker_proposals(void)
{
    Suite *suite = suite_create("broker/proposals");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, NULL);
    tcase_add_test(all, it_waits_under_its_number_until_it_runs_out);
    tcase_add_test(all, the_same_number_of_the_same_person_is_the_same);
    tcase_add_test(all, so_many_wait_and_no_more_until_one_runs_out);
    tcase_add_test(all, who_approved_it_finds_it_by_the_first_ones_number);
    tcase_add_test(all, approved_it_is_the_first_persons_and_names_the_second);
    tcase_add_test(all, a_long_reason_leaves_room_for_the_second);
    suite_add_tcase(suite, all);
    return suite;
}
