/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base64url.h"

#include <check.h>
#include <string.h>

Suite *suite_common_base64url(void);

START_TEST(rfc4648_vectors_both_ways)
{
    static const char *const plain[] = {"",     "f",     "fo",    "foo",
                                        "foob", "fooba", "foobar"};
    static const char *const coded[] = {"",       "Zg",      "Zm8",     "Zm9v",
                                        "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    size_t size = strlen(plain[_i]);
    char text[16];
    uint8_t bytes[16];
    ck_assert_uint_eq(base64url_length(size), strlen(coded[_i]));
    ck_assert_uint_eq(base64url_encode(text, plain[_i], size),
                      strlen(coded[_i]));
    ck_assert_mem_eq(text, coded[_i], strlen(coded[_i]));
    ck_assert_int_eq(base64url_decode(bytes, coded[_i], strlen(coded[_i])),
                     size);
    ck_assert_mem_eq(bytes, plain[_i], size);
}
END_TEST

START_TEST(every_byte_survives)
{
    uint8_t bytes[256], back[BASE64URL_ROOM(344)];
    char text[344];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    size_t length = base64url_encode(text, bytes, sizeof bytes);
    ck_assert_uint_eq(length, 342);
    ck_assert_int_eq(base64url_decode(back, text, length), 256);
    ck_assert_mem_eq(back, bytes, 256);
}
END_TEST

START_TEST(other_spellings_are_refused)
{
    static const char *const texts[] = {"Z",     "Zg==", "Zg=", "Zh",     "Zm9",
                                        "Zm 9v", "+w",   "_/",  "Zm9v\n", "Zé"};
    uint8_t bytes[16];
    ck_assert_int_eq(base64url_decode(bytes, texts[_i], strlen(texts[_i])), -1);
    ck_assert_int_eq(base64url_decode(bytes, "Zm\0v", 4), -1);
}
END_TEST

Suite *suite_common_base64url(void)
{
    Suite *suite = suite_create("common/base64url");
    TCase *tcase = tcase_create("base64url");
    tcase_add_loop_test(tcase, rfc4648_vectors_both_ways, 0, 7);
    tcase_add_test(tcase, every_byte_survives);
    tcase_add_loop_test(tcase, other_spellings_are_refused, 0, 10);
    suite_add_tcase(suite, tcase);
    return suite;
}
