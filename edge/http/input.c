/* SPDX-License-Identifier: Apache-2.0
 *
 * See input.h. The characters of a text are checked first, so that strtoll and
 * its like only saturate.
 */
#include "edge/http/input.h"

#include "common/json_input.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

int input_integer(const char *text, size_t length, int64_t *value)
{
    size_t sign = length && *text == '-';
    if (length == sign || sign + strspn(text + sign, DIGITS) != length)
        return -1;
    *value = strtoll(text, NULL, 10); /* saturates */
    return 0;
}

int input_u32(const char *text, uint32_t *value)
{
    size_t digits = strspn(text, DIGITS);
    if (!digits || text[digits + strspn(text + digits, " \t")])
        return -1;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (errno || number > UINT32_MAX)
        return -1;
    *value = (uint32_t)number;
    return 0;
}

int input_member(const char *body, size_t size, const char *name,
                 int64_t *value)
{
    json_t *root = json_input_load(body, size, JSON_REJECT_DUPLICATES);
    const json_t *member = json_object_get(root, name);
    bool good = json_is_integer(member);
    *value = json_integer_value(member);
    json_decref(root);
    return good ? 0 : -1;
}
