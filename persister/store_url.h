/* SPDX-License-Identifier: Apache-2.0
 *
 * The URL of a remote store behind its scheme: BASE?name=value&name=value, with
 * percent-encoded values. Only the names a store knows are accepted.
 */
#ifndef PERSISTER_STORE_URL_H
#define PERSISTER_STORE_URL_H

#include <stddef.h>
#include <stdint.h>

#define STORE_URL_PARAMETERS_MAX 16

typedef struct {
    char *base; /* owns the text that all others point into */
    size_t count;
    const char *names[STORE_URL_PARAMETERS_MAX];
    const char *values[STORE_URL_PARAMETERS_MAX];
} store_url_t;

/* `known` ends at NULL. -1 with the reason in *why (static text) for a name
 * that is not known, too many of them or a damaged encoding; nothing to free
 * then. */
int store_url_parse(store_url_t *self, const char *url,
                    const char *const *known, const char **why);
void store_url_fini(store_url_t *self);

/* The value, or `standard` where the name is not given. */
const char *store_url_get(const store_url_t *self, const char *name,
                          const char *standard);

/* The same as a number in min … max; -1 where it is none or outside. */
int64_t store_url_number(const store_url_t *self, const char *name,
                         int64_t standard, int64_t min, int64_t max);

#endif
