/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths to handlers: one table of [path pattern][method] = handler.
 */
#ifndef EDGE_HTTP_ROUTE_H
#define EDGE_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    METHOD_GET, /* and HEAD */
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_COUNT
} method_t;

#define ROUTE_ARGUMENTS 2

struct exchange;
typedef void (*route_fn)(struct exchange *exchange);

typedef struct {
    const char *pattern; /* "/api/v1/pixels/{}/{}" */
    route_fn handlers[METHOD_COUNT];
} route_t;

/* What the braces took: pieces of the path, borrowed, no NUL behind them. */
typedef struct {
    const char *text[ROUTE_ARGUMENTS];
    size_t length[ROUTE_ARGUMENTS];
} route_arguments_t;

/* True where the path is of that pattern; each {} takes one or more characters
 * other than a slash. */
bool route_match(const char *pattern, const char *path,
                 route_arguments_t *arguments);

/* The first row that matches, NULL for none. */
const route_t *route_find(const route_t *routes, size_t count, const char *path,
                          route_arguments_t *arguments);

#define ROUTE_ALLOW_MAX 40
/* For Allow: "GET, HEAD, PUT, OPTIONS". */
void route_allow(const route_t *route, char allow[ROUTE_ALLOW_MAX]);

#endif
