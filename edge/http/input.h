/* SPDX-License-Identifier: Apache-2.0
 *
 * Values in requests, from text. What is an integer of any size is read (and
 * saturated), so that the caller can tell "off the board" from "no number".
 */
#ifndef EDGE_HTTP_INPUT_H
#define EDGE_HTTP_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* Decimal digits with an optional minus sign, and nothing else; -1 for any
 * other text. Beyond int64 it saturates. No digit stands at text[length]. */
int input_integer(const char *text, size_t length, int64_t *value);

/* Decimal digits up to UINT32_MAX; -1 for any other text. Blanks at its end
 * are passed over, as header values may have them. */
int input_u32(const char *text, uint32_t *value);

/* {"NAME":n}: 0 and the integer, saturated; -1 where it is no JSON object, or
 * NAME is missing or no integer. Unknown members are ignored. */
int input_member(const char *body, size_t size, const char *name,
                 int64_t *value);

#endif
