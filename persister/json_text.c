/* SPDX-License-Identifier: Apache-2.0
 *
 * See json_text.h. The text grows by doubling.
 */
#include "persister/json_text.h"

#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *s_grow(json_text_t *self, size_t count)
{
    if (self->size + count > self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 1024;
        while (capacity < self->size + count)
            capacity *= 2;
        self->bytes = mem_realloc(self->bytes, capacity, 1);
        self->capacity = capacity;
    }
    char *at = self->bytes + self->size;
    self->size += count;
    return at;
}

void json_text_fini(json_text_t *self)
{
    free(self->bytes);
    *self = (json_text_t){0};
}

void json_text_clear(json_text_t *self)
{
    self->size = 0;
}

void json_put_raw(json_text_t *self, const char *text, size_t size)
{
    if (size > 0)
        memcpy(s_grow(self, size), text, size);
}

void json_put(json_text_t *self, const char *text)
{
    json_put_raw(self, text, strlen(text));
}

void json_put_number(json_text_t *self, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    memcpy(s_grow(self, sizeof digits - at), digits + at, sizeof digits - at);
}

void json_put_string(json_text_t *self, const char *string)
{
    *s_grow(self, 1) = '"';
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c < 0x20) {
            char code[7];
            snprintf(code, sizeof code, "\\u%04x", c);
            json_put(self, code);
            continue;
        }
        if (c == '"' || c == '\\')
            *s_grow(self, 1) = '\\';
        *s_grow(self, 1) = (char)c;
    }
    *s_grow(self, 1) = '"';
}

void json_put_hex64(json_text_t *self, uint64_t number)
{
    char *at = s_grow(self, 16);
    for (int i = 0; i < 16; i++)
        at[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void json_put_base64(json_text_t *self, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    char *out = s_grow(self, (size + 2) / 3 * 4);
    for (; size >= 3; size -= 3, in += 3) {
        uint32_t group = (uint32_t)in[0] << 16 | in[1] << 8 | in[2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = alphabet[group >> 6 & 63];
        *out++ = alphabet[group & 63];
    }
    if (size > 0) {
        uint32_t group = (uint32_t)in[0] << 16 | (size > 1 ? in[1] << 8 : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = size > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = '=';
    }
}

/* 0 … 63; 64 for anything else. */
static unsigned s_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

uint8_t *base64_decode(const char *text, size_t length, size_t *size)
{
    while (length > 0 && text[length - 1] == '=')
        length--;
    if (length % 4 == 1)
        return NULL;
    uint8_t *bytes = mem_alloc(length / 4 * 3 + 3);
    uint8_t *out = bytes;
    uint32_t group = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = s_digit(text[i]);
        if (digit == 64) {
            free(bytes);
            return NULL;
        }
        group = group << 6 | digit;
        if (i % 4 != 0)
            *out++ = (uint8_t)(group >> (6 - 2 * (i % 4)));
    }
    *size = (size_t)(out - bytes);
    return bytes;
}
