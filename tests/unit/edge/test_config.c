/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/config.h"

#include "tests/unit/documented.h"

Suite *suite_edge_config(void);

START_TEST(settings_are_those_of_the_manual)
{
    edge_config_t config = {0};
    s_settings_are_documented(&edge_settings, &config);
}
END_TEST

static edge_config_t s_good(void)
{
    return (edge_config_t){.common.key_file = (char *)"edge.key",
                           .common.metrics_port = 65000,
                           .workers = 536,
                           .place_rate = (char *)"auto",
                           .tick_min_ms = 20,
                           .tick_max_ms = 20,
                           .tls_cert_file = (char *)"",
                           .tls_key_file = (char *)""};
}

START_TEST(settings_that_contradict_each_other_are_refused)
{
    edge_config_t config = s_good();
    ck_assert_int_eq(edge_config_check(&config), 0);
    config.tick_min_ms = 21;
    ck_assert_int_eq(edge_config_check(&config), -1);
    config = s_good();
    config.workers = 537; /* the last one's port would be 65536 */
    ck_assert_int_eq(edge_config_check(&config), -1);
    config = s_good();
    config.common.key_file = NULL;
    ck_assert_int_eq(edge_config_check(&config), -1);
    config.common.key_file = (char *)"";
    ck_assert_int_eq(edge_config_check(&config), -1);
}
END_TEST

START_TEST(tls_needs_a_certificate_and_its_key)
{
    edge_config_t config = s_good();
    ck_assert(!edge_config_has_tls(&config));
    config.tls_cert_file = (char *)"chain.pem";
    ck_assert_int_eq(edge_config_check(&config), -1);
    config.tls_key_file = (char *)"key.pem";
    ck_assert_int_eq(edge_config_check(&config), 0);
    ck_assert(edge_config_has_tls(&config));
    config.tls_cert_file = NULL;
    ck_assert_int_eq(edge_config_check(&config), -1);
    config.tls_key_file = NULL;
    ck_assert_int_eq(edge_config_check(&config), 0);
    ck_assert(!edge_config_has_tls(&config));
}
END_TEST

START_TEST(a_placing_rate_is_auto_or_a_number)
{
    static const struct {
        const char *text;
        int result;
        unsigned with, without; /* a cooldown */
    } cases[] = {
        {"auto", 0, 5, 0},    {"0", 0, 0, 0},
        {"7", 0, 7, 7},       {"100000", 0, 100000, 100000},
        {"100001", -1, 0, 0}, {"-1", -1, 0, 0},
        {"", -1, 0, 0},       {"5x", -1, 0, 0},
        {"Auto", -1, 0, 0},   {"0x5", -1, 0, 0},
        {"19", 0, 19, 19},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        edge_config_t config = s_good();
        config.place_rate = (char *)cases[i].text;
        ck_assert_msg(edge_config_check(&config) == cases[i].result, "%s",
                      cases[i].text);
        ck_assert_uint_eq(edge_config_place_rate(&config, 1), cases[i].with);
        ck_assert_uint_eq(edge_config_place_rate(&config, 0), cases[i].without);
    }
}
END_TEST

Suite *suite_edge_config(void)
{
    Suite *suite = suite_create("edge/config");
    TCase *all = tcase_create("all");
    tcase_add_test(all, settings_are_those_of_the_manual);
    tcase_add_test(all, settings_that_contradict_each_other_are_refused);
    tcase_add_test(all, tls_needs_a_certificate_and_its_key);
    tcase_add_test(all, a_placing_rate_is_auto_or_a_number);
    suite_add_tcase(suite, all);
    return suite;
}
