/* SPDX-License-Identifier: Apache-2.0
 *
 * What the canary measures: one placement at a time, from when it is sent until
 * its verdict, and until the canary's board holds its seq. Either may come
 * first: the board's last moves are remembered until the verdict tells the seq.
 * What others place on that pixel does not matter. Pure: events and times in,
 * measures out; canary.c does the I/O.
 *
 *      IDLE ──due──▶ ASKED ──ok──▶ ACCEPTED ──pixel──▶ IDLE
 *       ▲              │                │
 *       └── refused ───┴─── too late ───┘
 */
#ifndef LOAD_PROBE_H
#define LOAD_PROBE_H

#include "common/metrics.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

/* Later than this, a verdict or a pixel counts as lost. */
#define PROBE_DEADLINE_US 10000000
/* Of the board, since a placement was sent; the oldest is dropped. */
#define PROBE_MOVES 64

typedef struct {
    uint64_t seq, at_us;
} probe_move_t;

/* Rows of metrics.def as CANARY_<ID>. */
#define METRIC(id, type, name, help) CANARY_##id,
enum {
#include "load/metrics.def"
    CANARY_METRICS
};
#undef METRIC

/* Rows of type HISTOGRAM, in their order. */
enum { CANARY_VERDICT, CANARY_SEEN, CANARY_HISTOGRAMS };

typedef enum { PROBE_IDLE, PROBE_ASKED, PROBE_ACCEPTED } probe_phase_t;

typedef struct {
    int64_t values[CANARY_METRICS];
    metric_histogram_t histograms[CANARY_HISTOGRAMS];
    uint64_t every_us;
    uint64_t due_us;      /* of the next placement */
    uint64_t sent_us;     /* when this one was first sent */
    uint64_t answered_us; /* the last good verdict, or the start */
    uint64_t seq;         /* ACCEPTED: its own */
    probe_move_t moves[PROBE_MOVES];
    unsigned move_count;
    uint32_t request;
    uint8_t color;
    uint8_t phase; /* probe_phase_t */
} probe_t;

/* Request ids go on from `request`, which should be random. */
void probe_init(probe_t *self, uint64_t every_us, uint32_t request,
                uint64_t now_us);

/* True if a placement is to be sent now; its request and colour, which is not
 * `shown`, are in the fields. */
bool probe_place(probe_t *self, uint8_t shown, uint64_t now_us);

/* True if the placement must be sent again on a new connection. */
bool probe_unanswered(const probe_t *self);

void probe_verdict(probe_t *self, const wire_verdict_t *verdict,
                   uint64_t now_us);

/* The board is at `seq`. */
void probe_board(probe_t *self, uint64_t seq, uint64_t now_us);

/* Gives up on what is too late, and sets the gauges. */
void probe_tick(probe_t *self, uint64_t now_us);

#endif
