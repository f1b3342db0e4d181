/* SPDX-License-Identifier: Apache-2.0
 *
 * See backoff.h. The generator is SplitMix64 (Steele, Lea, Flood 2014).
 */
#include "common/backoff.h"

#include "common/clock.h"

#include <sys/random.h>
#include <unistd.h>

backoff_t backoff_of(uint32_t base_ms, uint32_t cap_ms)
{
    return (backoff_t){.base_ms = base_ms, .cap_ms = cap_ms};
}

uint32_t backoff_next_ms(backoff_t *self)
{
    uint64_t top = self->base_ms;
    for (uint32_t i = 0; i < self->tries && top < self->cap_ms; i++)
        top *= 2;
    if (top > self->cap_ms)
        top = self->cap_ms;
    self->tries++;
    if (top <= self->base_ms)
        return self->base_ms;
    return self->base_ms + random_below((uint32_t)top - self->base_ms + 1);
}

void backoff_reset(backoff_t *self)
{
    self->tries = 0;
}

uint64_t random_u64(void)
{
    static uint64_t state;
    static pid_t owner; /* a forked worker seeds its own */
    if (owner != getpid()) {
        owner = getpid();
        if (getrandom(&state, sizeof state, GRND_NONBLOCK) != sizeof state)
            state = clock_mono_ns() ^ (uint64_t)owner << 32;
    }
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t random_below(uint32_t below)
{
    return (uint32_t)((random_u64() >> 32) * below >> 32);
}
