/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http/origin.h"

#include <check.h>

Suite *suite_edge_origin(void);

START_TEST(star_allows_every_origin)
{
    ck_assert(origin_allowed("*", "https://a.example", NULL));
    ck_assert(origin_allowed("https://b.example, *", "null", NULL));
}
END_TEST

START_TEST(listed_origins_are_allowed)
{
    const char *list = "https://a.example, http://b.example:8080/";
    ck_assert(origin_allowed(list, "https://a.example", NULL));
    ck_assert(origin_allowed(list, "HTTPS://A.example", NULL));
    ck_assert(origin_allowed(list, "http://b.example:8080", NULL));
    ck_assert(!origin_allowed(list, "http://a.example", NULL));
    ck_assert(!origin_allowed(list, "https://a.example.evil.example", NULL));
    ck_assert(!origin_allowed(list, "https://a.exampl", NULL));
    ck_assert(!origin_allowed(list, "null", NULL));
    ck_assert(!origin_allowed(list, "", NULL));
    ck_assert(!origin_allowed("", "https://a.example", NULL));
}
END_TEST

START_TEST(no_origin_and_the_own_page_are_allowed)
{
    ck_assert(origin_allowed("", NULL, "here.example"));
    ck_assert(origin_allowed("", "https://here.example", "here.example"));
    ck_assert(origin_allowed("", "http://localhost:8080", "localhost:8080"));
    ck_assert(!origin_allowed("", "http://localhost:8081", "localhost:8080"));
    ck_assert(!origin_allowed("", "here.example", "here.example"));
}
END_TEST

Suite *suite_edge_origin(void)
{
    Suite *suite = suite_create("edge/origin");
    TCase *tcase = tcase_create("origin");
    tcase_add_test(tcase, star_allows_every_origin);
    tcase_add_test(tcase, listed_origins_are_allowed);
    tcase_add_test(tcase, no_origin_and_the_own_page_are_allowed);
    suite_add_tcase(suite, tcase);
    return suite;
}
