/* SPDX-License-Identifier: Apache-2.0
 *
 * See base64url.h. Both ways work through one 32-bit window of 6-bit groups.
 */
#include "common/base64url.h"

#include <string.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encode(char *text, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    char *at = text;
    uint32_t window = 0;
    unsigned held = 0;
    for (size_t i = 0; i < size; i++) {
        window = window << 8 | from[i];
        held += 8;
        for (; held >= 6; held -= 6)
            *at++ = digits[window >> (held - 6) & 63];
    }
    if (held)
        *at++ = digits[window << (6 - held) & 63];
    return (size_t)(at - text);
}

static int s_value(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

ssize_t base64url_decode(void *bytes, const char *text, size_t length)
{
    uint8_t *at = bytes;
    uint32_t window = 0;
    unsigned held = 0;
    if (length % 4 == 1)
        return -1;
    for (size_t i = 0; i < length; i++) {
        int value = s_value(text[i]);
        if (value < 0)
            return -1;
        window = (window << 6 | (uint32_t)value) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *at++ = (uint8_t)(window >> held);
        }
    }
    if (window & ((1u << held) - 1))
        return -1;
    return at - (uint8_t *)bytes;
}
