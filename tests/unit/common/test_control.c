/* SPDX-License-Identifier: Apache-2.0
 *
 * What an action is as records: the limits of control.h, and what a selection
 * has. Whole actions and the state they make: test_policy.c.
 */
#include "common/control.h"

#include <check.h>
#include <string.h>

Suite *suite_common_control(void);

START_TEST(each_verb_has_its_word_and_back)
{
    static const char *const words[] = {
        "ban",    "unban",  "protect",  "unprotect", "lock",
        "unlock", "notice", "rollback", "restore",   "refused"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        ck_assert_str_eq(control_word((control_verb_t)(i + 1)), words[i]);
        ck_assert_int_eq(control_of_word(words[i]), i + 1);
    }
    ck_assert_int_eq(control_of_word("none"), CONTROL_NONE);
    ck_assert_int_eq(control_of_word(""), CONTROL_NONE);
    ck_assert_int_eq(control_of_word("bans"), CONTROL_NONE);
    ck_assert_str_eq(control_word(CONTROL_NONE), "none");
    ck_assert_str_eq(control_word(CONTROL_VERBS), "unknown");
    ck_assert_str_eq(control_word((control_verb_t)200), "unknown");
}
END_TEST

static bool s_has(selection_t of, record_t record)
{
    return selection_has(&of, &record);
}

START_TEST(a_selection_has_its_edges)
{
    selection_t box = {.x0 = 10,
                       .y0 = 20,
                       .x1 = 30,
                       .y1 = 40,
                       .upto = UINT64_MAX,
                       .has = HAS_BOX};
    ck_assert(s_has(box, (record_t){.x = 10, .y = 20}));
    ck_assert(s_has(box, (record_t){.x = 30, .y = 40}));
    ck_assert(!s_has(box, (record_t){.x = 9, .y = 30}));
    ck_assert(!s_has(box, (record_t){.x = 31, .y = 30}));
    ck_assert(!s_has(box, (record_t){.x = 20, .y = 19}));
    ck_assert(!s_has(box, (record_t){.x = 20, .y = 41}));

    selection_t time = {
        .from_ms = 100, .until_ms = 200, .upto = UINT64_MAX, .has = HAS_TIME};
    ck_assert(s_has(time, (record_t){.placed_at_ms = 100}));
    ck_assert(s_has(time, (record_t){.placed_at_ms = 200}));
    ck_assert(!s_has(time, (record_t){.placed_at_ms = 99}));
    ck_assert(!s_has(time, (record_t){.placed_at_ms = 201}));

    selection_t user = {.user = 7, .upto = 50, .has = HAS_USER};
    ck_assert(s_has(user, (record_t){.user = 7, .seq = 50}));
    ck_assert(!s_has(user, (record_t){.user = 8, .seq = 50}));
    ck_assert(!s_has(user, (record_t){.user = 7, .seq = 51}));
}
END_TEST

START_TEST(a_selection_asks_only_for_what_it_has)
{
    selection_t any = {
        .user = 7, .from_ms = 1, .until_ms = 2, .x0 = 1, .x1 = 2, .upto = 9};
    record_t other = {
        .user = 8, .placed_at_ms = 99, .x = 50, .y = 50, .seq = 9};
    ck_assert(selection_has(&any, &other));
    any.has = HAS_USER | HAS_BOX | HAS_TIME;
    ck_assert(!selection_has(&any, &other));
    any = (selection_t){.user = 8,
                        .x1 = 50,
                        .y1 = 50,
                        .from_ms = 99,
                        .until_ms = 99,
                        .upto = 9,
                        .has = HAS_USER | HAS_BOX | HAS_TIME};
    ck_assert(selection_has(&any, &other));
}
END_TEST

/* 55 bytes and the text, 14 to a record. */
START_TEST(an_action_takes_as_many_records_as_its_bytes)
{
    static const struct {
        size_t text, records;
    } cases[] = {{0, 4}, {1, 4}, {2, 5}, {15, 5}, {16, 6}, {500, 40}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        control_t notice = {.verb = CONTROL_NOTICE, .at_ms = 5};
        record_t records[CONTROL_RECORDS_MAX];
        memset(notice.text, 'n', cases[i].text);
        size_t count = control_records(&notice, 10, records);
        ck_assert_uint_eq(count, cases[i].records);
        for (size_t j = 0; j < count; j++) {
            ck_assert_uint_eq(records[j].seq, 10 + j);
            ck_assert_uint_eq(records[j].placed_at_ms, 5);
            ck_assert_uint_eq(records[j].x, 65535);
            ck_assert_uint_eq(records[j].y, 65535);
            ck_assert(record_is_control(&records[j]));
            ck_assert_uint_eq(records[j].flags >> 8, count - 1 - j);
            ck_assert_int_eq(!!(records[j].flags & RECORD_CONTROL_FIRST), !j);
        }
    }
}
END_TEST

