/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_memory.h.
 */
#include "broker/redis_memory.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text behind a line's name; NULL if there is no such line. */
static const char *s_line(const char *info, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = info; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (!strncmp(at, name, size) && at[size] == ':')
            return at + size + 1;
    }
    return NULL;
}

redis_memory_t redis_memory_of(const char *info)
{
    redis_memory_t self = {0};
    const char *max = s_line(info, "maxmemory");
    const char *policy = s_line(info, "maxmemory_policy");
    if (max)
        self.max_bytes = strtoull(max, NULL, 10);
    if (policy)
        snprintf(self.policy, sizeof self.policy, "%.*s",
                 (int)strcspn(policy, "\r\n"), policy);
    return self;
}

bool redis_memory_may_evict(const redis_memory_t *self)
{
    return self->max_bytes && *self->policy &&
           strcmp(self->policy, "noeviction") != 0;
}

void redis_memory_log(const redis_memory_t *self, uint64_t needed_bytes)
{
    char policy[80];
    if (redis_memory_may_evict(self))
        log_error("redis_may_evict",
                  "policy=%s hint=\"set maxmemory-policy to noeviction\"",
                  log_quote(policy, sizeof policy, self->policy));
    if (self->max_bytes && self->max_bytes < needed_bytes)
        log_warn("redis_memory_small",
                 "maxmemory=%" PRIu64 " needed=%" PRIu64
                 " hint=\"raise maxmemory, or lower log_limit\"",
                 self->max_bytes, needed_bytes);
}
