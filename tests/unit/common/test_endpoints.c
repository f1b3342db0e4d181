/* SPDX-License-Identifier: Apache-2.0 */
#include "common/endpoints.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_common_endpoints(void);

static char joined[1024];

static int s_join(void *context, const char *endpoint)
{
    (void)context;
    strcat(joined, endpoint);
    strcat(joined, "|");
    return !strcmp(endpoint, "stop");
}

START_TEST(every_spelling_of_a_list_means_the_same)
{
    static const struct {
        const char *list;
        int count;
        const char *joined;
    } cases[] = {
        {"a", 1, "a|"},
        {"a,b", 2, "a|b|"},
        {"a, b", 2, "a|b|"},
        {"a,", 1, "a|"},
        {" a", 1, "a|"},
        {",a,,b, ", 2, "a|b|"},
        {"a b\t\nc", 3, "a|b|c|"},
        {"", 0, ""},
        {" , ,", 0, ""},
        {NULL, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        *joined = '\0';
        ck_assert_int_eq(endpoints_each(cases[i].list, s_join, NULL),
                         cases[i].count);
        ck_assert_str_eq(joined, cases[i].joined);
    }
}
END_TEST

START_TEST(the_callee_ends_the_walk)
{
    *joined = '\0';
    ck_assert_int_eq(endpoints_each("a,stop,b", s_join, NULL), -1);
    ck_assert_str_eq(joined, "a|stop|");
}
END_TEST

START_TEST(an_endpoint_that_is_too_long_is_refused)
{
    char list[ENDPOINT_MAX + 8];
    memset(list, 'a', sizeof list);
    list[ENDPOINT_MAX - 1] = '\0';
    *joined = '\0';
    ck_assert_int_eq(endpoints_each(list, s_join, NULL), 1);
    list[ENDPOINT_MAX - 1] = 'a';
    list[ENDPOINT_MAX] = '\0';
    ck_assert_int_eq(endpoints_each(list, s_join, NULL), -1);
}
END_TEST

Suite *suite_common_endpoints(void)
{
    Suite *suite = suite_create("common/endpoints");
    TCase *all = tcase_create("all");
    tcase_add_test(all, every_spelling_of_a_list_means_the_same);
    tcase_add_test(all, the_callee_ends_the_walk);
    tcase_add_test(all, an_endpoint_that_is_too_long_is_refused);
    suite_add_tcase(suite, all);
    return suite;
}
