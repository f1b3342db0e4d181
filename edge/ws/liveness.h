/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the peer of a connection is still there: when it was heard, when it
 * was pinged, since when it takes nothing, how much it has acknowledged. Pure:
 * monotonic seconds in, what to do out.
 */
#ifndef EDGE_WS_LIVENESS_H
#define EDGE_WS_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

#define LIVENESS_PING_S 25
#define LIVENESS_SILENT_S 60
#define LIVENESS_SLOW_S 60
#define LIVENESS_CLOSING_S 10

typedef struct {
    uint32_t heard_s, pinged_s;
    uint32_t blocked_s;    /* since; 0: takes what it is sent */
    uint32_t acknowledged; /* when last seen blocked */
} liveness_t;

typedef enum {
    LIVENESS_FINE = 0,
    LIVENESS_PING,   /* a ping is due; counts as sent */
    LIVENESS_SILENT, /* nothing was heard for too long: end it */
    LIVENESS_SLOW,   /* it took nothing for too long: end it */
} liveness_result_t;

/* Heard just now. The first ping comes up to `early_s` before its time, so that
 * pings of those who came together are spread out. */
liveness_t liveness_of(uint32_t now_s, uint32_t early_s);

void liveness_heard(liveness_t *self, uint32_t now_s);

/* A look at a connection that takes bytes: FINE, PING or SILENT. */
liveness_result_t liveness_look(liveness_t *self, uint32_t now_s);

/* A look at one that takes none. `acknowledged`: what its peer has acknowledged
 * in all, modulo 2^32; while that moves, it is alive. FINE or SLOW. */
liveness_result_t liveness_look_blocked(liveness_t *self, uint32_t now_s,
                                        uint32_t acknowledged);
bool liveness_is_blocked(const liveness_t *self);

/* The end was said now; whether it has been waited for long enough. */
void liveness_end(liveness_t *self, uint32_t now_s);
bool liveness_is_over(const liveness_t *self, uint32_t now_s);

#endif
