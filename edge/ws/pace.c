/* SPDX-License-Identifier: Apache-2.0
 *
 * See pace.h.
 */
#include "edge/ws/pace.h"

/* Weight of the newest round. */
#define SMOOTHING 0.25

pace_t pace_of(uint32_t min_ms, uint32_t max_ms)
{
    return (pace_t){.min_ms = min_ms, .max_ms = max_ms, .tick_ms = min_ms};
}

static double s_clamp(const pace_t *self, double tick_ms)
{
    return tick_ms < self->min_ms   ? self->min_ms
           : tick_ms > self->max_ms ? self->max_ms
                                    : tick_ms;
}

static uint32_t s_tick(const pace_t *self)
{
    return (uint32_t)(self->tick_ms + 0.5);
}

uint32_t pace_bound(pace_t *self, uint32_t min_ms, uint32_t max_ms)
{
    self->min_ms = min_ms;
    self->max_ms = max_ms > min_ms ? max_ms : min_ms;
    self->tick_ms = s_clamp(self, self->cost_ms / PACE_TARGET);
    self->calm = 0;
    return s_tick(self);
}

uint32_t pace_round(pace_t *self, double cost_ms)
{
    self->cost_ms += (cost_ms - self->cost_ms) * SMOOTHING;
    double share = self->cost_ms / self->tick_ms;
    self->calm = share < PACE_LOW ? self->calm + 1 : 0;
    if (share > PACE_HIGH) {
        self->tick_ms = s_clamp(self, self->cost_ms / PACE_TARGET);
    } else if (self->calm >= PACE_CALM) {
        double fits = self->cost_ms / PACE_TARGET;
        double fifth = self->tick_ms * 0.8;
        self->tick_ms = s_clamp(self, fits > fifth ? fits : fifth);
        self->calm = 0;
    }
    return s_tick(self);
}
