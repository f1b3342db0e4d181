/* SPDX-License-Identifier: Apache-2.0
 *
 * What is logged while a test looks: standard error is a file meanwhile. What
 * an operator is told, and how often, is a fact like any other.
 */
#ifndef TESTS_UNIT_LOGGED_H
#define TESTS_UNIT_LOGGED_H

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *s_log_file;
static int s_log_kept;

static inline void s_log_catch(void)
{
    s_log_file = tmpfile();
    ck_assert_ptr_nonnull(s_log_file);
    s_log_kept = dup(STDERR_FILENO);
    dup2(fileno(s_log_file), STDERR_FILENO);
}

static inline void s_log_release(void)
{
    dup2(s_log_kept, STDERR_FILENO);
    close(s_log_kept);
    fclose(s_log_file);
}

/* The lines since it was caught, or since they were read last. */
static inline const char *s_logged(void)
{
    static char text[8192];
    rewind(s_log_file);
    text[fread(text, 1, sizeof text - 1, s_log_file)] = '\0';
    rewind(s_log_file);
    ck_assert_int_eq(ftruncate(fileno(s_log_file), 0), 0);
    return text;
}

#endif
