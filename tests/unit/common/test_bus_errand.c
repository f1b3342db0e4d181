/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_errand.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_common_bus_errand(void);

static const bus_errand_t whole = {.ticket = 0xfedcba9876543210u,
                                   .token = "a.b.c",
                                   .token_size = 5,
                                   .json = "{}",
                                   .json_size = 2};

START_TEST(an_errand_round_trips_and_what_is_cut_is_refused)
{
    bus_type_t type = _i ? BUS_ERRAND_DONE : BUS_ERRAND;
    uint8_t bytes[32];
    bus_errand_t out;
    size_t size = bus_put_errand(bytes, type, &whole);
    ck_assert_uint_le(size, bus_errand_bound(&whole));
    ck_assert_int_eq(bus_decode_errand(&out, type, bytes, size), 0);
    ck_assert_uint_eq(out.ticket, whole.ticket);
    ck_assert_uint_eq(out.token_size, _i ? 0 : 5);
    ck_assert(_i || !memcmp(out.token, "a.b.c", 5));
    ck_assert_uint_eq(out.json_size, 2);
    ck_assert_mem_eq(out.json, "{}", 2);
    /* A byte of the JSON may be missing: what is left is no JSON. */
    for (size_t cut = 0; cut < size - 1; cut++)
        ck_assert_int_eq(bus_decode_errand(&out, type, bytes, cut), -1);
    ck_assert_int_eq(
        bus_decode_errand(&out, _i ? BUS_ERRAND : BUS_ERRAND_DONE, bytes, size),
        -1);
}
END_TEST

START_TEST(an_errand_without_a_token_or_too_long_is_refused)
{
    static uint8_t bytes[16 + TOKEN_MAX_BYTES + BUS_ERRAND_MAX];
    bus_errand_t out, in = whole;
    in.token_size = 0;
    size_t size = bus_put_errand(bytes, BUS_ERRAND, &in);
    ck_assert_int_eq(bus_decode_errand(&out, BUS_ERRAND, bytes, size), -1);
    static char text[BUS_ERRAND_MAX + 1];
    in = (bus_errand_t){.ticket = 1,
                        .token = text,
                        .token_size = TOKEN_MAX_BYTES,
                        .json = text,
                        .json_size = BUS_ERRAND_MAX};
    size = bus_put_errand(bytes, BUS_ERRAND, &in);
    ck_assert_int_eq(bus_decode_errand(&out, BUS_ERRAND, bytes, size), 0);
    ck_assert_int_eq(bus_decode_errand(&out, BUS_ERRAND, bytes, size + 1), -1);
    bytes[9]++; /* the token's length */
    ck_assert_int_eq(bus_decode_errand(&out, BUS_ERRAND, bytes, size), -1);
}
END_TEST

Suite *suite_common_bus_errand(void)
{
    Suite *suite = suite_create("common/bus_errand");
    TCase *tcase = tcase_create("errand");
    tcase_add_loop_test(tcase, an_errand_round_trips_and_what_is_cut_is_refused,
                        0, 2);
    tcase_add_test(tcase, an_errand_without_a_token_or_too_long_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
