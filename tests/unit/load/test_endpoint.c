/* SPDX-License-Identifier: Apache-2.0 */
#include "load/endpoint.h"

#include <check.h>
#include <netinet/in.h>

static endpoint_t endpoint;
static const char *why;

static unsigned s_port(void)
{
    return ntohs(((struct sockaddr_in *)&endpoint.address)->sin_port);
}

START_TEST(url_gives_host_and_port)
{
    ck_assert_int_eq(endpoint_parse(&endpoint, "http://127.0.0.1:8080", &why),
                     0);
    ck_assert_str_eq(endpoint.host, "127.0.0.1:8080");
    ck_assert_uint_eq(s_port(), 8080);
}
END_TEST

START_TEST(path_is_left_out)
{
    ck_assert_int_eq(
        endpoint_parse(&endpoint, "ws://127.0.0.1:81/api/v1/ws", &why), 0);
    ck_assert_str_eq(endpoint.host, "127.0.0.1:81");
}
END_TEST

START_TEST(port_is_80_where_none_stands)
{
    ck_assert_int_eq(endpoint_parse(&endpoint, "127.0.0.1", &why), 0);
    ck_assert_uint_eq(s_port(), 80);
}
END_TEST

START_TEST(ipv6_stands_in_brackets)
{
    ck_assert_int_eq(endpoint_parse(&endpoint, "http://[::1]:8080/", &why), 0);
    ck_assert(endpoint_is_loopback(&endpoint));
    ck_assert_str_eq(endpoint.host, "[::1]:8080");
}
END_TEST

START_TEST(other_schemes_and_empty_hosts_are_refused)
{
    static const char *const urls[] = {
        "https://127.0.0.1",
        "wss://127.0.0.1",
        "ftp://127.0.0.1",
        "http://",
        "http://:80",
        "http://[::1",
        "http://127.0.0.1:notaport",
        "",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        ck_assert_msg(endpoint_parse(&endpoint, urls[i], &why) < 0, "%s",
                      urls[i]);
}
END_TEST

START_TEST(only_127_and_v6_one_are_loopback)
{
    endpoint_parse(&endpoint, "http://127.9.9.9:1", &why);
    ck_assert(endpoint_is_loopback(&endpoint));
    endpoint_parse(&endpoint, "http://192.0.2.1:1", &why);
    ck_assert(!endpoint_is_loopback(&endpoint));
    endpoint_parse(&endpoint, "http://[2001:db8::1]:1", &why);
    ck_assert(!endpoint_is_loopback(&endpoint));
}
END_TEST

Suite *suite_load_endpoint(void);
Suite *suite_load_endpoint(void)
{
    Suite *suite = suite_create("load/endpoint");
    TCase *tests = tcase_create("endpoint");
    tcase_add_test(tests, url_gives_host_and_port);
    tcase_add_test(tests, path_is_left_out);
    tcase_add_test(tests, port_is_80_where_none_stands);
    tcase_add_test(tests, ipv6_stands_in_brackets);
    tcase_add_test(tests, other_schemes_and_empty_hosts_are_refused);
    tcase_add_test(tests, only_127_and_v6_one_are_loopback);
    suite_add_tcase(suite, tests);
    return suite;
}
