/* SPDX-License-Identifier: Apache-2.0
 *
 * See dynamodb_item.h. Items are written with json_text.h and read with
 * jansson.
 */
#include "persister/dynamodb/dynamodb_item.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void s_begin(json_text_t *json, const char *name, const char *type)
{
    json_put(json, "\"");
    json_put(json, name);
    json_put(json, type);
}

void item_put_number(json_text_t *json, const char *name, uint64_t number)
{
    s_begin(json, name, "\":{\"N\":\"");
    json_put_number(json, number);
    json_put(json, "\"}");
}

void item_put_integer(json_text_t *json, const char *name, int64_t number)
{
    s_begin(json, name, "\":{\"N\":\"");
    if (number < 0)
        json_put(json, "-");
    json_put_number(json, number < 0 ? -(uint64_t)number : (uint64_t)number);
    json_put(json, "\"}");
}

void item_put_string(json_text_t *json, const char *name, const char *string)
{
    s_begin(json, name, "\":{\"S\":");
    json_put_string(json, string);
    json_put(json, "}");
}

void item_put_hex(json_text_t *json, const char *name, uint64_t number)
{
    s_begin(json, name, "\":{\"S\":\"");
    json_put_hex64(json, number);
    json_put(json, "\"}");
}

void item_put_bytes(json_text_t *json, const char *name, const void *bytes,
                    size_t size)
{
    s_begin(json, name, "\":{\"B\":\"");
    json_put_base64(json, bytes, size);
    json_put(json, "\"}");
}

void item_put_pixel(json_text_t *json, const char *name, uint16_t x, uint16_t y)
{
    s_begin(json, name, "\":{\"S\":\"");
    json_put_number(json, x);
    json_put(json, ",");
    json_put_number(json, y);
    json_put(json, "\"}");
}

void item_put_placement(json_text_t *json, const record_t *record)
{
    json_put(json, "{\"PutRequest\":{\"Item\":{");
    item_put_pixel(json, "pixel", record->x, record->y);
    json_put(json, ",");
    item_put_number(json, "seq", record->seq);
    json_put(json, ",");
    item_put_number(json, "placed_at", record->placed_at_ms);
    json_put(json, ",");
    item_put_hex(json, "user", record->user);
    json_put(json, ",");
    item_put_number(json, "color", record->color);
    json_put(json, "}}}");
}

static const char *s_get(const json_t *item, const char *name, const char *type,
                         size_t *length)
{
    const json_t *value = json_object_get(json_object_get(item, name), type);
    *length = json_string_length(value);
    return json_string_value(value);
}

static int s_number(const char *text, int base, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = text ? strtoull(text, &end, base) : 0;
    return text && *text && !*end && !errno && *text != '-' ? 0 : -1;
}

int item_get_number(const json_t *item, const char *name, uint64_t *number)
{
    size_t length;
    return s_number(s_get(item, name, "N", &length), 10, number);
}

const char *item_get_string(const json_t *item, const char *name)
{
    size_t length;
    return s_get(item, name, "S", &length);
}

uint8_t *item_get_bytes(const json_t *item, const char *name, size_t *size)
{
    size_t length;
    const char *text = s_get(item, name, "B", &length);
    return text ? base64_decode(text, length, size) : NULL;
}

int item_get_placement(const json_t *item, record_t *record)
{
    uint64_t color;
    unsigned x, y;
    char rest;
    const char *pixel = item_get_string(item, "pixel");
    *record = (record_t){0};
    if (!pixel || sscanf(pixel, "%5u,%5u%c", &x, &y, &rest) != 2 ||
        x > UINT16_MAX || y > UINT16_MAX)
        return -1;
    if (item_get_number(item, "seq", &record->seq) ||
        item_get_number(item, "placed_at", &record->placed_at_ms) ||
        item_get_number(item, "color", &color) || color > UINT8_MAX ||
        s_number(item_get_string(item, "user"), 16, &record->user))
        return -1;
    record->x = (uint16_t)x;
    record->y = (uint16_t)y;
    record->color = (uint8_t)color;
    return 0;
}
