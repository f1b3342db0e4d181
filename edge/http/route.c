/* SPDX-License-Identifier: Apache-2.0
 *
 * See route.h. A path is compared with each pattern in turn: the table has a
 * dozen rows.
 */
#include "edge/http/route.h"

#include <assert.h>
#include <string.h>

bool route_match(const char *pattern, const char *path,
                 route_arguments_t *arguments)
{
    size_t taken = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '{') {
            if (*pattern != *path++)
                return false;
            continue;
        }
        size_t length = strcspn(path, "/");
        if (!length)
            return false;
        assert(taken < ROUTE_ARGUMENTS);
        arguments->text[taken] = path;
        arguments->length[taken++] = length;
        path += length;
        pattern++;
    }
    return !*path;
}

const route_t *route_find(const route_t *routes, size_t count, const char *path,
                          route_arguments_t *arguments)
{
    for (size_t i = 0; i < count; i++)
        if (route_match(routes[i].pattern, path, arguments))
            return &routes[i];
    return NULL;
}

void route_allow(const route_t *route, char allow[ROUTE_ALLOW_MAX])
{
    static const char *const names[METHOD_COUNT] = {
        [METHOD_GET] = "GET, HEAD, ",
        [METHOD_POST] = "POST, ",
        [METHOD_PUT] = "PUT, ",
        [METHOD_DELETE] = "DELETE, ",
    };
    allow[0] = '\0';
    for (int i = 0; i < METHOD_COUNT; i++)
        if (route->handlers[i])
            strcat(allow, names[i]);
    strcat(allow, "OPTIONS");
}
