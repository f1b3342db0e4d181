/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/store.h"

#include "common/log.h"
#include "persister/stores.h"

#include <stdio.h>
#include <string.h>

/* A new store is one line here and one in stores.h. */
static const store_ops_t *const kinds[] = {
    &store_sqlite,
    &store_dynamodb,
    &store_cql,
};

#define KINDS (sizeof kinds / sizeof *kinds)

store_t *store_new(const char *url)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t length = strlen(kinds[i]->scheme);
        if (!strncmp(url, kinds[i]->scheme, length) && url[length] == ':')
            return kinds[i]->new (url + length + 1);
    }
    char known[256] = "";
    for (size_t i = 0, used = 0; i < KINDS && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 i ? ", " : "", kinds[i]->help);
    /* The URL may carry a password: only what stands before the colon. */
    char scheme[32];
    snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(url, ":"), url);
    char quoted[80];
    log_error("store_unknown", "scheme=%s known=\"%s\"",
              log_quote(quoted, sizeof quoted, scheme), known);
    return NULL;
}

void store_destroy(store_t **self_p)
{
    if (*self_p)
        (*self_p)->ops->destroy(self_p);
}
