/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/export.h"

#include <check.h>
#include <string.h>

static const record_t sample = {.seq = 7,
                                .placed_at_ms = UINT64_C(1649033631577),
                                .user = 0xab,
                                .x = 826,
                                .y = 1048,
                                .color = 2};

START_TEST(csv_row_names_all_columns)
{
    char row[EXPORT_ROW_MAX];
    canvas_t canvas;
    canvas_init(&canvas, 10, 10, 4);
    export_csv_row(row, &sample, &canvas);
    ck_assert_str_eq(row, "7,1649033631577,00000000000000ab,826,1048,2\n");
}
END_TEST

START_TEST(reddit_row_reads_as_in_2022)
{
    char row[EXPORT_ROW_MAX];
    canvas_t canvas;
    canvas_init(&canvas, 10, 10, 4);
    canvas.palette[2] = 0x00CCC0;
    export_reddit_row(row, &sample, &canvas);
    ck_assert_str_eq(row, "2022-04-04 00:53:51.577 UTC,00000000000000ab,"
                          "#00CCC0,\"826,1048\"\n");
}
END_TEST

START_TEST(control_row_says_who_did_what)
{
    char row[EXPORT_ROW_MAX];
    control_t ban = {.seq = 9,
                     .at_ms = 5,
                     .verb = CONTROL_BAN,
                     .rank = RANK_MODERATOR,
                     .by = 1,
                     .of = {.user = 0xab, .until_ms = 6, .has = HAS_USER},
                     .text = "a \"bot\"\n"};
    export_control_row(row, &ban);
    ck_assert_str_eq(row,
                     "9,5,0000000000000001,moderator,ban,"
                     "00000000000000ab,0,6,0,0,0,0,0,\"a \"\"bot\"\" \"\n");
    memset(&ban, 0xff, sizeof ban);
    memset(ban.text, '"', CONTROL_TEXT_MAX);
    ban.text[CONTROL_TEXT_MAX] = 0;
    ck_assert_uint_lt(export_control_row(row, &ban), EXPORT_ROW_MAX);
}
END_TEST

START_TEST(longest_rows_fit)
{
    char row[EXPORT_ROW_MAX];
    canvas_t canvas;
    canvas_init(&canvas, 10, 10, 8);
    record_t record = {.seq = UINT64_MAX,
                       .placed_at_ms = UINT64_C(253402300799999),
                       .user = UINT64_MAX,
                       .x = UINT16_MAX,
                       .y = UINT16_MAX,
                       .color = UINT8_MAX};
    ck_assert_uint_lt(export_csv_row(row, &record, &canvas), sizeof row);
    ck_assert_uint_lt(export_reddit_row(row, &record, &canvas), sizeof row);
}
END_TEST

Suite *suite_persister_export(void);
Suite *suite_persister_export(void)
{
    Suite *suite = suite_create("persister/export");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, csv_row_names_all_columns);
    tcase_add_test(facts, reddit_row_reads_as_in_2022);
    tcase_add_test(facts, control_row_says_who_did_what);
    tcase_add_test(facts, longest_rows_fit);
    suite_add_tcase(suite, facts);
    return suite;
}
