/* SPDX-License-Identifier: Apache-2.0 */
#include "load/config.h"

#include <check.h>

static config_t config;

/* Each test has a process of its own, where exit ends a refused one. */
#define LOAD(...)                                                              \
    do {                                                                       \
        char *argv[] = {"stipple-load", __VA_ARGS__, NULL};                    \
        config_load(&config, sizeof argv / sizeof *argv - 1, argv);            \
    } while (0)

START_TEST(urls_may_stand_more_than_once)
{
    LOAD("--url", "http://127.0.0.1:1", "--viewers", "5",
         "--url=http://127.0.0.1:2,http://127.0.0.1:3");
    ck_assert_uint_eq(config.endpoint_count, 3);
    ck_assert_str_eq(config.endpoints[0].host, "127.0.0.1:1");
    ck_assert_str_eq(config.endpoints[2].host, "127.0.0.1:3");
    ck_assert_int_eq(config.viewers, 5);
    config_free(&config);
}
END_TEST

START_TEST(many_connections_are_spread_over_processes)
{
    LOAD("--viewers", "40000");
    ck_assert_int_eq(config.processes, 3);
    ck_assert_int_eq(config.sources, 2);
    config_free(&config);
}
END_TEST

START_TEST(few_connections_need_one_source)
{
    LOAD("--viewers", "10000");
    ck_assert_int_eq(config.sources, 1);
    config_free(&config);
}
END_TEST

START_TEST(processes_are_no_more_than_connections)
{
    LOAD("--viewers", "2", "--processes", "8");
    ck_assert_int_eq(config.processes, 2);
    config_free(&config);
}
END_TEST

START_TEST(window_is_a_power_of_two)
{
    LOAD("--window", "100");
    ck_assert_int_eq(config.window, 128);
    config_free(&config);
    LOAD("--viewers", "1");
    ck_assert_int_eq(config.window, 1);
    config_free(&config);
}
END_TEST

START_TEST(remote_edges_are_refused)
{
    LOAD("--url", "http://192.0.2.1");
}
END_TEST

START_TEST(remote_edges_are_loaded_where_allowed)
{
    LOAD("--url", "http://192.0.2.1", "--allow-remote");
    ck_assert_uint_eq(config.endpoint_count, 1);
    config_free(&config);
}
END_TEST

START_TEST(placers_need_a_secret)
{
    LOAD("--placers", "1");
}
END_TEST

START_TEST(replay_needs_placers)
{
    LOAD("--replay", "record.xz");
}
END_TEST

START_TEST(nobody_is_no_load)
{
    LOAD("--viewers", "0");
}
END_TEST

Suite *suite_load_config(void);
Suite *suite_load_config(void)
{
    Suite *suite = suite_create("load/config");
    TCase *tests = tcase_create("config");
    tcase_add_test(tests, urls_may_stand_more_than_once);
    tcase_add_test(tests, many_connections_are_spread_over_processes);
    tcase_add_test(tests, few_connections_need_one_source);
    tcase_add_test(tests, processes_are_no_more_than_connections);
    tcase_add_test(tests, window_is_a_power_of_two);
    tcase_add_exit_test(tests, remote_edges_are_refused, 2);
    tcase_add_test(tests, remote_edges_are_loaded_where_allowed);
    tcase_add_exit_test(tests, placers_need_a_secret, 2);
    tcase_add_exit_test(tests, replay_needs_placers, 2);
    tcase_add_exit_test(tests, nobody_is_no_load, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
