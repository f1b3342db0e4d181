/* SPDX-License-Identifier: Apache-2.0
 *
 * See config_json.h.
 */
#include "edge/config_json.h"

#include <jansson.h>
#include <string.h>

/* The setting's comma list as an array. */
static json_t *s_endpoints(const char *list)
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

char *config_json(const canvas_t *canvas, const char *endpoints, size_t *size)
{
    char text[CANVAS_JSON_MAX];
    size_t length = canvas_to_json(canvas, text, sizeof text);
    json_t *config = json_loadb(text, length, 0, NULL);
    json_object_set_new(config, "endpoints", s_endpoints(endpoints));
    char *json = json_dumps(config, JSON_COMPACT);
    json_decref(config);
    *size = strlen(json);
    return json;
}
