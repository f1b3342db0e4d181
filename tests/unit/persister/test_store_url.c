/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/store_url.h"

#include <check.h>
#include <string.h>

Suite *suite_persister_store_url(void);

static const char *const known[] = {"user", "n", NULL};

START_TEST(base_and_parameters_are_split)
{
    store_url_t url;
    const char *why;
    ck_assert_int_eq(
        store_url_parse(&url, "host:1/ks?user=a%26b%3D&n=7", known, &why), 0);
    ck_assert_str_eq(url.base, "host:1/ks");
    ck_assert_str_eq(store_url_get(&url, "user", NULL), "a&b=");
    ck_assert_int_eq(store_url_number(&url, "n", 1, 0, 9), 7);
    ck_assert_int_eq(store_url_number(&url, "n", 1, 0, 6), -1);
    store_url_fini(&url);
}
END_TEST

START_TEST(what_is_not_given_has_its_standard)
{
    store_url_t url;
    const char *why;
    ck_assert_int_eq(store_url_parse(&url, "x", known, &why), 0);
    ck_assert_str_eq(store_url_get(&url, "user", "ada"), "ada");
    ck_assert_int_eq(store_url_number(&url, "n", 3, 0, 9), 3);
    store_url_fini(&url);
}
END_TEST

START_TEST(malformed_urls_are_refused)
{
    static const char *const bad[] = {"x?user",     "x?other=1",
                                      "x?user=%",   "x?user=%0",
                                      "x?user=%zz", "x?user=a%00b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        store_url_t url;
        const char *why = NULL;
        ck_assert_int_eq(store_url_parse(&url, bad[i], known, &why), -1);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

START_TEST(numbers_with_rests_are_refused)
{
    store_url_t url;
    const char *why;
    ck_assert_int_eq(store_url_parse(&url, "x?n=7x", known, &why), 0);
    ck_assert_int_eq(store_url_number(&url, "n", 1, 0, 9), -1);
    store_url_fini(&url);
}
END_TEST

Suite *suite_persister_store_url(void)
{
    Suite *suite = suite_create("persister/store_url");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, base_and_parameters_are_split);
    tcase_add_test(facts, what_is_not_given_has_its_standard);
    tcase_add_test(facts, malformed_urls_are_refused);
    tcase_add_test(facts, numbers_with_rests_are_refused);
    suite_add_tcase(suite, facts);
    return suite;
}
