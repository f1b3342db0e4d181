/* SPDX-License-Identifier: Apache-2.0
 *
 * See settings.h. A flag wins over the environment, which wins over the
 * default; all three go through setting_store, so each is checked alike.
 */
#include "common/settings.h"

#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 80
#define WHY_MAX_BYTES 200

static void *s_field(const setting_t *row, void *config)
{
    return (char *)config + row->offset;
}

static int s_store_int(const setting_t *row, void *field, const char *value,
                       char *why, size_t why_size)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno || end == value || *end || number < row->min ||
        number > row->max) {
        snprintf(why, why_size,
                 "must be an integer from %" PRId64 " to %" PRId64, row->min,
                 row->max);
        return -1;
    }
    *(int64_t *)field = number;
    return 0;
}

static int s_store_bool(const setting_t *row, void *field, const char *value,
                        char *why, size_t why_size)
{
    static const char *const words[] = {"off", "on",  "false", "true",
                                        "no",  "yes", "0",     "1"};
    (void)row;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!strcmp(value, words[i])) {
            *(bool *)field = i & 1;
            return 0;
        }
    }
    snprintf(why, why_size, "must be on or off");
    return -1;
}

static int s_store_text(const setting_t *row, void *field, const char *value,
                        char *why, size_t why_size)
{
    (void)row, (void)why, (void)why_size;
    free(*(char **)field);
    *(char **)field = mem_strdup(value);
    return 0;
}

static int s_store_choice(const setting_t *row, void *field, const char *value,
                          char *why, size_t why_size)
{
    size_t length = strlen(value);
    for (const char *word = row->unit; word; word = strchr(word, '|')) {
        word += *word == '|';
        if (length == strcspn(word, "|") && !strncmp(word, value, length))
            return s_store_text(row, field, value, why, why_size);
    }
    snprintf(why, why_size, "must be one of %s", row->unit);
    return -1;
}

static int s_refuse_retired(const setting_t *row, void *field,
                            const char *value, char *why, size_t why_size)
{
    (void)field;
    snprintf(why, why_size, "%s", row->help);
    return *value ? -1 : 0;
}

int setting_store(const setting_t *row, void *config, const char *value,
                  char *why, size_t why_size)
{
    static int (*const stores[])(const setting_t *, void *, const char *,
                                 char *, size_t) = {
        [SETTING_INT] = s_store_int,   [SETTING_BOOL] = s_store_bool,
        [SETTING_TEXT] = s_store_text, [SETTING_CHOICE] = s_store_choice,
        [SETTING_FLAG] = s_store_bool, [SETTING_RETIRED] = s_refuse_retired,
    };
    return stores[row->type](row, s_field(row, config), value, why, why_size);
}

/* "publish_ms" as "STIPPLE_PUBLISH_MS". */
static void s_env_name(const setting_t *row, char name[NAME_MAX_BYTES])
{
    snprintf(name, NAME_MAX_BYTES, "STIPPLE_%s", row->name);
    for (char *c = name; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
}

/* "publish_ms" as "--publish-ms". */
static void s_flag_name(const setting_t *row, char name[NAME_MAX_BYTES])
{
    snprintf(name, NAME_MAX_BYTES, "--%s", row->name);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
}

static void s_refuse(const settings_t *self, const char *where,
                     const char *value, const char *why)
{
    fprintf(stderr, "%s: %s%s%s%s: %s\n", self->program, where,
            value ? " \"" : "", value ? value : "", value ? "\"" : "", why);
    exit(2);
}

static void s_store_or_refuse(const settings_t *self, const setting_t *row,
                              void *config, const char *where,
                              const char *value)
{
    char why[WHY_MAX_BYTES];
    if (setting_store(row, config, value, why, sizeof why) < 0)
        s_refuse(self, where, value, why);
}

static void s_load_standards(const settings_t *self, void *config)
{
    for (size_t i = 0; i < self->count; i++) {
        const setting_t *row = &self->rows[i];
        char name[NAME_MAX_BYTES];
        if (row->standard)
            s_store_or_refuse(self, row, config, row->name, row->standard);
        s_env_name(row, name);
        const char *value = getenv(name);
        if (value && row->type != SETTING_FLAG)
            s_store_or_refuse(self, row, config, name, value);
    }
}

/* What a row may be, for people: its bounds, its words, its type. */
static void s_range(const setting_t *row, char *text, size_t size)
{
    if (row->type == SETTING_INT)
        snprintf(text, size, "%" PRId64 " to %" PRId64 "%s%s", row->min,
                 row->max, row->unit ? " " : "", row->unit ? row->unit : "");
    else if (row->type == SETTING_CHOICE)
        snprintf(text, size, "%s", row->unit);
    else
        snprintf(text, size, "%s",
                 row->type == SETTING_BOOL   ? "on, off"
                 : row->type == SETTING_FLAG ? "mode"
                                             : "text");
}

static void s_print_help(const settings_t *self)
{
    printf("%s: %s\n\nusage: %s [--setting VALUE]…%s%s\n\n", self->program,
           self->about, self->program, self->arguments ? " " : "",
           self->arguments ? self->arguments : "");
    for (size_t i = 0; i < self->count; i++) {
        const setting_t *row = &self->rows[i];
        char flag[NAME_MAX_BYTES], env[NAME_MAX_BYTES], range[160];
        if (row->type == SETTING_RETIRED)
            continue;
        s_flag_name(row, flag);
        s_env_name(row, env);
        s_range(row, range, sizeof range);
        printf("  %-28s %s\n", flag, row->help);
        printf("  %-28s (%s", "", range);
        if (row->standard && *row->standard)
            printf("; default %s", row->standard);
        if (row->type != SETTING_FLAG)
            printf("; env %s", env);
        puts(")");
    }
    puts("\n  --help, --version, --settings-names, --settings-table");
}

static void s_print_version(const settings_t *self)
{
    printf("%s %s\n", self->program, STIPPLE_VERSION);
}

static void s_print_names(const settings_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->rows[i].type != SETTING_FLAG &&
            self->rows[i].type != SETTING_RETIRED)
            puts(self->rows[i].name);
}

