/* SPDX-License-Identifier: Apache-2.0
 *
 * See negotiate.h. A header is walked in place, element by element.
 */
#include "edge/http/negotiate.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const names[ENCODING_COUNT] = {
    [ENCODING_IDENTITY] = "identity", [ENCODING_GZIP] = "gzip"};

const char *encoding_name(encoding_t encoding)
{
    return encoding == ENCODING_IDENTITY ? NULL : names[encoding];
}

static const char *s_skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

static bool s_is(const char *at, size_t length, const char *word)
{
    return length == strlen(word) && !strncasecmp(at, word, length);
}

/* The weight behind a token, in thousandths; 1000 where none stands. */
static int s_weight(const char *at, const char *end)
{
    for (; at < end; at++) {
        if (*at != ';')
            continue;
        const char *name = s_skip_space(at + 1);
        if ((*name == 'q' || *name == 'Q') && name[1] == '=') {
            double q = strtod(name + 2, NULL);
            return q > 0 ? q < 1 ? (int)(q * 1000) : 1000 : 0;
        }
    }
    return 1000;
}

/* Thousandths for one coding: its own entry, else that of `*`, else
 * `standard`. */
static int s_accepts(const char *accept, const char *name, int standard)
{
    int any = -1;
    for (const char *at = accept; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ",; \t");
        const char *end = at + strcspn(at, ",");
        if (s_is(at, length, name) ||
            (!strcmp(name, "gzip") && s_is(at, length, "x-gzip")))
            return s_weight(at + length, end);
        if (s_is(at, length, "*"))
            any = s_weight(at + length, end);
        at = end;
    }
    return any >= 0 ? any : standard;
}

encoding_t encoding_choose(const char *accept)
{
    if (!accept)
        return ENCODING_IDENTITY;
    int gzip = s_accepts(accept, "gzip", 0);
    /* Unnamed, identity is acceptable, but anything named is liked better. */
    int identity = s_accepts(accept, "identity", 1);
    return gzip && gzip >= identity ? ENCODING_GZIP : ENCODING_IDENTITY;
}

bool etag_matches(const char *if_none_match, const char *etag)
{
    size_t length = strlen(etag);
    const char *at = if_none_match ? if_none_match : "";
    while (*at) {
        at += strspn(at, ", \t");
        if (*at == '*')
            return true;
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end) {
            at += strcspn(at, ",");
            continue;
        }
        if ((size_t)(end + 1 - at) == length && !strncmp(at, etag, length))
            return true;
        at = end + 1;
    }
    return false;
}

bool list_has(const char *list, const char *token)
{
    for (const char *at = list ? list : ""; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ",");
        size_t word = length;
        while (word && strchr(" \t", at[word - 1]))
            word--;
        if (s_is(at, word, token))
            return true;
        at += length;
    }
    return false;
}
