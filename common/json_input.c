/* SPDX-License-Identifier: Apache-2.0
 *
 * See json_input.h. Jansson reads the text; a second pass reads integers that
 * it refuses for their size.
 */
#include "common/json_input.h"

#include <math.h>
#include <stdint.h>

/* Where jansson refuses an integer for its size, it takes all as reals: those
 * that are whole become integers again. */
static void s_make_whole(json_t *root)
{
    const char *name;
    json_t *member;
    void *next;
    json_object_foreach_safe(root, next, name, member)
    {
        double number = json_real_value(member);
        if (!json_is_real(member) || trunc(number) != number)
            continue;
        json_int_t whole = number >= 0x1p63    ? INT64_MAX
                           : number <= -0x1p63 ? INT64_MIN
                                               : (json_int_t)number;
        json_object_set_new(root, name, json_integer(whole));
    }
}

json_t *json_input_load(const char *text, size_t size, size_t flags)
{
    json_error_t error;
    flags |= JSON_ALLOW_NUL;
    json_t *root = json_loadb(text, size, flags, &error);
    if (root || json_error_code(&error) != json_error_numeric_overflow)
        return root;
    root = json_loadb(text, size, flags | JSON_DECODE_INT_AS_REAL, NULL);
    s_make_whole(root);
    return root;
}
