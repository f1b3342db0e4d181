/* SPDX-License-Identifier: Apache-2.0
 *
 * See lookup_json.h. The texts are printed into memory of a known bound,
 * without building a tree of JSON first.
 */
#include "edge/http/lookup_json.h"

#include "common/cursor.h"
#include "common/token.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Longest row of a list, its comma included. */
#define ROW_MAX 128

/* A blob that is written row by row. */
typedef struct {
    blob_t *blob;
    size_t size;
} rows_t;

__attribute__((format(printf, 2, 3))) static void s_row(rows_t *rows,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf((char *)rows->blob->bytes + rows->size, ROW_MAX,
                           format, arguments);
    va_end(arguments);
    assert(length > 0 && length < ROW_MAX);
    rows->size += (size_t)length;
}

/* Room for `count` rows, a begin and an end. */
static rows_t s_rows(size_t count, const char *begin)
{
    rows_t rows = {.blob = blob_new((count + 2) * ROW_MAX)};
    s_row(&rows, "%s", begin);
    return rows;
}

blob_t *lookup_json_history(const bus_page_t *page)
{
    size_t count = page->size / RECORD_BYTES;
    rows_t rows = s_rows(count, "{\"placements\":[");
    for (size_t i = 0; i < count; i++) {
        record_t record = record_decode(page->bytes + i * RECORD_BYTES);
        char user[USER_HEX_BYTES];
        user_to_hex(record.user, user);
        s_row(&rows,
              "%s{\"seq\":%llu,\"placed_at\":%llu,\"user\":\"%s\","
              "\"color\":%u}",
              i ? "," : "", (unsigned long long)record.seq,
              (unsigned long long)record.placed_at_ms, user, record.color);
    }
    if (page->next)
        s_row(&rows, "],\"before\":%llu}", (unsigned long long)page->next);
    else
        s_row(&rows, "],\"before\":null}");
    return blob_shrink(rows.blob, rows.size);
}

blob_t *lookup_json_snapshots(const bus_page_t *page)
{
    size_t count = page->size / BUS_STAMP_BYTES;
    rows_t rows = s_rows(count, "{\"snapshots\":[");
    for (size_t i = count; i-- > 0;) {
        reader_t r =
            reader_of(page->bytes + i * BUS_STAMP_BYTES, BUS_STAMP_BYTES);
        uint64_t seq = read_u64(&r), taken_at_ms = read_u64(&r);
        s_row(&rows, "%s{\"seq\":%llu,\"taken_at\":%llu}",
              i + 1 < count ? "," : "", (unsigned long long)seq,
              (unsigned long long)taken_at_ms);
    }
    s_row(&rows, "]}");
    return blob_shrink(rows.blob, rows.size);
}
