/* SPDX-License-Identifier: Apache-2.0 */
#include "common/settings.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

Suite *suite_common_settings(void);

typedef struct {
    settings_common_t common;
    int64_t publish_ms;
    bool anonymous;
    char *origins;
    bool verify;
} config_t;

static const setting_t s_rows[] = {
    SETTINGS_COMMON(config_t),
    {"publish_ms", SETTING_INT, offsetof(config_t, publish_ms), "20", 1, 1000,
     "ms", "Longest wait of the feed"},
    {"anonymous", SETTING_BOOL, offsetof(config_t, anonymous), "on", 0, 0, NULL,
     "Whether anyone may play"},
    {"origins", SETTING_TEXT, offsetof(config_t, origins), "*", 0, 0, NULL,
     "Origins that may place"},
    {"verify", SETTING_FLAG, offsetof(config_t, verify), NULL, 0, 0, NULL,
     "Check and leave"},
};

static const settings_t s_settings = {.program = "stipple-test",
                                      .about = "a test",
                                      .rows = s_rows,
                                      .count = sizeof s_rows / sizeof *s_rows};

#define ARGV(...)                                                              \
    (char *[])                                                                 \
    {                                                                          \
        "stipple-test", __VA_ARGS__, NULL                                      \
    }

START_TEST(defaults_hold_where_nothing_is_said)
{
    config_t config = {0};
    ck_assert_int_eq(settings_load(&s_settings, &config, 1, ARGV(NULL)), 1);
    ck_assert_int_eq(config.publish_ms, 20);
    ck_assert(config.anonymous && !config.verify);
    ck_assert_str_eq(config.origins, "*");
    ck_assert_str_eq(config.common.log_level, "info");
    ck_assert_ptr_null(config.common.name);
    settings_free(&s_settings, &config);
}
END_TEST

START_TEST(a_flag_wins_over_the_environment)
{
    config_t config = {0};
    setenv("STIPPLE_PUBLISH_MS", "30", 1);
    setenv("STIPPLE_ORIGINS", "https://a.example", 1);
    settings_load(&s_settings, &config, 5,
                  ARGV("--publish-ms", "40", "--anonymous=off", "--verify"));
    ck_assert_int_eq(config.publish_ms, 40);
    ck_assert_str_eq(config.origins, "https://a.example");
    ck_assert(!config.anonymous && config.verify);
    settings_free(&s_settings, &config);
}
END_TEST

START_TEST(an_unknown_flag_ends_the_start)
{
    config_t config = {0};
    settings_load(&s_settings, &config, 2, ARGV("--no-such=1"));
}
END_TEST

START_TEST(a_value_out_of_range_ends_the_start)
{
    config_t config = {0};
    settings_load(&s_settings, &config, 2, ARGV("--publish-ms=0"));
}
END_TEST

START_TEST(a_bad_environment_ends_the_start)
{
    config_t config = {0};
    setenv("STIPPLE_LOG_LEVEL", "loud", 1);
    settings_load(&s_settings, &config, 1, ARGV(NULL));
}
END_TEST

START_TEST(a_flag_without_its_value_ends_the_start)
{
    config_t config = {0};
    settings_load(&s_settings, &config, 2, ARGV("--publish-ms"));
}
END_TEST

START_TEST(an_argument_nobody_asked_for_ends_the_start)
{
    config_t config = {0};
    settings_load(&s_settings, &config, 2, ARGV("stray"));
}
END_TEST

static const char *const s_bad_numbers[] = {
    "", " ", "1x", "1.5", "0x10", "1001", "-1", "99999999999999999999"};

START_TEST(what_is_no_integer_in_range_is_refused)
{
    config_t config = {0};
    char why[100];
    const setting_t *row = &s_rows[s_settings.count - 4];
    ck_assert_int_eq(
        setting_store(row, &config, s_bad_numbers[_i], why, sizeof why), -1);
    ck_assert_str_eq(why, "must be an integer from 1 to 1000");
}
END_TEST

Suite *suite_common_settings(void)
{
    Suite *suite = suite_create("common/settings");
    TCase *all = tcase_create("all");
    tcase_add_test(all, defaults_hold_where_nothing_is_said);
    tcase_add_test(all, a_flag_wins_over_the_environment);
    tcase_add_exit_test(all, an_unknown_flag_ends_the_start, 2);
    tcase_add_exit_test(all, a_value_out_of_range_ends_the_start, 2);
    tcase_add_exit_test(all, a_bad_environment_ends_the_start, 2);
    tcase_add_exit_test(all, a_flag_without_its_value_ends_the_start, 2);
    tcase_add_exit_test(all, an_argument_nobody_asked_for_ends_the_start, 2);
    tcase_add_loop_test(all, what_is_no_integer_in_range_is_refused, 0,
                        sizeof s_bad_numbers / sizeof *s_bad_numbers);
    suite_add_tcase(suite, all);
    return suite;
}
