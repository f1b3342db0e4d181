/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting times between tries: exponential with full jitter (Marc Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that many
 * clients of one failed server do not come back in step.
 */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdint.h>

typedef struct {
    uint32_t base_ms, cap_ms;
    uint32_t tries; /* since the last reset */
} backoff_t;

backoff_t backoff_of(uint32_t base_ms, uint32_t cap_ms);

/* A random wait in [base, min(cap, base × 2^tries)]; counts the try. */
uint32_t backoff_next_ms(backoff_t *self);
void backoff_reset(backoff_t *self);

/* Uniform in [0, below), from a per-process generator seeded by the kernel.
 * Not for secrets. */
uint32_t random_below(uint32_t below);
uint64_t random_u64(void);

#endif
