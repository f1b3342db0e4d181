/* SPDX-License-Identifier: Apache-2.0
 *
 * Which pages may place pixels (CORS, and the Origin of WebSockets).
 */
#ifndef EDGE_HTTP_ORIGIN_H
#define EDGE_HTTP_ORIGIN_H

#include <stdbool.h>

/* True where the setting `origins` (a comma list of "https://example.org", or
 * "*") allows a page of `origin` to write, or where that page came from this
 * very host (`host` is the request's Host header or NULL). A request without
 * Origin (NULL) comes from no page and is allowed. */
bool origin_allowed(const char *origins, const char *origin, const char *host);

#endif
