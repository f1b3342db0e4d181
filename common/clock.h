/* SPDX-License-Identifier: Apache-2.0
 *
 * Time, behind one pointer so that tests can turn it by hand.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

typedef struct {
    uint64_t (*wall_ms)(void); /* since 1970; for what is stored or shown */
    uint64_t (*mono_ms)(void); /* since some start; for intervals */
} clock_source_t;

extern const clock_source_t clock_system;

/* The source in force: clock_system unless a test replaced it. */
void clock_use(const clock_source_t *source);
uint64_t clock_wall_ms(void);
uint64_t clock_mono_ms(void);

/* Seconds from then_s to now_s, both of a clock that may wrap; 0 if then_s
 * is the later: whoever walks with one `now` meets what happened behind it. */
static inline uint32_t clock_elapsed_s(uint32_t now_s, uint32_t then_s)
{
    int32_t elapsed = (int32_t)(now_s - then_s);
    return elapsed > 0 ? (uint32_t)elapsed : 0;
}

/* For measuring work: always the real monotonic clock. */
uint64_t clock_mono_ns(void);

#endif
