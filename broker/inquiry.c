/* SPDX-License-Identifier: Apache-2.0
 *
 * See inquiry.h.
 */
#include "broker/inquiry.h"

#include "broker/members.h"
#include "common/token.h"

#include <string.h>

/* "limit", and "before": the seq behind which a page before this one ended. */
static const char *s_take_page(bus_look_t *look, const json_t *request)
{
    uint64_t limit, before;
    if (!member_number(request, "limit", BUS_LOOK_MAX, &limit) ||
        (json_object_get(request, "limit") && !limit))
        return "limit is a number from 1 to 1000";
    if (!member_number(request, "before", INT64_MAX, &before))
        return "before is a seq";
    look->limit = limit ? (uint16_t)limit : INQUIRY_LIMIT;
    look->of.upto = before ? before - 1 : UINT64_MAX;
    return NULL;
}

static const char *s_begin(bus_look_t *look, look_kind_t kind,
                           const json_t *request)
{
    *look = (bus_look_t){.kind = (uint8_t)kind, .color = BUS_ANY_COLOR};
    return s_take_page(look, request);
}

const char *inquiry_who(bus_look_t *look, const parts_t *parts,
                        const json_t *request)
{
    const canvas_t *canvas = &parts->world.canvas;
    uint64_t x, y;
    const char *error = s_begin(look, LOOK_PLACEMENTS, request);
    if (error)
        return error;
    if (!json_object_get(request, "x") || !json_object_get(request, "y") ||
        !member_number(request, "x", canvas->width - 1, &x) ||
        !member_number(request, "y", canvas->height - 1, &y))
        return "that pixel is not on the board";
    look->of.x0 = look->of.x1 = (uint16_t)x;
    look->of.y0 = look->of.y1 = (uint16_t)y;
    look->of.has = HAS_BOX;
    return NULL;
}

const char *inquiry_user(bus_look_t *look, const parts_t *parts,
                         const json_t *request)
{
    (void)parts;
    const char *error = s_begin(look, LOOK_PLACEMENTS, request);
    return error ? error : member_user(&look->of, request);
}

static const char *s_take_color(bus_look_t *look, const canvas_t *canvas,
                                const json_t *request)
{
    uint64_t color;
    if (!json_object_get(request, "color"))
        return NULL;
    if (!member_number(request, "color", (1u << canvas->bits) - 1, &color))
        return "there is no such colour";
    look->color = (uint16_t)color;
    return NULL;
}

const char *inquiry_search(bus_look_t *look, const parts_t *parts,
                           const json_t *request)
{
    const canvas_t *canvas = &parts->world.canvas;
    const char *error = s_begin(look, LOOK_PLACEMENTS, request);
    if (!error && json_object_get(request, "user"))
        error = member_user(&look->of, request);
    if (!error && json_object_get(request, "box"))
        error = member_box(&look->of, request, canvas);
    if (!error)
        error = member_times(&look->of, request);
    return error ? error : s_take_color(look, canvas, request);
}

const char *inquiry_audit(bus_look_t *look, const parts_t *parts,
                          const json_t *request)
{
    (void)parts;
    const char *name = member_text(request, "operator");
    const char *error = s_begin(look, LOOK_ACTIONS, request);
    if (!error && json_object_get(request, "operator")) {
        if (!name)
            return "operator is a name";
        look->of.user = token_user(name, strlen(name));
        look->of.has = HAS_USER;
    }
    return error ? error : member_times(&look->of, request);
}
