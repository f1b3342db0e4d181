/* SPDX-License-Identifier: Apache-2.0
 *
 * See store_url.h. The URL is copied once and decoded in place.
 */
#include "persister/store_url.h"

#include "common/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int s_nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. */
static int s_decode(char *text)
{
    char *out = text;
    for (; *text; text++) {
        if (*text != '%') {
            *out++ = *text;
            continue;
        }
        int high = s_nibble(text[1]);
        int low = high < 0 ? -1 : s_nibble(text[2]);
        if (low < 0 || high + low == 0)
            return -1;
        *out++ = (char)(high << 4 | low);
        text += 2;
    }
    *out = '\0';
    return 0;
}

static bool s_known(const char *name, const char *const *known)
{
    while (*known && strcmp(*known, name) != 0)
        known++;
    return *known != NULL;
}

/* One "name=value" of the URL. */
static const char *s_add(store_url_t *self, char *pair,
                         const char *const *known)
{
    char *value = strchr(pair, '=');
    if (!value || self->count == STORE_URL_PARAMETERS_MAX)
        return "a parameter without value, or too many";
    *value++ = '\0';
    if (!s_known(pair, known))
        return "an unknown parameter";
    if (s_decode(value))
        return "a damaged percent-encoding";
    self->names[self->count] = pair;
    self->values[self->count++] = value;
    return NULL;
}

int store_url_parse(store_url_t *self, const char *url,
                    const char *const *known, const char **why)
{
    *self = (store_url_t){.base = mem_strdup(url)};
    *why = NULL;
    char *at = strchr(self->base, '?');
    if (at)
        *at++ = '\0';
    while (at && *at && !*why) {
        char *next = strchr(at, '&');
        if (next)
            *next++ = '\0';
        *why = s_add(self, at, known);
        at = next;
    }
    if (!*why)
        return 0;
    store_url_fini(self);
    return -1;
}

void store_url_fini(store_url_t *self)
{
    free(self->base);
    *self = (store_url_t){0};
}

const char *store_url_get(const store_url_t *self, const char *name,
                          const char *standard)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->names[i], name) == 0)
            return self->values[i];
    }
    return standard;
}

int64_t store_url_number(const store_url_t *self, const char *name,
                         int64_t standard, int64_t min, int64_t max)
{
    const char *text = store_url_get(self, name, NULL);
    if (!text)
        return standard;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < min || number > max)
        return -1;
    return number;
}
