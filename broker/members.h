/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of an operator's request. What takes one gives a sentence if it
 * makes no sense, else NULL.
 */
#ifndef BROKER_MEMBERS_H
#define BROKER_MEMBERS_H

#include "common/canvas.h"
#include "common/control.h"

#include <jansson.h>

/* NULL: it is absent, or no string. Borrowed. */
const char *member_text(const json_t *request, const char *name);
/* A whole number from 0 to `most`; absent: 0. False if it is none. */
bool member_number(const json_t *request, const char *name, uint64_t most,
                   uint64_t *number);

/* "user": 16 hex digits. */
const char *member_user(selection_t *of, const json_t *request);
/* "box": [x0, y0, x1, y1], both corners within, on the board. */
const char *member_box(selection_t *of, const json_t *request,
                       const canvas_t *canvas);
/* "from", "until": milliseconds since 1970, either may be absent. */
const char *member_times(selection_t *of, const json_t *request);

#endif
