/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rank.h"

#include <check.h>

Suite *suite_common_rank(void);

static const rank_t order[] = {RANK_VIEWER, RANK_PLAYER, RANK_MODERATOR,
                               RANK_OPERATOR, RANK_OWNER};

START_TEST(roles_are_in_order)
{
    for (int a = 0; a < RANKS; a++)
        for (int b = 0; b < RANKS; b++)
            ck_assert_int_eq(rank_reaches(order[a], order[b]), a >= b);
}
END_TEST

START_TEST(words_are_read_and_written_alike)
{
    for (int i = 0; i < RANKS; i++) {
        rank_t rank = RANKS;
        ck_assert(rank_parse(rank_word(order[i]), &rank));
        ck_assert_int_eq(rank, order[i]);
    }
    rank_t kept = RANK_OWNER;
    ck_assert(!rank_parse("Owner", &kept) && !rank_parse("", &kept));
    ck_assert_int_eq(kept, RANK_OWNER);
}
END_TEST

/* A number from elsewhere is nobody of importance. */
START_TEST(an_unknown_number_is_a_player)
{
    ck_assert_str_eq(rank_word((rank_t)99), "player");
    ck_assert(!rank_reaches((rank_t)99, RANK_MODERATOR));
}
END_TEST

START_TEST(what_is_not_in_the_table_is_the_owners)
{
    ck_assert_int_eq(rank_needed("ban"), RANK_MODERATOR);
    ck_assert_int_eq(rank_needed("set"), RANK_OPERATOR);
    ck_assert_int_eq(rank_needed("rollback"), RANK_MODERATOR);
    ck_assert_int_eq(rank_needed("lock"), RANK_OPERATOR);
    ck_assert_int_eq(rank_needed("Ban"), RANK_OWNER);
    ck_assert_int_eq(rank_needed(""), RANK_OWNER);
}
END_TEST

Suite *suite_common_rank(void)
{
    Suite *suite = suite_create("common/rank");
    TCase *tcase = tcase_create("rank");
    tcase_add_test(tcase, roles_are_in_order);
    tcase_add_test(tcase, words_are_read_and_written_alike);
    tcase_add_test(tcase, an_unknown_number_is_a_player);
    tcase_add_test(tcase, what_is_not_in_the_table_is_the_owners);
    suite_add_tcase(suite, tcase);
    return suite;
}
