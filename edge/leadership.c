/* SPDX-License-Identifier: Apache-2.0
 *
 * See leadership.h.
 */
#include "edge/leadership.h"

#include <assert.h>

void leadership_init(leadership_t *self)
{
    *self = (leadership_t){.leader = LEADERSHIP_NOBODY};
}

/* The leader is the broker whose beat carries the highest epoch; one that was
 * lost may come back with its own. */
leadership_news_t leadership_on_beat(leadership_t *self, size_t broker,
                                     const bus_beat_t *beat, uint64_t now_ms)
{
    assert(broker < LEADERSHIP_BROKERS_MAX);
    bool higher = beat->epoch > self->epoch;
    if (beat->epoch < self->epoch) {
        if (broker == self->leader)
            self->leader = LEADERSHIP_NOBODY;
        return LEADERSHIP_LOWER;
    }
    bool back = !leadership_exists(self) && beat->epoch == self->epoch;
    if (!higher && !back && broker != self->leader)
        return LEADERSHIP_SAME;
    self->heard_ms = now_ms;
    self->lease_ms = beat->lease_ms;
    self->online = beat->online;
    if (!higher && !back)
        return LEADERSHIP_SAME;
    self->leader = broker;
    self->epoch = beat->epoch;
    self->resend_ms = now_ms + LEADERSHIP_RESEND_MS;
    return LEADERSHIP_NEW;
}

void leadership_on_diff(leadership_t *self, size_t broker, uint32_t epoch,
                        uint64_t now_ms)
{
    if (broker == self->leader && epoch == self->epoch)
        self->heard_ms = now_ms;
}

leadership_news_t leadership_tick(leadership_t *self, uint64_t waits_since_ms,
                                  uint64_t now_ms)
{
    if (!leadership_exists(self))
        return LEADERSHIP_SAME;
    if (now_ms > self->heard_ms + self->lease_ms + LEADERSHIP_GRACE_MS) {
        self->leader = LEADERSHIP_NOBODY;
        return LEADERSHIP_LOST;
    }
    if (waits_since_ms > now_ms || now_ms < self->resend_ms ||
        now_ms - waits_since_ms < LEADERSHIP_RESEND_MS)
        return LEADERSHIP_SAME;
    self->resend_ms = now_ms + LEADERSHIP_RESEND_MS;
    return LEADERSHIP_RESEND;
}
