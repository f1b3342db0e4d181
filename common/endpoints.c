/* SPDX-License-Identifier: Apache-2.0
 *
 * See endpoints.h.
 */
#include "common/endpoints.h"

#include "common/log.h"

#include <string.h>

static const char s_between[] = ", \t\r\n";

int endpoints_each(const char *list, endpoint_fn each, void *context)
{
    char endpoint[ENDPOINT_MAX];
    int count = 0;
    for (const char *at = list ? list : "";; count++) {
        at += strspn(at, s_between);
        size_t length = strcspn(at, s_between);
        if (!length)
            return count;
        if (length >= sizeof endpoint) {
            log_error("endpoint_too_long", "max=%d", ENDPOINT_MAX - 1);
            return -1;
        }
        memcpy(endpoint, at, length);
        endpoint[length] = '\0';
        if (each(context, endpoint))
            return -1;
        at += length;
    }
}