/* Stores hold these bytes for ever. */
START_TEST(the_bytes_are_those_of_the_header)
{
    control_t ban = {.verb = CONTROL_BAN,
                     .rank = RANK_OPERATOR,
                     .by = 0x1817161514131211,
                     .request = 0x14131211,
                     .of = {.has = HAS_USER, .user = 0x2827262524232221},
                     .text = "x"};
    record_t records[CONTROL_RECORDS_MAX];
    control_records(&ban, 1, records);
    /* verb, rank, has, request u32, and the operator's lowest byte */
    ck_assert_uint_eq(records[0].user, UINT64_C(0x1114131211010201));
    /* … four more of the operator's, then two, and one of the user's */
    ck_assert_uint_eq(records[0].request, 0x15141312);
    ck_assert_uint_eq(records[0].color, 0x16);
    ck_assert_uint_eq(records[0].previous_color, 0x17);
    ck_assert_uint_eq(records[1].user, UINT64_C(0x2726252423222118));
    ck_assert_uint_eq(records[3].previous_color, 'x');
}
END_TEST

static bool s_read_all(const record_t *records, size_t count,
                       control_t *control)
{
    control_reader_t reader = {0};
    bool whole = false;
    for (size_t i = 0; i < count; i++)
        whole = control_read(&reader, &records[i], control);
    return whole;
}

START_TEST(the_longest_run_fills_the_reader_and_a_longer_one_is_passed_over)
{
    control_t in = {.verb = CONTROL_NOTICE}, out;
    record_t records[CONTROL_RECORDS_MAX + 1];
    memset(in.text, 't', CONTROL_TEXT_MAX);
    size_t count = control_records(&in, 1, records);
    ck_assert_uint_eq(count, CONTROL_RECORDS_MAX);
    ck_assert(s_read_all(records, count, &out));
    ck_assert_str_eq(out.text, in.text);

    for (size_t i = count; i > 0; i--) {
        records[i] = records[i - 1];
        records[i].seq = i + 1;
        records[i].flags = RECORD_CONTROL | (uint16_t)((count - i) << 8);
    }
    records[0].flags =
        RECORD_CONTROL | RECORD_CONTROL_FIRST | (uint16_t)(count << 8);
    ck_assert(!s_read_all(records, count + 1, &out));
}
END_TEST

START_TEST(a_run_that_is_too_short_to_be_an_action_is_passed_over)
{
    control_t in = {.verb = CONTROL_LOCK}, out;
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&in, 1, records);
    for (size_t i = 0; i + 1 < count; i++)
        records[i].flags =
            (uint16_t)((records[i].flags & 0xff) | (count - 2 - i) << 8);
    ck_assert(!s_read_all(records, count - 1, &out));
}
END_TEST

START_TEST(a_new_run_ends_the_one_that_was_being_read)
{
    control_t first = {.verb = CONTROL_LOCK}, second = {.verb = CONTROL_BAN};
    control_t out;
    record_t records[2 * CONTROL_RECORDS_MAX];
    control_records(&first, 1, records);
    size_t count = control_records(&second, 3, records + 2);
    ck_assert(s_read_all(records, 2 + count, &out));
    ck_assert_int_eq(out.verb, CONTROL_BAN);
    ck_assert_uint_eq(out.seq, 2 + count);
}
END_TEST

START_TEST(records_of_another_place_do_not_continue_a_run)
{
    control_t in = {.verb = CONTROL_LOCK}, out;
    record_t records[CONTROL_RECORDS_MAX];
    size_t count = control_records(&in, 1, records);
    records[2].seq++;
    ck_assert(!s_read_all(records, count, &out));
}
END_TEST

Suite *suite_common_control(void)
{
    Suite *suite = suite_create("common/control");
    TCase *all = tcase_create("all");
    tcase_add_test(all, each_verb_has_its_word_and_back);
    tcase_add_test(all, a_selection_has_its_edges);
    tcase_add_test(all, a_selection_asks_only_for_what_it_has);
    tcase_add_test(all, an_action_takes_as_many_records_as_its_bytes);
    tcase_add_test(all, the_bytes_are_those_of_the_header);
    tcase_add_test(
        all, the_longest_run_fills_the_reader_and_a_longer_one_is_passed_over);
    tcase_add_test(all, a_run_that_is_too_short_to_be_an_action_is_passed_over);
    tcase_add_test(all, a_new_run_ends_the_one_that_was_being_read);
    tcase_add_test(all, records_of_another_place_do_not_continue_a_run);
    suite_add_tcase(suite, all);
    return suite;
}
