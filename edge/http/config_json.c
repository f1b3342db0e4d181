/* SPDX-License-Identifier: Apache-2.0
 *
 * See config_json.h.
 */
#include "edge/http/config_json.h"

#include "common/wire.h"

#include <jansson.h>
#include <string.h>

/* The setting's comma list as an array. */
static json_t *s_list(const char *list)
{
    json_t *array = json_array();
    for (const char *at = list ? list : ""; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        if (length)
            json_array_append_new(array, json_stringn(at, length));
        at += length;
    }
    return array;
}

static bool s_is_set(const char *text)
{
    return text && *text;
}

static json_t *s_text_or_null(const char *text)
{
    return s_is_set(text) ? json_string(text) : json_null();
}

static json_t *s_time_or_null(int64_t ms)
{
    return ms ? json_integer(ms) : json_null();
}

/* null if nothing is said of one. */
static json_t *s_event(const edge_config_t *edge)
{
    if (!s_is_set(edge->event_name) && !s_is_set(edge->announcement) &&
        !edge->event_opens_at && !edge->event_closes_at)
        return json_null();
    json_t *event = json_object();
    json_object_set_new(event, "name", s_text_or_null(edge->event_name));
    json_object_set_new(event, "opens_at",
                        s_time_or_null(edge->event_opens_at));
    json_object_set_new(event, "closes_at",
                        s_time_or_null(edge->event_closes_at));
    json_object_set_new(event, "announcement",
                        s_text_or_null(edge->announcement));
    return event;
}

char *config_json(const canvas_t *canvas, const edge_config_t *edge,
                  size_t *size)
{
    char text[CANVAS_JSON_MAX];
    size_t length = canvas_to_json(canvas, text, sizeof text);
    json_t *config = json_loadb(text, length, 0, NULL);
    json_object_set_new(config, "endpoints", s_list(edge->endpoints));
    json_object_set_new(config, "pace_max_ms", json_integer(WIRE_PACE_MAX_MS));
    json_object_set_new(config, "undo_ms", json_integer(WIRE_UNDO_MS));
    json_object_set_new(config, "anonymous", json_boolean(edge->anonymous));
    json_object_set_new(config, "login_url", s_text_or_null(edge->login_url));
    json_object_set_new(config, "report_url", s_text_or_null(edge->report_url));
    json_object_set_new(config, "template_origins",
                        s_list(edge->template_origins));
    json_object_set_new(config, "event", s_event(edge));
    char *json = json_dumps(config, JSON_COMPACT);
    json_decref(config);
    *size = strlen(json);
    return json;
}
