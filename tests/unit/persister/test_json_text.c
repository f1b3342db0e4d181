/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/json_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_persister_json_text(void);

static void s_expect(json_text_t *json, const char *text)
{
    ck_assert_uint_eq(json->size, strlen(text));
    ck_assert_mem_eq(json->bytes, text, json->size);
    json_text_fini(json);
}

START_TEST(numbers_are_decimal)
{
    json_text_t json = {0};
    json_put_number(&json, 0);
    json_put(&json, ",");
    json_put_number(&json, UINT64_MAX);
    s_expect(&json, "0,18446744073709551615");
}
END_TEST

START_TEST(strings_are_escaped)
{
    json_text_t json = {0};
    json_put_string(&json, "a\"b\\c\n\x01é");
    s_expect(&json, "\"a\\\"b\\\\c\\u000a\\u0001é\"");
}
END_TEST

START_TEST(hex_has_sixteen_digits)
{
    json_text_t json = {0};
    json_put_hex64(&json, 0x0123456789abcdefu);
    json_put_hex64(&json, 1);
    s_expect(&json, "0123456789abcdef0000000000000001");
}
END_TEST

START_TEST(base64_is_that_of_rfc_4648)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size;
        json_text_t json = {0};
        json_put(&json, "-"); /* so that bytes are there for "" too */
        json_put_base64(&json, cases[i][0], strlen(cases[i][0]));
        ck_assert_uint_eq(json.size - 1, strlen(cases[i][1]));
        ck_assert_mem_eq(json.bytes + 1, cases[i][1], json.size - 1);
        uint8_t *back = base64_decode(cases[i][1], strlen(cases[i][1]), &size);
        ck_assert_uint_eq(size, strlen(cases[i][0]));
        ck_assert_mem_eq(back, cases[i][0], size);
        free(back);
        json_text_fini(&json);
    }
}
END_TEST

START_TEST(what_is_no_base64_is_refused)
{
    size_t size;
    ck_assert_ptr_null(base64_decode("Zm9v!", 5, &size));
    ck_assert_ptr_null(base64_decode("Z", 1, &size));
    ck_assert_ptr_null(base64_decode("Zm 9", 4, &size));
}
END_TEST

Suite *suite_persister_json_text(void)
{
    Suite *suite = suite_create("persister/json_text");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, numbers_are_decimal);
    tcase_add_test(facts, strings_are_escaped);
    tcase_add_test(facts, hex_has_sixteen_digits);
    tcase_add_test(facts, base64_is_that_of_rfc_4648);
    tcase_add_test(facts, what_is_no_base64_is_refused);
    suite_add_tcase(suite, facts);
    return suite;
}
