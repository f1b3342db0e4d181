/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/lookup_json.h"

#include "common/token.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static size_t
s_print(char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, LOOKUP_JSON_MAX, format, arguments);
    va_end(arguments);
    assert(length > 0 && length < LOOKUP_JSON_MAX);
    return (size_t)length;
}

size_t lookup_json_pixel(char text[LOOKUP_JSON_MAX], const record_t *record)
{
    char user[USER_HEX_BYTES];
    user_to_hex(record->user, user);
    return s_print(text,
                   "{\"x\":%u,\"y\":%u,\"color\":%u,\"seq\":%llu,"
                   "\"placed_at\":%llu,\"user\":\"%s\"}",
                   record->x, record->y, record->color,
                   (unsigned long long)record->seq,
                   (unsigned long long)record->placed_at_ms, user);
}

size_t lookup_json_blank(char text[LOOKUP_JSON_MAX], uint16_t x, uint16_t y)
{
    return s_print(text,
                   "{\"x\":%u,\"y\":%u,\"color\":0,\"seq\":0,"
                   "\"placed_at\":null,\"user\":null}",
                   x, y);
}

size_t lookup_json_user(char text[LOOKUP_JSON_MAX], uint64_t user,
                        const record_t *last, uint32_t remaining_ms)
{
    char hex[USER_HEX_BYTES], placement[160] = "null";
    user_to_hex(user, hex);
    if (last)
        snprintf(placement, sizeof placement,
                 "{\"x\":%u,\"y\":%u,\"color\":%u,\"seq\":%llu,"
                 "\"placed_at\":%llu}",
                 last->x, last->y, last->color, (unsigned long long)last->seq,
                 (unsigned long long)last->placed_at_ms);
    return s_print(text,
                   "{\"user\":\"%s\",\"last_placement\":%s,"
                   "\"cooldown_remaining_ms\":%u}",
                   hex, placement, remaining_ms);
}
