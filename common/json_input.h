/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON from outside, whose whole numbers may be of any size.
 */
#ifndef COMMON_JSON_INPUT_H
#define COMMON_JSON_INPUT_H

#include <jansson.h>
#include <stddef.h>

/* An object's integer members that no int64 holds are saturated. Strings may
 * hold NULs. NULL where it is no JSON; `flags` are jansson's. The caller's
 * (json_decref). */
json_t *json_input_load(const char *text, size_t size, size_t flags);

#endif
