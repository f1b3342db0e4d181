/* SPDX-License-Identifier: Apache-2.0
 *
 * A record's 40 bytes stand in Redis, on the journal and in stores for ever.
 */
#include "common/record.h"

#include <check.h>
#include <string.h>

Suite *suite_common_record(void);

static const record_t whole = {.seq = 0x0807060504030201,
                               .placed_at_ms = 0x1817161514131211,
                               .user = 0x2827262524232221,
                               .request = 0x34333231,
                               .x = 0x4241,
                               .y = 0x4443,
                               .color = 0x51,
                               .previous_color = 0x52,
                               .flags = 0x5453};

START_TEST(its_bytes_are_little_endian_in_the_headers_order)
{
    static const uint8_t bytes[RECORD_BYTES] = {
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x11, 0x12,
        0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24,
        0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34, 0x41, 0x42,
        0x43, 0x44, 0x51, 0x52, 0x53, 0x54, 0,    0,    0,    0};
    uint8_t packed[RECORD_BYTES];
    record_encode(packed, &whole);
    ck_assert_mem_eq(packed, bytes, RECORD_BYTES);
    record_t back = record_decode(bytes);
    ck_assert_uint_eq(back.seq, whole.seq);
    ck_assert_uint_eq(back.placed_at_ms, whole.placed_at_ms);
    ck_assert_uint_eq(back.user, whole.user);
    ck_assert_uint_eq(back.request, whole.request);
    ck_assert_uint_eq(back.x, whole.x);
    ck_assert_uint_eq(back.y, whole.y);
    ck_assert_uint_eq(back.color, whole.color);
    ck_assert_uint_eq(back.previous_color, whole.previous_color);
    ck_assert_uint_eq(back.flags, whole.flags);
}
END_TEST

START_TEST(packed_records_run_on_from_where_they_should)
{
    uint8_t bytes[3 * RECORD_BYTES];
    record_t read[3];
    for (uint64_t i = 0; i < 3; i++)
        record_encode(bytes + i * RECORD_BYTES, &(record_t){.seq = 7 + i});
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 7, read, 3), 3);
    ck_assert_uint_eq(read[2].seq, 9);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 0, read, 3), 3);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 6, read, 3), -1);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 8, read, 3), -1);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 7, read, 2), -1);
    ck_assert_int_eq(records_decode(bytes, sizeof bytes - 1, 7, read, 3), -1);
    ck_assert_int_eq(records_decode(bytes, 0, 7, read, 3), 0);
    record_encode(bytes + 2 * RECORD_BYTES, &(record_t){.seq = 10});
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 7, read, 3), -1);
    record_encode(bytes + 2 * RECORD_BYTES, &(record_t){.seq = 8});
    ck_assert_int_eq(records_decode(bytes, sizeof bytes, 7, read, 3), -1);
}
END_TEST

START_TEST(the_chain_is_that_of_the_packed_bytes)
{
    record_t records[2] = {whole, whole};
    uint8_t bytes[2 * RECORD_BYTES];
    records[1].seq++;
    for (int i = 0; i < 2; i++)
        record_encode(bytes + i * RECORD_BYTES, &records[i]);
    chain_t origin = chain_legacy_origin();
    ck_assert(chain_equal(records_chain(origin, records, 2),
                          chain_extend(origin, bytes, 2)));
    ck_assert(chain_equal(records_chain(origin, records, 0), origin));
    ck_assert(!chain_known(records_chain(CHAIN_UNKNOWN, records, 2)));
}
END_TEST

START_TEST(flags_tell_whose_placement_it_is)
{
    record_t record = {.flags = 0};
    ck_assert(record_is_players(&record) && !record_is_control(&record));
    record.flags = RECORD_UNDO | RECORD_KEYLESS;
    ck_assert(record_is_players(&record));
    record.flags = RECORD_ROLLBACK;
    ck_assert(!record_is_players(&record) && !record_is_control(&record));
    record.flags = RECORD_CONTROL;
    ck_assert(!record_is_players(&record) && record_is_control(&record));
}
END_TEST

Suite *suite_common_record(void)
{
    Suite *suite = suite_create("common/record");
    TCase *all = tcase_create("all");
    tcase_add_test(all, its_bytes_are_little_endian_in_the_headers_order);
    tcase_add_test(all, packed_records_run_on_from_where_they_should);
    tcase_add_test(all, the_chain_is_that_of_the_packed_bytes);
    tcase_add_test(all, flags_tell_whose_placement_it_is);
    suite_add_tcase(suite, all);
    return suite;
}
