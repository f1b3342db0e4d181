/* SPDX-License-Identifier: Apache-2.0
 *
 * See liveness.h.
 */
#include "edge/ws/liveness.h"

#include "common/clock.h"

#include <assert.h>

liveness_t liveness_of(uint32_t now_s, uint32_t early_s)
{
    assert(early_s < LIVENESS_PING_S);
    return (liveness_t){.heard_s = now_s, .pinged_s = now_s - early_s};
}

void liveness_heard(liveness_t *self, uint32_t now_s)
{
    self->heard_s = now_s;
}

liveness_result_t liveness_look(liveness_t *self, uint32_t now_s)
{
    self->blocked_s = 0;
    if (clock_elapsed_s(now_s, self->heard_s) >= LIVENESS_SILENT_S)
        return LIVENESS_SILENT;
    if (clock_elapsed_s(now_s, self->pinged_s) < LIVENESS_PING_S)
        return LIVENESS_FINE;
    self->pinged_s = now_s;
    return LIVENESS_PING;
}

liveness_result_t liveness_look_blocked(liveness_t *self, uint32_t now_s,
                                        uint32_t acknowledged)
{
    if (!self->blocked_s || acknowledged != self->acknowledged) {
        self->acknowledged = acknowledged;
        self->blocked_s = now_s;
        self->heard_s = now_s;
        return LIVENESS_FINE;
    }
    return clock_elapsed_s(now_s, self->blocked_s) >= LIVENESS_SLOW_S
               ? LIVENESS_SLOW
               : LIVENESS_FINE;
}

bool liveness_is_blocked(const liveness_t *self)
{
    return self->blocked_s;
}

void liveness_end(liveness_t *self, uint32_t now_s)
{
    self->blocked_s = now_s;
}

bool liveness_is_over(const liveness_t *self, uint32_t now_s)
{
    return clock_elapsed_s(now_s, self->blocked_s) >= LIVENESS_CLOSING_S;
}
