/* SPDX-License-Identifier: Apache-2.0
 *
 * That docs/operations.md has a program's table of settings as the program
 * itself prints it. scripts/settings-docs writes it there.
 */
#ifndef TESTS_UNIT_DOCUMENTED_H
#define TESTS_UNIT_DOCUMENTED_H

#include "common/mem.h"
#include "common/settings.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The whole file; the caller's (free). */
static inline char *s_whole_file(FILE *file)
{
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    char *text = mem_alloc(size + 1);
    rewind(file);
    text[fread(text, 1, size, file)] = '\0';
    return text;
}

/* `config` is room for the program's settings. */
static inline void s_settings_are_documented(const settings_t *settings,
                                             void *config)
{
    FILE *printed = tmpfile(), *docs = fopen("docs/operations.md", "r");
    ck_assert_msg(docs != NULL, "unit tests run at the top of the tree");
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        char *argv[] = {(char *)settings->program, "--settings-table", NULL};
        dup2(fileno(printed), STDOUT_FILENO);
        settings_load(settings, config, 2, argv);
        _exit(99);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    char *table = s_whole_file(printed), *text = s_whole_file(docs);
    ck_assert_ptr_nonnull(strstr(table, "| `log_level` |"));
    ck_assert_msg(strstr(text, table) != NULL,
                  "run scripts/settings-docs: docs/operations.md lacks\n%s",
                  table);
    free(table);
    free(text);
    fclose(printed);
    fclose(docs);
}

#endif
