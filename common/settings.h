/* SPDX-License-Identifier: Apache-2.0
 *
 * A process's settings as one table. Row `publish_ms` is read from the flag
 * --publish-ms, else from STIPPLE_PUBLISH_MS, else its default; it is checked
 * and stored in a field of the process's config struct. --help,
 * --settings-table (Markdown, for docs/operations.md) and --settings-names come
 * from the rows. Anything unknown or out of range ends the start with one clear
 * line. Values of secrets never stand in a table: only the file that holds them
 * does.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    SETTING_INT,     /* int64_t field, min … max */
    SETTING_BOOL,    /* bool field: on off true false yes no 1 0 */
    SETTING_TEXT,    /* char * field, owned by the config */
    SETTING_CHOICE,  /* char * field; `unit` lists the words: "auto|on|off" */
    SETTING_FLAG,    /* bool field; a flag without a value, no env: a mode */
    SETTING_RETIRED, /* of an earlier release: any value is refused, with help
                        as the reason; shown nowhere */
} setting_type_t;

typedef struct {
    const char *name; /* snake_case */
    setting_type_t type;
    size_t offset;        /* offsetof(config, field) */
    const char *standard; /* the default, as text; NULL for TEXT: none */
    int64_t min, max;     /* of INT */
    const char *unit;     /* "ms", "bytes", …, or a choice's words */
    const char *help;     /* one sentence, upper-case start, no full stop */
} setting_t;

typedef struct {
    const char *program; /* "stipple-broker" */
    const char *about;   /* one line for --help */
    const setting_t *rows;
    size_t count;
    const char *arguments; /* names of positional arguments, or NULL */
} settings_t;

/* Moves what settings_load reads before the arguments that are words, so that
 * flags may stand behind them; nothing behind "--" is moved. */
void settings_flags_first(const settings_t *self, int argc, char **argv);

/* Fills config from defaults, environment and argv. Returns the index of the
 * first positional argument (argc if there is none). Exits 0 after --help,
 * --version, --settings-table, --settings-names; exits 2 with one line on
 * standard error for anything wrong. */
int settings_load(const settings_t *self, void *config, int argc, char **argv);

/* Frees the text fields. */
void settings_free(const settings_t *self, void *config);

/* The same parse of one value, for stipplectl and tests: 0, or -1 with the
 * reason in `why`. */
int setting_store(const setting_t *row, void *config, const char *value,
                  char *why, size_t why_size);

/* A row, whose flag has the name of its field, for a process's table:
 *
 *     #define ROW(...) SETTING_ROW(broker_config_t, __VA_ARGS__)
 *     ROW(lease_ms, INT, "3000", 500, 60000, "ms", "How long …"),
 */
#define SETTING_ROW(config, field, type, standard, min, max, unit, help)       \
    {                                                                          \
#field, SETTING_##type, offsetof(config, field), standard, min, max,   \
            unit, help                                                         \
    }

/* The rows every process has, to be put first in each table. `type` is the
 * config struct; it embeds `settings_common_t common`. */
typedef struct {
    char *name;
    char *log_level;
    char *metrics_host;
    int64_t metrics_port;
    char *key_file;
    char *secret_file; /* of 0.1.0; refused */
    char *curve;
} settings_common_t;

/* Begins the log as these settings say, under the name of the process. */
void settings_begin_log(const settings_common_t *common, const char *process);

#define SETTING_COMMON(config, field, type, standard, min, max, unit, help)    \
    {                                                                          \
#field, SETTING_##type, offsetof(config, common.field), standard, min, \
            max, unit, help                                                    \
    }

#define SETTINGS_COMMON(config)                                                \
    SETTING_COMMON(config, name, TEXT, NULL, 0, 0, NULL,                       \
                   "Name of this process in logs and metrics"),                \
        SETTING_COMMON(config, log_level, CHOICE, "info", 0, 0,                \
                       "debug|info|warn|error", "Least level that is logged"), \
        SETTING_COMMON(config, metrics_host, TEXT, "127.0.0.1", 0, 0, NULL,    \
                       "Address of the metrics port"),                         \
        SETTING_COMMON(config, metrics_port, INT, "0", 0, 65535, "port",       \
                       "Port of GET /metrics; 0 for none"),                    \
        SETTING_COMMON(                                                        \
            config, key_file, TEXT, NULL, 0, 0, NULL,                          \
            "File with the keys of this role, made by stipplectl keygen"),     \
        SETTING_COMMON(                                                        \
            config, secret_file, RETIRED, NULL, 0, 0, NULL,                    \
            "the cluster's secret opens nothing any more: make key files "     \
            "from it (stipplectl keygen) and set key_file"),                   \
        SETTING_COMMON(                                                        \
            config, curve, CHOICE, "auto", 0, 0, "auto|on|off",                \
            "Encrypt the bus with the keys of the roles; auto: on for tcp")

#endif
