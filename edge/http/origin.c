/* SPDX-License-Identifier: Apache-2.0
 *
 * See origin.h. An origin is compared as text with the list of the setting and
 * with the Host.
 */
#include "edge/http/origin.h"

#include <string.h>
#include <strings.h>

/* The page's host and port are those the request was sent to. The scheme is
 * left aside: behind a proxy that ends TLS it is not known here. */
static bool s_same_host(const char *origin, const char *host)
{
    const char *at = strstr(origin, "://");
    return host && at && !strcasecmp(at + 3, host);
}

bool origin_allowed(const char *origins, const char *origin, const char *host)
{
    if (!origin || s_same_host(origin, host))
        return true;
    size_t length = strlen(origin);
    for (const char *at = origins; *at;) {
        at += strspn(at, ", \t");
        size_t entry = strcspn(at, ", \t");
        if (entry == 1 && *at == '*')
            return true;
        /* "https://example.org/" means the same as without the slash. */
        size_t bare = entry && at[entry - 1] == '/' ? entry - 1 : entry;
        if (bare && bare == length && !strncasecmp(at, origin, length))
            return true;
        at += entry;
    }
    return false;
}
