/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/census.h"

#include <check.h>

static census_t *census;
static record_t records[100];

static void setup(void)
{
    census = census_new();
    for (uint64_t i = 0; i < 100; i++)
        records[i] = (record_t){.seq = i + 1,
                                .placed_at_ms = 1000 + i,
                                .user = i % 7,
                                .x = (uint16_t)i,
                                .y = 3,
                                .color = 4};
    census_begin(census, 1);
    census_tell(census, records, 100);
}

static void teardown(void)
{
    census_destroy(&census);
}

static void s_assert_counts(census_counts_t wanted)
{
    census_end(census);
    census_counts_t is = census_counts(census);
    ck_assert_uint_eq(is.rows, wanted.rows);
    ck_assert_uint_eq(is.missing, wanted.missing);
    ck_assert_uint_eq(is.extra, wanted.extra);
    ck_assert_uint_eq(is.doubled, wanted.doubled);
    ck_assert_uint_eq(is.wrong, wanted.wrong);
}

START_TEST(same_rows_in_any_order_are_clean)
{
    for (size_t i = 100; i-- > 0;)
        census_see(census, &records[i], 1, 100);
    s_assert_counts((census_counts_t){.rows = 100});
}
END_TEST

START_TEST(missing_row_is_counted)
{
    census_see(census, records, 40, 100);
    census_see(census, records + 42, 58, 100);
    s_assert_counts((census_counts_t){.rows = 98, .missing = 2});
}
END_TEST

START_TEST(doubled_row_is_counted)
{
    census_see(census, records, 100, 100);
    census_see(census, records + 7, 3, 100);
    s_assert_counts((census_counts_t){.rows = 103, .doubled = 3});
}
END_TEST

START_TEST(row_that_differs_in_any_field_is_counted)
{
    records[0].placed_at_ms++;
    records[1].user++;
    records[2].x++;
    records[3].y++;
    records[4].color++;
    records[5].request++; /* no field of a row */
    census_see(census, records, 100, 100);
    s_assert_counts((census_counts_t){.rows = 100, .wrong = 5});
}
END_TEST

START_TEST(row_the_journal_does_not_tell_is_counted)
{
    record_t extra = {.seq = 101};
    census_see(census, records, 100, 105);
    census_see(census, &extra, 1, 105);
    s_assert_counts((census_counts_t){.rows = 101, .extra = 1});
}
END_TEST

START_TEST(row_behind_the_journals_end_is_left_out)
{
    record_t later = {.seq = 101};
    census_see(census, records, 100, 100);
    census_see(census, &later, 1, 100);
    s_assert_counts((census_counts_t){.rows = 100});
}
END_TEST

START_TEST(next_window_begins_empty)
{
    census_see(census, records, 100, 100);
    census_end(census);
    census_begin(census, CENSUS_WINDOW + 1);
    census_tell(census, records, 100);
    census_see(census, records, 100, 100);
    s_assert_counts((census_counts_t){.rows = 100});
}
END_TEST

Suite *suite_persister_census(void);
Suite *suite_persister_census(void)
{
    Suite *suite = suite_create("persister/census");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, setup, teardown);
    tcase_add_test(facts, same_rows_in_any_order_are_clean);
    tcase_add_test(facts, missing_row_is_counted);
    tcase_add_test(facts, doubled_row_is_counted);
    tcase_add_test(facts, row_that_differs_in_any_field_is_counted);
    tcase_add_test(facts, row_the_journal_does_not_tell_is_counted);
    tcase_add_test(facts, row_behind_the_journals_end_is_left_out);
    tcase_add_test(facts, next_window_begins_empty);
    suite_add_tcase(suite, facts);
    return suite;
}
