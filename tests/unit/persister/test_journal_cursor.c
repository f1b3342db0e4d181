/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/journal_cursor.h"

#include "common/mem.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_persister_journal_cursor(void);

static blob_codec_t *codec;
static journal_cursor_t cursor;
static uint64_t seen_first, seen_last, seen_count;

static void s_setup(void)
{
    codec = blob_codec_new();
    seen_first = seen_last = seen_count = 0;
}

static void s_teardown(void)
{
    journal_cursor_fini(&cursor);
    blob_codec_destroy(&codec);
}

static bool s_visit(void *context, const record_t *records, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        ck_assert(seen_count == 0 || records[i].seq == seen_last + 1);
        seen_first = seen_count ? seen_first : records[i].seq;
        seen_last = records[i].seq;
        seen_count++;
    }
    return true;
}

static void s_begin(uint64_t from, uint64_t to)
{
    journal_cursor_init(&cursor, codec, from, to, s_visit, NULL);
}

static bool s_take(uint64_t first, uint64_t last)
{
    size_t count = (size_t)(last - first + 1);
    record_t *records = mem_zalloc(count, sizeof *records);
    uint8_t *blob = mem_alloc(blob_bound(count));
    for (size_t i = 0; i < count; i++)
        records[i].seq = first + i;
    size_t size = blob_encode(codec, blob, CHAIN_UNKNOWN, records, count);
    bool more = journal_cursor_take(&cursor, blob, size);
    free(records);
    free(blob);
    return more;
}

START_TEST(range_is_cut_at_both_ends)
{
    s_begin(5, 25);
    ck_assert(s_take(1, 10));
    ck_assert(s_take(11, 20));
    ck_assert(!s_take(21, 30));
    ck_assert_int_eq(journal_cursor_result(&cursor, 30), STORE_OK);
    ck_assert_uint_eq(seen_first, 5);
    ck_assert_uint_eq(seen_last, 25);
}
END_TEST

START_TEST(overlapping_blobs_give_each_record_once)
{
    s_begin(1, UINT64_MAX);
    s_take(1, 100);
    s_take(1, 150);
    s_take(101, 120);
    s_take(140, 300);
    ck_assert_int_eq(journal_cursor_result(&cursor, 300), STORE_OK);
    ck_assert_uint_eq(seen_count, 300);
}
END_TEST

START_TEST(hole_ends_the_scan_behind_what_stands_before)
{
    s_begin(1, 30);
    ck_assert(s_take(1, 10));
    ck_assert(!s_take(12, 30));
    ck_assert_int_eq(journal_cursor_result(&cursor, 30), STORE_FAILED);
    ck_assert_uint_eq(seen_last, 10);
    ck_assert_str_eq(cursor.why, "the journal has a hole at seq 11");
}
END_TEST

START_TEST(journal_that_ends_before_the_checkpoint_has_a_hole)
{
    s_begin(1, UINT64_MAX);
    s_take(1, 10);
    ck_assert_int_eq(journal_cursor_result(&cursor, 12), STORE_FAILED);
}
END_TEST

START_TEST(journal_may_end_before_the_range)
{
    s_begin(1, 1000);
    s_take(1, 10);
    ck_assert_int_eq(journal_cursor_result(&cursor, 10), STORE_OK);
}
END_TEST

START_TEST(absent_start_is_none)
{
    s_begin(5, 9);
    ck_assert_int_eq(journal_cursor_result(&cursor, 4), STORE_NONE);
    journal_cursor_fini(&cursor);
    s_begin(5, 9);
    ck_assert(!s_take(7, 20));
    ck_assert_int_eq(journal_cursor_result(&cursor, 20), STORE_NONE);
}
END_TEST

START_TEST(damaged_blob_is_a_failure)
{
    s_begin(1, 9);
    ck_assert(!journal_cursor_take(&cursor, "", 0));
    ck_assert_int_eq(journal_cursor_result(&cursor, 9), STORE_FAILED);
}
END_TEST

START_TEST(reading_begins_where_the_longest_blob_may)
{
    uint64_t edge = 1u << JOURNAL_CHUNK_SHIFT;
    s_begin(edge + 5, edge + 6);
    ck_assert_uint_eq(journal_cursor_chunk(&cursor), 0);
    s_take(edge - 10, edge - 1);
    ck_assert(journal_cursor_more(&cursor, 0));
    s_take(edge, edge + 10);
    ck_assert(!journal_cursor_more(&cursor, 1));
    ck_assert_int_eq(journal_cursor_result(&cursor, edge), STORE_OK);
    ck_assert_uint_eq(seen_count, 2);
}
END_TEST

Suite *suite_persister_journal_cursor(void)
{
    Suite *suite = suite_create("persister/journal_cursor");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_setup, s_teardown);
    tcase_add_test(facts, range_is_cut_at_both_ends);
    tcase_add_test(facts, overlapping_blobs_give_each_record_once);
    tcase_add_test(facts, hole_ends_the_scan_behind_what_stands_before);
    tcase_add_test(facts, journal_that_ends_before_the_checkpoint_has_a_hole);
    tcase_add_test(facts, journal_may_end_before_the_range);
    tcase_add_test(facts, absent_start_is_none);
    tcase_add_test(facts, damaged_blob_is_a_failure);
    tcase_add_test(facts, reading_begins_where_the_longest_blob_may);
    suite_add_tcase(suite, facts);
    return suite;
}
