/* SPDX-License-Identifier: Apache-2.0
 *
 * Each event is one line of logfmt on standard error:
 *
 *     ts=2026-01-02T03:04:05.678Z level=warn process=edge-1 event=redis_lost
 * host=…
 *
 * The event is a constant word; `format` gives further key=value pairs. Text
 * from outside goes through log_quote. Nothing is logged per pixel or per
 * client above debug.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>

/* syslog.h, which czmq.h brings along, has the LOG_ words. */
typedef enum { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR } log_level_t;

/* `process` is copied; it names the line's origin. */
void log_init(const char *process, log_level_t least);

/* "debug", "info", "warn", "error"; -1 for any other word. */
int log_level_parse(const char *word);

/* `format` may be NULL. Lines are cut at 1 KiB. */
__attribute__((format(printf, 3, 4))) void
log_event(log_level_t level, const char *event, const char *format, ...);

#define log_debug(...) log_event(LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_event(LEVEL_ERROR, __VA_ARGS__)

/* `text` as a quoted logfmt value with control and non-ASCII bytes escaped,
 * cut to `size`; returns `buffer`. */
const char *log_quote(char *buffer, size_t size, const char *text);

#endif
