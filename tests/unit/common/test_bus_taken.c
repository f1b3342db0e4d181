/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_taken.h"

#include <check.h>
#include <string.h>

Suite *suite_common_bus_taken(void);

static const bus_taken_t rows[] = {
    {0xfedcba9876543210u, 1}, {0, UINT32_MAX}, {1, 7}};

START_TEST(rows_round_trip_and_what_is_cut_is_refused)
{
    uint8_t bytes[BUS_TAKEN_BOUND];
    bus_taken_t out[BUS_TAKEN_MAX];
    size_t size = bus_put_taken(bytes, rows, 3);
    ck_assert_uint_eq(size, 1 + 3 * BUS_TAKEN_ROW_BYTES);
    ck_assert_int_eq(bus_decode_taken(out, bytes, size), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(out[i].key, rows[i].key);
        ck_assert_uint_eq(out[i].count, rows[i].count);
    }
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(bus_decode_taken(out, bytes, cut),
                         cut % BUS_TAKEN_ROW_BYTES == 1
                             ? (int)(cut / BUS_TAKEN_ROW_BYTES)
                             : -1);
    ck_assert_int_eq(bus_decode_taken(out, bytes, size + 1), -1);
    bytes[0] = BUS_REPORT;
    ck_assert_int_eq(bus_decode_taken(out, bytes, size), -1);
    ck_assert_int_eq(bus_decode_taken_rows(out, bytes + 1, size - 1), 3);
}
END_TEST

START_TEST(an_empty_row_and_a_row_too_many_are_refused)
{
    static uint8_t bytes[BUS_TAKEN_BOUND + BUS_TAKEN_ROW_BYTES];
    static bus_taken_t many[BUS_TAKEN_MAX], out[BUS_TAKEN_MAX];
    size_t size = BUS_TAKEN_MAX * BUS_TAKEN_ROW_BYTES;
    for (size_t i = 0; i < BUS_TAKEN_MAX; i++)
        many[i] = (bus_taken_t){i, 1};
    ck_assert_uint_eq(bus_put_taken_rows(bytes, many, BUS_TAKEN_MAX), size);
    ck_assert_int_eq(bus_decode_taken_rows(out, bytes, size), BUS_TAKEN_MAX);
    memset(bytes + size, 1, BUS_TAKEN_ROW_BYTES);
    ck_assert_int_eq(
        bus_decode_taken_rows(out, bytes, size + BUS_TAKEN_ROW_BYTES), -1);
    many[5].count = 0;
    bus_put_taken_rows(bytes, many, BUS_TAKEN_MAX);
    ck_assert_int_eq(bus_decode_taken_rows(out, bytes, size), -1);
}
END_TEST

Suite *suite_common_bus_taken(void)
{
    Suite *suite = suite_create("common/bus_taken");
    TCase *all = tcase_create("all");
    tcase_add_test(all, rows_round_trip_and_what_is_cut_is_refused);
    tcase_add_test(all, an_empty_row_and_a_row_too_many_are_refused);
    suite_add_tcase(suite, all);
    return suite;
}
