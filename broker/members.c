/* SPDX-License-Identifier: Apache-2.0
 *
 * See members.h.
 */
#include "broker/members.h"

#include "common/token.h"

#include <string.h>

const char *member_text(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(request, name));
}

bool member_number(const json_t *request, const char *name, uint64_t most,
                   uint64_t *number)
{
    const json_t *value = json_object_get(request, name);
    *number = 0;
    if (!value)
        return true;
    json_int_t read = json_integer_value(value);
    *number = (uint64_t)read;
    return json_is_integer(value) && read >= 0 && (uint64_t)read <= most;
}

const char *member_user(selection_t *of, const json_t *request)
{
    const char *hex = member_text(request, "user");
    if (!hex || user_from_hex(hex, &of->user) < 0)
        return "user is 16 hex digits";
    of->has |= HAS_USER;
    return NULL;
}

const char *member_box(selection_t *of, const json_t *request,
                       const canvas_t *canvas)
{
    const json_t *box = json_object_get(request, "box");
    uint16_t *corners[] = {&of->x0, &of->y0, &of->x1, &of->y1};
    if (json_array_size(box) != 4)
        return "box is [x0, y0, x1, y1]";
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_array_get(box, i);
        json_int_t number = json_integer_value(value);
        uint32_t side = i % 2 ? canvas->height : canvas->width;
        if (!json_is_integer(value) || number < 0 || number >= side)
            return "the box is not on the board";
        *corners[i] = (uint16_t)number;
    }
    if (of->x0 > of->x1 || of->y0 > of->y1)
        return "the box's first corner is the upper left one";
    of->has |= HAS_BOX;
    return NULL;
}

const char *member_times(selection_t *of, const json_t *request)
{
    if (!member_number(request, "from", INT64_MAX, &of->from_ms) ||
        !member_number(request, "until", INT64_MAX, &of->until_ms))
        return "from and until are times in milliseconds since 1970";
    if (!json_object_get(request, "from") && !json_object_get(request, "until"))
        return NULL;
    of->has |= HAS_TIME;
    if (!json_object_get(request, "until"))
        of->until_ms = INT64_MAX;
    return of->from_ms > of->until_ms ? "from is after until" : NULL;
}
