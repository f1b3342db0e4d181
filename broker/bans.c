/* SPDX-License-Identifier: Apache-2.0
 *
 * See bans.h.
 */
#include "broker/bans.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

static int s_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

void bans_fini(bans_t *self)
{
    free(self->users);
    *self = (bans_t){0};
}

void bans_set(bans_t *self, const uint64_t *users, size_t count)
{
    bans_fini(self);
    if (!count)
        return;
    self->users = mem_zalloc(count, sizeof *users);
    memcpy(self->users, users, count * sizeof *users);
    qsort(self->users, count, sizeof *users, s_compare);
    self->count = count;
}

bool bans_has(const bans_t *self, uint64_t user)
{
    return self->count && bsearch(&user, self->users, self->count,
                                  sizeof *self->users, s_compare);
}
