/* SPDX-License-Identifier: Apache-2.0
 *
 * A line as it reaches standard error, which is a file here.
 */
#include "common/log.h"

#include "common/clock.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *suite_common_log(void);

static FILE *file;
static int kept;
static char text[8192];

static void s_set_up(void)
{
    file = tmpfile();
    kept = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    log_init("edge-1", LEVEL_INFO);
}

static void s_tear_down(void)
{
    dup2(kept, STDERR_FILENO);
    close(kept);
    fclose(file);
    log_init("stipple", LEVEL_INFO);
}

/* What was logged since. */
static const char *s_logged(void)
{
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    return text;
}

START_TEST(a_line_has_its_time_level_process_and_event)
{
    uint64_t before_ms = clock_wall_ms();
    log_warn("redis_lost", "host=%s port=%d", "a", 5);
    uint64_t after_ms = clock_wall_ms();
    struct tm utc = {0};
    unsigned ms;
    int length = 0;
    ck_assert_int_eq(sscanf(s_logged(), "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3uZ%n",
                            &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                            &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &ms,
                            &length),
                     7);
    utc.tm_year -= 1900;
    utc.tm_mon--;
    uint64_t told_ms = (uint64_t)timegm(&utc) * 1000 + ms;
    ck_assert_uint_ge(told_ms, before_ms);
    ck_assert_uint_le(told_ms, after_ms);
    ck_assert_str_eq(text + length, " level=warn process=edge-1 "
                                    "event=redis_lost host=a port=5\n");
}
END_TEST

START_TEST(what_is_below_the_level_is_not_logged)
{
    log_debug("small", NULL);
    ck_assert_str_eq(s_logged(), "");
    log_info("just", NULL);
    ck_assert_ptr_nonnull(strstr(s_logged(), "event=just\n"));
    log_init("edge-1", LEVEL_ERROR);
    log_warn("not_now", NULL);
    ck_assert_ptr_null(strstr(s_logged(), "not_now"));
    log_error("now", NULL);
    ck_assert_ptr_nonnull(strstr(s_logged(), "level=error"));
}
END_TEST

/* Each length around the limit: one line, never longer than it, cut at its end.
 */
START_TEST(a_line_is_cut_at_one_kib)
{
    char long_text[1200];
    for (size_t size = 900; size < sizeof long_text; size++) {
        memset(long_text, 'x', size);
        long_text[size] = '\0';
        ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
        lseek(STDERR_FILENO, 0, SEEK_SET);
        log_info("long", "%s", long_text);
        size_t length = strlen(s_logged());
        size_t head = strcspn(text, "x");
        size_t whole = head + size + 1;
        ck_assert_uint_le(length, 1024);
        ck_assert_uint_ge(length, whole < 1023 ? whole : 1023);
        ck_assert_ptr_eq(strchr(text, '\n'), text + length - 1);
        ck_assert_uint_eq(strspn(text + head, "x"), length - head - 1);
    }
}
END_TEST

START_TEST(levels_have_their_words)
{
    ck_assert_int_eq(log_level_parse("debug"), LEVEL_DEBUG);
    ck_assert_int_eq(log_level_parse("info"), LEVEL_INFO);
    ck_assert_int_eq(log_level_parse("warn"), LEVEL_WARN);
    ck_assert_int_eq(log_level_parse("error"), LEVEL_ERROR);
    ck_assert_int_eq(log_level_parse("INFO"), -1);
    ck_assert_int_eq(log_level_parse(""), -1);
}
END_TEST

START_TEST(quoted_text_is_printable_and_cut_between_bytes)
{
    char buffer[16];
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, " ~"), "\" ~\"");
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "\x7f\x1f"),
                     "\"\\x7f\\x1f\"");
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "\"\\"),
                     "\"\\x22\\x5c\"");
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "\xff"), "\"\\xff\"");
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "abcdefghijklm"),
                     "\"abcdefghijklm\"");
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "abcdefghijklmn"),
                     "\"abcdefghijklm\"");
    /* An escape that does not fit is left out whole. */
    ck_assert_str_eq(log_quote(buffer, sizeof buffer, "abcdefghij\n"),
                     "\"abcdefghij\"");
    ck_assert_str_eq(log_quote(buffer, 3, "a"), "\"\"");
    ck_assert_str_eq(log_quote(buffer, 2, "a"), "");
}
END_TEST

Suite *suite_common_log(void)
{
    Suite *suite = suite_create("common/log");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, a_line_has_its_time_level_process_and_event);
    tcase_add_test(all, what_is_below_the_level_is_not_logged);
    tcase_add_test(all, a_line_is_cut_at_one_kib);
    tcase_add_test(all, levels_have_their_words);
    tcase_add_test(all, quoted_text_is_printable_and_cut_between_bytes);
    suite_add_tcase(suite, all);
    return suite;
}
