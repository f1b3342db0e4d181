/* SPDX-License-Identifier: Apache-2.0
 *
 * A token bucket in one number, the time at which it is full again (the generic
 * cell rate algorithm, ITU-T I.371).
 */
#ifndef EDGE_BUCKET_H
#define EDGE_BUCKET_H

#include <stdint.h>

/* Takes one of `burst` tokens that come back at `rate` a second. 0 where there
 * was one; else, bucket unchanged, the ms until there is. *full_at is in
 * microseconds; 0: full. */
static inline uint32_t bucket_take(uint64_t *full_at, uint64_t now_ms,
                                   uint32_t rate, uint32_t burst)
{
    uint64_t now = now_ms * 1000, each = 1000000 / rate;
    uint64_t full = *full_at > now ? *full_at : now;
    uint64_t deepest = now + each * (burst - 1);
    if (full > deepest)
        return (uint32_t)((full - deepest + 999) / 1000);
    *full_at = full + each;
    return 0;
}

#define BUCKET_MINUTE_US UINT64_C(60000000)

/* Takes `cost` of the `limit` > 0 that comes back within each minute, and may
 * be taken at once. 0, or, bucket unchanged, the ms until it can. */
static inline uint32_t bucket_spend(uint64_t *full_at, uint64_t now_ms,
                                    uint64_t limit, uint64_t cost)
{
    uint64_t now = now_ms * 1000, minute = BUCKET_MINUTE_US;
    uint64_t full = (*full_at > now ? *full_at : now) + cost * minute / limit;
    if (full > now + minute)
        return (uint32_t)((full - now - minute + 999) / 1000);
    *full_at = full;
    return 0;
}

#endif
