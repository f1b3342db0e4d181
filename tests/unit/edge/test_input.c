/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http/input.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_input(void);

static int64_t s_integer(const char *text)
{
    int64_t value = -77;
    ck_assert_int_eq(input_integer(text, strlen(text), &value), 0);
    return value;
}

START_TEST(integers_of_any_size_are_read)
{
    int64_t value;
    ck_assert_int_eq(s_integer("0"), 0);
    ck_assert_int_eq(s_integer("999"), 999);
    ck_assert_int_eq(s_integer("-1"), -1);
    ck_assert_int_eq(s_integer("007"), 7);
    ck_assert_int_eq(s_integer("99999999999999999999999"), INT64_MAX);
    ck_assert_int_eq(s_integer("-99999999999999999999999"), INT64_MIN);
    ck_assert_int_eq(input_integer("12/34", 2, &value), 0);
    ck_assert_int_eq(value, 12);
}
END_TEST

START_TEST(other_text_is_no_integer)
{
    static const char *const texts[] = {"",   "-",   "--1",     "+1",  "1.0",
                                        " 1", "1 ",  "0x1",     "1e3", "a",
                                        "1a", "nan", "\xd9\xa1"};
    int64_t value;
    ck_assert_int_eq(input_integer(texts[_i], strlen(texts[_i]), &value), -1);
}
END_TEST

START_TEST(keys_are_unsigned_32_bit)
{
    uint32_t value;
    ck_assert_int_eq(input_u32("0", &value), 0);
    ck_assert_int_eq(input_u32("4294967295 ", &value), 0);
    ck_assert_uint_eq(value, UINT32_MAX);
    static const char *const bad[] = {"",
                                      "4294967296",
                                      "-1",
                                      "1.5",
                                      "abc",
                                      "1 2",
                                      "99999999999999999999999",
                                      "\"1\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(input_u32(bad[i], &value), -1);
}
END_TEST

static int s_color(const char *body, int64_t *color)
{
    return input_member(body, strlen(body), "color", color);
}

START_TEST(colors_of_any_size_are_read)
{
    int64_t color;
    ck_assert_int_eq(s_color("{\"color\":3}", &color), 0);
    ck_assert_int_eq(color, 3);
    ck_assert_int_eq(s_color(" {\"x\":[{}],\"color\":-1}\n", &color), 0);
    ck_assert_int_eq(color, -1);
    ck_assert_int_eq(s_color("{\"color\":99999999999999999999}", &color), 0);
    ck_assert_int_eq(color, INT64_MAX);
    ck_assert_int_eq(s_color("{\"color\":-99999999999999999999}", &color), 0);
    ck_assert_int_eq(color, INT64_MIN);
}
END_TEST

START_TEST(unknown_members_are_ignored_whatever_they_hold)
{
    static const char *const bodies[] = {
        "{\"color\":3,\"z\":99999999999999999999}",
        "{\"z\":[-99999999999999999999],\"color\":3}",
        "{\"color\":3,\"z\":\"\\u0000\"}",
    };
    int64_t color = 0;
    ck_assert_int_eq(s_color(bodies[_i], &color), 0);
    ck_assert_int_eq(color, 3);
}
END_TEST

START_TEST(bad_bodies_are_refused)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "3",
        "null",
        "{\"color\":\"3\"}",
        "{\"color\":3.0}",
        "{\"color\":true}",
        "{\"color\":null}",
        "{\"color\":[3]}",
        "{\"color\":3",
        "{\"color\":3}x",
        "{\"color\":3,\"color\":4}",
        "{\"Color\":3}",
        "color=3",
        "{\"color\":3,\"x\":\"\xff\"}",
        "{\"color\":03}",
        "{\"color\":99999999999999999999",
        "{\"color\":3.5,\"x\":99999999999999999999}",
    };
    int64_t color;
    ck_assert_int_eq(s_color(bodies[_i], &color), -1);
    ck_assert_int_eq(input_member("{\"color\":3}\0", 12, "color", &color), -1);
}
END_TEST

Suite *suite_edge_input(void)
{
    Suite *suite = suite_create("edge/input");
    TCase *tcase = tcase_create("input");
    tcase_add_test(tcase, integers_of_any_size_are_read);
    tcase_add_loop_test(tcase, other_text_is_no_integer, 0, 13);
    tcase_add_test(tcase, keys_are_unsigned_32_bit);
    tcase_add_test(tcase, colors_of_any_size_are_read);
    tcase_add_loop_test(tcase, unknown_members_are_ignored_whatever_they_hold,
                        0, 3);
    tcase_add_loop_test(tcase, bad_bodies_are_refused, 0, 19);
    suite_add_tcase(suite, tcase);
    return suite;
}
