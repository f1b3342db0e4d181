/* SPDX-License-Identifier: Apache-2.0 */
#include "common/settings.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

START_TEST(a_retired_setting_is_refused_by_flag_and_environment)
{
    config_t config = {0};
    if (_i)
        setenv("STIPPLE_SECRET_FILE", "secret", 1);
    settings_load(&s_settings, &config, _i ? 1 : 3,
                  ARGV("--secret-file", "secret"));
}
END_TEST

/* What the program prints for that flag, and that it then exits 0. */
static const char *s_printed(const char *flag)
{
    static char text[8192];
    FILE *file = tmpfile();
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        config_t config = {0};
        dup2(fileno(file), STDOUT_FILENO);
        settings_load(&s_settings, &config, 2, ARGV((char *)flag));
        _exit(99);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

START_TEST(help_names_each_setting_its_range_default_and_variable)
{
    const char *help = s_printed("--help");
    static const char *const parts[] = {
        "stipple-test: a test\n\nusage: stipple-test [--setting VALUE]…\n\n",
        "  --publish-ms                 Longest wait of the feed\n",
        "(1 to 1000 ms; default 20; env STIPPLE_PUBLISH_MS)\n",
        "(debug|info|warn|error; default info; env STIPPLE_LOG_LEVEL)\n",
        "(on, off; default on; env STIPPLE_ANONYMOUS)\n",
        "(text; env STIPPLE_NAME)\n",
        "  --verify                     Check and leave\n",
        "(mode)\n",
        "  --help, --version, --settings-names, --settings-table\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ck_assert_msg(strstr(help, parts[i]) != NULL, "%s", parts[i]);
    ck_assert_ptr_null(strstr(help, "secret-file")); /* retired */
}
END_TEST

START_TEST(names_are_those_that_can_be_set)
{
    ck_assert_str_eq(s_printed("--settings-names"),
                     "name\nlog_level\nmetrics_host\nmetrics_port\nkey_file\n"
                     "curve\npublish_ms\nanonymous\norigins\n");
}
END_TEST

START_TEST(the_table_has_a_row_per_setting)
{
    const char *table = s_printed("--settings-table");
    ck_assert_ptr_eq(strstr(table, "| setting | default | range | what |\n"
                                   "|---|---|---|---|\n| `name` |"),
                     table);
    static const char *const rows[] = {
        "| `log_level` | info | debug/info/warn/error | Least level",
        "| `publish_ms` | 20 | 1 to 1000 ms | Longest wait of the feed |\n",
        "| `anonymous` | on | on, off | Whether anyone may play |\n",
        "| `origins` | * | text | Origins that may place |\n",
        "| `verify` |  | mode | Check and leave |\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(strstr(table, rows[i]) != NULL, "%s", rows[i]);
    ck_assert_ptr_null(strstr(table, "secret_file"));
}
END_TEST

START_TEST(the_version_names_the_program)
{
    ck_assert_str_eq(s_printed("--version"),
                     "stipple-test " STIPPLE_VERSION "\n");
}
END_TEST

START_TEST(bounds_themselves_are_in_range)
{
    config_t config = {0};
    char why[100];
    const setting_t *row = &s_rows[s_settings.count - 4];
    ck_assert_int_eq(setting_store(row, &config, "1", why, sizeof why), 0);
    ck_assert_int_eq(config.publish_ms, 1);
    ck_assert_int_eq(setting_store(row, &config, "1000", why, sizeof why), 0);
    ck_assert_int_eq(config.publish_ms, 1000);
}
END_TEST

START_TEST(a_switch_has_eight_spellings)
{
    static const char *const on[] = {"on", "true", "yes", "1"};
    static const char *const off[] = {"off", "false", "no", "0"};
    config_t config = {0};
    char why[100];
    const setting_t *row = &s_rows[s_settings.count - 3];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(setting_store(row, &config, on[i], why, 100), 0);
        ck_assert(config.anonymous);
        ck_assert_int_eq(setting_store(row, &config, off[i], why, 100), 0);
        ck_assert(!config.anonymous);
    }
    ck_assert_int_eq(setting_store(row, &config, "On", why, 100), -1);
    ck_assert_str_eq(why, "must be on or off");
    ck_assert_int_eq(setting_store(row, &config, "", why, 100), -1);
}
END_TEST

START_TEST(a_choice_is_one_whole_word_of_its_list)
{
    static const char *const bad[] = {"",           "debu", "debugs", "Info",
                                      "debug|info", "|",    "error "};
    static const char *const good[] = {"debug", "info", "warn", "error"};
    config_t config = {0};
    char why[100];
    const setting_t *row = &s_rows[1];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(setting_store(row, &config, bad[i], why, 100) == -1, "%s",
                      bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(setting_store(row, &config, good[i], why, 100), 0);
        ck_assert_str_eq(config.common.log_level, good[i]);
    }
    settings_free(&s_settings, &config);
    ck_assert_ptr_null(config.common.log_level);
}
END_TEST

/* stipplectl's `ban USER --publish-ms 5`: flags may stand behind words. */
START_TEST(flags_go_before_words_and_keep_their_values)
{
    static const struct {
        int argc;
        char *before[7], *after[7];
    } cases[] = {
        {4,
         {"x", "ban", "--publish-ms", "5"},
         {"x", "--publish-ms", "5", "ban"}},
        {4,
         {"x", "a", "--publish-ms=5", "b"},
         {"x", "--publish-ms=5", "a", "b"}},
        {4, {"x", "a", "--verify", "b"}, {"x", "--verify", "a", "b"}},
        {4, {"x", "a", "--unknown", "b"}, {"x", "--unknown", "a", "b"}},
        {3, {"x", "a", "--publish-ms"}, {"x", "--publish-ms", "a"}},
        {5,
         {"x", "a", "--", "--verify", "b"},
         {"x", "a", "--", "--verify", "b"}},
        {6,
         {"x", "--verify", "a", "--origins", "o", "b"},
         {"x", "--verify", "--origins", "o", "a", "b"}},
        {3, {"x", "a", "-1"}, {"x", "a", "-1"}},
        {1, {"x"}, {"x"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *argv[7];
        memcpy(argv, cases[i].before, sizeof argv);
        settings_flags_first(&s_settings, cases[i].argc, argv);
        for (int j = 0; j < cases[i].argc; j++)
            ck_assert_msg(!strcmp(argv[j], cases[i].after[j]), "%zu: %d is %s",
                          i, j, argv[j]);
    }
}
END_TEST

START_TEST(positional_arguments_are_left_where_they_are_taken)
{
    settings_t taking = s_settings;
    taking.arguments = "VERB";
    config_t config = {0};
    ck_assert_int_eq(
        settings_load(&taking, &config, 4, ARGV("--publish-ms", "7", "verb")),
        3);
    ck_assert_int_eq(config.publish_ms, 7);
    ck_assert_int_eq(settings_load(&taking, &config, 3, ARGV("--", "--verify")),
                     2);
    ck_assert(!config.verify);
    ck_assert_int_eq(settings_load(&taking, &config, 2, ARGV("-1")), 1);
    settings_free(&taking, &config);
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
    tcase_add_loop_exit_test(
        all, a_retired_setting_is_refused_by_flag_and_environment, 2, 0, 2);
    tcase_add_test(all, help_names_each_setting_its_range_default_and_variable);
    tcase_add_test(all, names_are_those_that_can_be_set);
    tcase_add_test(all, the_table_has_a_row_per_setting);
    tcase_add_test(all, the_version_names_the_program);
    tcase_add_test(all, bounds_themselves_are_in_range);
    tcase_add_test(all, a_switch_has_eight_spellings);
    tcase_add_test(all, a_choice_is_one_whole_word_of_its_list);
    tcase_add_test(all, flags_go_before_words_and_keep_their_values);
    tcase_add_test(all, positional_arguments_are_left_where_they_are_taken);
    suite_add_tcase(suite, all);
    return suite;
}
