/* SPDX-License-Identifier: Apache-2.0
 *
 * See clock.h.
 */
#include "common/clock.h"

#include <time.h>

static uint64_t s_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t s_wall_ms(void)
{
    return s_ns(CLOCK_REALTIME) / 1000000u;
}

static uint64_t s_mono_ms(void)
{
    return s_ns(CLOCK_MONOTONIC) / 1000000u;
}

const clock_source_t clock_system = {.wall_ms = s_wall_ms,
                                     .mono_ms = s_mono_ms};

static const clock_source_t *s_source = &clock_system;

void clock_use(const clock_source_t *source)
{
    s_source = source;
}

uint64_t clock_wall_ms(void)
{
    return s_source->wall_ms();
}

uint64_t clock_mono_ms(void)
{
    return s_source->mono_ms();
}

uint64_t clock_mono_ns(void)
{
    return s_ns(CLOCK_MONOTONIC);
}
