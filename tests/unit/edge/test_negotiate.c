/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http/negotiate.h"

#include <check.h>

Suite *suite_edge_negotiate(void);

START_TEST(etags_match_in_every_form)
{
    static const char *const headers[] = {
        "\"1-9\"",
        "W/\"1-9\"",
        "*",
        " * ",
        "\"1-8\", \"1-9\"",
        "\"1-8\",W/\"1-9\"",
        "\"a,b\" ,\t\"1-9\"",
        "nonsense, \"1-9\"",
        ",,\"1-9\"",
    };
    ck_assert(etag_matches(headers[_i], "\"1-9\""));
}
END_TEST

START_TEST(other_etags_do_not_match)
{
    static const char *const headers[] = {
        "",       "\"1-8\"", "1-9",           "\"1-9",      "\"1-99\"",
        "\"1-\"", "W/1-9",   "\"x\"\"1-9,\"", "w/\"1-9\"x", "\"1-9 \"",
    };
    if (_i == 8) /* a lower-case w is no weak form */
        ck_assert(!etag_matches("w/\"1-9\"", "\"1-9\""));
    else
        ck_assert(!etag_matches(headers[_i], "\"1-9\""));
    ck_assert(!etag_matches(NULL, "\"1-9\""));
}
END_TEST

START_TEST(gzip_is_taken_where_it_is_liked)
{
    static const char *const headers[] = {
        "gzip",
        "GZIP",
        "x-gzip",
        "gzip, deflate, br",
        "br,gzip",
        "gzip;q=0.5",
        "*",
        "gzip;q=1.0, identity",
        "*;q=0.1",
        "br;q=1, gzip ; q=0.8",
        "identity;q=0, gzip;q=0.001",
        "deflate,*",
        "identity;q=0.5, *;q=1",
    };
    ck_assert_int_eq(encoding_choose(headers[_i]), ENCODING_GZIP);
}
END_TEST

START_TEST(identity_is_sent_otherwise)
{
    static const char *const headers[] = {
        "",
        "identity",
        "br",
        "gzip;q=0",
        "gzip;q=0.000",
        "*;q=0",
        "gzip;q=0, *",
        "identity, gzip;q=0.5",
        "gzipped",
        "deflate;gzip",
    };
    ck_assert_int_eq(encoding_choose(headers[_i]), ENCODING_IDENTITY);
    ck_assert_int_eq(encoding_choose(NULL), ENCODING_IDENTITY);
}
END_TEST

START_TEST(lists_hold_whole_words)
{
    ck_assert(list_has("keep-alive, Upgrade", "upgrade"));
    ck_assert(list_has("close", "close"));
    ck_assert(list_has(" a ,close ", "close"));
    ck_assert(!list_has("closed", "close"));
    ck_assert(!list_has("close down", "close"));
    ck_assert(!list_has("", "close"));
    ck_assert(!list_has(NULL, "close"));
}
END_TEST

Suite *suite_edge_negotiate(void)
{
    Suite *suite = suite_create("edge/negotiate");
    TCase *tcase = tcase_create("negotiate");
    tcase_add_loop_test(tcase, etags_match_in_every_form, 0, 9);
    tcase_add_loop_test(tcase, other_etags_do_not_match, 0, 10);
    tcase_add_loop_test(tcase, gzip_is_taken_where_it_is_liked, 0, 13);
    tcase_add_loop_test(tcase, identity_is_sent_otherwise, 0, 10);
    tcase_add_test(tcase, lists_hold_whole_words);
    suite_add_tcase(suite, tcase);
    return suite;
}
