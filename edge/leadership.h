/* SPDX-License-Identifier: Apache-2.0
 *
 * Which broker leads, by what the brokers' beats say and how long ago, and when
 * what was sent to it has to be sent again. A pure machine: events in, what has
 * to happen out; uplink.c does it.
 *
 *                  beat of the highest epoch
 *     NOBODY  ──────────────────────────────────►  LED  ──┐ beat of a higher
 *             ◄──────────────────────────────────   ▲ ◄───┘ epoch: NEW
 *              silent for its lease and 2 s: LOST   └ unanswered for 1.5 s:
 *                                                     RESEND
 *
 * A link that was lost and made anew to a leader that stays says nothing of it,
 * and what was on its way is gone. So everything unanswered goes out again, at
 * most each RESEND_MS; (user, request) makes that idempotent.
 */
#ifndef EDGE_LEADERSHIP_H
#define EDGE_LEADERSHIP_H

#include "common/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEADERSHIP_BROKERS_MAX 16
#define LEADERSHIP_NOBODY SIZE_MAX
#define LEADERSHIP_GRACE_MS 2000
#define LEADERSHIP_RESEND_MS 1500

typedef enum {
    LEADERSHIP_SAME = 0, /* nothing to do */
    LEADERSHIP_NEW,      /* another broker, or another time of the same one */
    LEADERSHIP_LOST,     /* nobody leads any more */
    LEADERSHIP_RESEND,   /* send what is unanswered again */
    LEADERSHIP_LOWER,    /* that broker leads in an epoch below the highest */
} leadership_news_t;

typedef struct {
    size_t leader;     /* a broker's number, or LEADERSHIP_NOBODY */
    uint32_t epoch;    /* the highest that a beat carried */
    uint64_t heard_ms; /* the leader's last beat or diff */
    uint32_t lease_ms, online;
    uint64_t resend_ms; /* nothing is sent again before */
} leadership_t;

void leadership_init(leadership_t *self);

/* The feed of broker number `broker` brought a beat. SAME, NEW or LOWER: it is
 * deposed and does not know it, or it began anew where its last epoch is
 * forgotten. */
leadership_news_t leadership_on_beat(leadership_t *self, size_t broker,
                                     const bus_beat_t *beat, uint64_t now_ms);

/* The feed of that broker brought a diff of that epoch: it leads still. */
void leadership_on_diff(leadership_t *self, size_t broker, uint32_t epoch,
                        uint64_t now_ms);

/* Time passed; the oldest unanswered question was sent at `waits_since_ms`
 * (UINT64_MAX: there is none). SAME, LOST or RESEND. */
leadership_news_t leadership_tick(leadership_t *self, uint64_t waits_since_ms,
                                  uint64_t now_ms);

static inline bool leadership_exists(const leadership_t *self)
{
    return self->leader != LEADERSHIP_NOBODY;
}

#endif
