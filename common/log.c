/* SPDX-License-Identifier: Apache-2.0
 *
 * See log.h. A line is built whole and written by one write(2), so that lines
 * of several processes on one descriptor do not mix.
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char *const s_words[] = {"debug", "info", "warn", "error"};
static char s_process[64] = "stipple";
static log_level_t s_least = LEVEL_INFO;

void log_init(const char *process, log_level_t least)
{
    snprintf(s_process, sizeof s_process, "%s", process);
    s_least = least;
}

int log_level_parse(const char *word)
{
    for (int i = 0; i < (int)(sizeof s_words / sizeof *s_words); i++)
        if (!strcmp(word, s_words[i]))
            return i;
    return -1;
}

static size_t s_head(char *line, size_t size, log_level_t level,
                     const char *event)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    int length =
        snprintf(line, size, "ts=%s.%03ldZ level=%s process=%s event=%s", stamp,
                 now.tv_nsec / 1000000, s_words[level], s_process, event);
    return (size_t)length < size ? (size_t)length : size - 1;
}

void log_event(log_level_t level, const char *event, const char *format, ...)
{
    if (level < s_least)
        return;
    char line[LINE_MAX_BYTES];
    size_t room = sizeof line - 1; /* the newline's byte */
    size_t length = s_head(line, room, level, event);
    if (format && length + 1 < room) {
        line[length++] = ' ';
        va_list arguments;
        va_start(arguments, format);
        int more = vsnprintf(line + length, room - length, format, arguments);
        va_end(arguments);
        if (more > 0)
            length +=
                (size_t)more < room - length ? (size_t)more : room - length - 1;
    }
    line[length++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, length);
    (void)ignored;
}

/* One byte as it stands in a quoted value: itself, or \xNN. */
static size_t s_escape(char out[5], unsigned char byte)
{
    bool plain = byte >= ' ' && byte < 127 && byte != '"' && byte != '\\';
    if (!plain)
        return (size_t)snprintf(out, 5, "\\x%02x", byte);
    out[0] = (char)byte;
    return 1;
}

const char *log_quote(char *buffer, size_t size, const char *text)
{
    if (size < 3)
        return "";
    size_t length = 0;
    buffer[length++] = '"';
    for (; *text; text++) {
        char piece[5];
        size_t more = s_escape(piece, (unsigned char)*text);
        if (length + more + 2 > size)
            break;
        memcpy(buffer + length, piece, more);
        length += more;
    }
    buffer[length++] = '"';
    buffer[length] = '\0';
    return buffer;
}