static void s_print_table(const settings_t *self)
{
    puts("| setting | default | range | what |\n|---|---|---|---|");
    for (size_t i = 0; i < self->count; i++) {
        const setting_t *row = &self->rows[i];
        char range[160];
        if (row->type == SETTING_RETIRED)
            continue;
        s_range(row, range, sizeof range);
        for (char *bar = strchr(range, '|'); bar; bar = strchr(bar, '|'))
            *bar = '/';
        printf("| `%s` | %s | %s | %s |\n", row->name,
               row->standard ? row->standard : "", range, row->help);
    }
}

static void s_information(const settings_t *self, const char *flag)
{
    static const struct {
        const char *flag;
        void (*print)(const settings_t *);
    } pages[] = {
        {"--help", s_print_help},
        {"--version", s_print_version},
        {"--settings-names", s_print_names},
        {"--settings-table", s_print_table},
    };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!strcmp(flag, pages[i].flag)) {
            pages[i].print(self);
            exit(0);
        }
    }
}

/* The row of "--publish-ms" or "--publish-ms=…"; NULL where there is none. */
static const setting_t *s_find(const settings_t *self, const char *flag)
{
    size_t length = strcspn(flag, "=");
    for (size_t i = 0; i < self->count; i++) {
        char name[NAME_MAX_BYTES];
        s_flag_name(&self->rows[i], name);
        if (strlen(name) == length && !strncmp(name, flag, length))
            return &self->rows[i];
    }
    return NULL;
}

/* Reads the flag at argv[i]; returns how many arguments it took. */
static int s_load_flag(const settings_t *self, void *config, int left,
                       char **argv)
{
    s_information(self, argv[0]);
    const setting_t *row = s_find(self, argv[0]);
    if (!row)
        s_refuse(self, argv[0], NULL, "no such setting (see --help)");
    const char *value = strchr(argv[0], '=');
    bool joined = value != NULL;
    if (joined)
        value++;
    else if (row->type == SETTING_FLAG)
        value = "on";
    else if (left > 1)
        value = argv[1];
    else
        s_refuse(self, argv[0], NULL, "needs a value");
    s_store_or_refuse(self, row, config, argv[0], value);
    return joined || row->type == SETTING_FLAG ? 1 : 2;
}

void settings_flags_first(const settings_t *self, int argc, char **argv)
{
    int front = 1;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0;) {
        bool flag = argv[i][0] == '-' && argv[i][1] == '-';
        const setting_t *row = flag ? s_find(self, argv[i]) : NULL;
        bool valued = row && row->type != SETTING_FLAG && i + 1 < argc &&
                      !strchr(argv[i], '=');
        for (int words = flag ? 1 + valued : 0; words; words--) {
            char *moved = argv[i];
            memmove(argv + front + 1, argv + front,
                    (size_t)(i - front) * sizeof *argv);
            argv[front++] = moved;
            i++;
        }
        i += !flag;
    }
}

int settings_load(const settings_t *self, void *config, int argc, char **argv)
{
    s_load_standards(self, config);
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2])
        i += s_load_flag(self, config, argc - i, argv + i);
    if (i < argc && !strcmp(argv[i], "--"))
        i++;
    if (i < argc && !self->arguments)
        s_refuse(self, argv[i], NULL, "takes no arguments (see --help)");
    return i;
}

void settings_free(const settings_t *self, void *config)
{
    for (size_t i = 0; i < self->count; i++) {
        const setting_t *row = &self->rows[i];
        if (row->type == SETTING_TEXT || row->type == SETTING_CHOICE) {
            free(*(char **)s_field(row, config));
            *(char **)s_field(row, config) = NULL;
        }
    }
}

void settings_begin_log(const settings_common_t *common, const char *process)
{
    log_init(process, (log_level_t)log_level_parse(common->log_level));
}
