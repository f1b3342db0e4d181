/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_url.h.
 */
#include "broker/redis_url.h"

#include "common/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STANDARD_PORT 6379
#define DB_MAX 1023

void redis_url_fini(redis_url_t *self)
{
    free(self->host);
    free(self->path);
    free(self->user);
    free(self->password);
    *self = (redis_url_t){0};
}

static int s_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A copy with %XX decoded; NULL where an escape is malformed or is NUL. */
static char *s_decoded(const char *text, size_t length)
{
    char *copy = mem_alloc(length + 1), *to = copy;
    for (const char *at = text; at < text + length; at++) {
        if (*at != '%') {
            *to++ = *at;
            continue;
        }
        int high = text + length - at > 2 ? s_hex(at[1]) : -1;
        int low = high < 0 ? -1 : s_hex(at[2]);
        if (low < 0 || !(high | low)) {
            free(copy);
            return NULL;
        }
        *to++ = (char)(high << 4 | low);
        at += 2;
    }
    *to = '\0';
    return copy;
}

/* A decimal number that ends at `end`. */
static int s_number(int *value, const char *text, const char *end, int max)
{
    long number = 0;
    if (text == end)
        return -1;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        number = number * 10 + (*text - '0');
        if (number > max)
            return -1;
    }
    *value = (int)number;
    return 0;
}

/* [[USER]:PASSWORD@] at the front of `*at`, which is moved behind it. */
static int s_credentials(redis_url_t *self, const char **at, const char *end)
{
    const char *sign = memrchr(*at, '@', (size_t)(end - *at));
    if (!sign)
        return 0;
    const char *colon = memchr(*at, ':', (size_t)(sign - *at));
    if (!colon)
        return -1;
    if (colon > *at && !(self->user = s_decoded(*at, (size_t)(colon - *at))))
        return -1;
    self->password = s_decoded(colon + 1, (size_t)(sign - colon - 1));
    *at = sign + 1;
    return self->password ? 0 : -1;
}

static int s_host(redis_url_t *self, const char *at, const char *end)
{
    const char *host = at, *host_end;
    bool brackets = at < end && *at == '[';
    if (brackets) {
        host = at + 1;
        host_end = memchr(host, ']', (size_t)(end - host));
        at = host_end ? host_end + 1 : end;
    } else {
        host_end = host;
        while (host_end < end && *host_end != ':')
            host_end++;
        at = host_end;
    }
    if (!host_end || host_end == host)
        return -1;
    self->host = strndup(host, (size_t)(host_end - host));
    self->port = STANDARD_PORT;
    if (at == end)
        return 0;
    return *at == ':' ? s_number(&self->port, at + 1, end, 65535) : -1;
}

static int s_parse_tcp(redis_url_t *self, const char *at)
{
    /* A password may hold a slash only as %2F. */
    const char *slash = strchr(at, '/');
    const char *end = slash ? slash : at + strlen(at);
    if (slash && slash[1] &&
        s_number(&self->db, slash + 1, slash + strlen(slash), DB_MAX) < 0)
        return -1;
    if (s_credentials(self, &at, end) < 0 || s_host(self, at, end) < 0)
        return -1;
    return self->port ? 0 : -1;
}

static int s_parse_unix(redis_url_t *self, const char *at)
{
    const char *end = at + strlen(at);
    if (!strncmp(at, "//", 2)) {
        at += 2;
        const char *slash = strchr(at, '/');
        if (!slash || s_credentials(self, &at, slash) < 0 || at != slash)
            return -1;
    }
    const char *query = strstr(at, "?db=");
    if (query && s_number(&self->db, query + 4, end, DB_MAX) < 0)
        return -1;
    self->path = strndup(at, (size_t)((query ? query : end) - at));
    return *self->path ? 0 : -1;
}

int redis_url_parse(redis_url_t *self, const char *text)
{
    *self = (redis_url_t){0};
    int result = -1;
    if (!strncmp(text, "redis://", 8))
        result = s_parse_tcp(self, text + 8);
    else if (!strncmp(text, "unix:", 5))
        result = s_parse_unix(self, text + 5);
    if (result < 0)
        redis_url_fini(self);
    return result;
}
