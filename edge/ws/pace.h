/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the tick is: as short as may be while fanning out takes a bearable
 * share of the loop, longer as clients and load grow. Pure: times in, tick
 * out.
 *
 * A round's cost hardly depends on the tick, so cost ÷ share is the tick that
 * fits. It is lengthened at once when the measured share is over PACE_HIGH, and
 * shortened slowly, by a fifth, after PACE_CALM rounds in a row under PACE_LOW.
 */
#ifndef EDGE_WS_PACE_H
#define EDGE_WS_PACE_H

#include <stdint.h>

#define PACE_TARGET 0.60
#define PACE_HIGH 0.70
#define PACE_LOW 0.54
#define PACE_CALM 10

typedef struct {
    double min_ms, max_ms;
    double tick_ms;
    double cost_ms; /* smoothed, of a round */
    unsigned calm;  /* rounds in a row under PACE_LOW */
} pace_t;

pace_t pace_of(uint32_t min_ms, uint32_t max_ms);

/* New bounds, at once: the tick is now what the rounds so far would need.
 * `max_ms` below `min_ms` counts as `min_ms`. Returns the tick. */
uint32_t pace_bound(pace_t *self, uint32_t min_ms, uint32_t max_ms);

/* One round cost that much of the loop's time; returns the tick from now on. */
uint32_t pace_round(pace_t *self, double cost_ms);

#endif
