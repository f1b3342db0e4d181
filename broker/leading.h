/* SPDX-License-Identifier: Apache-2.0
 *
 * The leader's work: decide, commit, tell.
 *
 * All state changes happen at quiescent points, when no commit is on its way:
 * there syncs are answered and the feed is published, from exactly the
 * committed state; then what waits in the ingress is decided in one pass, and
 * one batch is sent. What comes meanwhile gathers for the next (group commit).
 * Verdicts leave when their batch is committed, rejections too: a `cooldown`
 * that rests on a placement which was never committed would be a lie.
 *
 * While Redis is away the same memory is served: syncs and beats go on,
 * placements are `unavailable`.
 */
#ifndef BROKER_LEADING_H
#define BROKER_LEADING_H

#include "broker/commit.h"
#include "broker/decide.h"
#include "broker/desk.h"

typedef struct {
    decide_t decide;
    commit_t commit;
    repeats_t repeats;
    desk_t desk;
    unsigned seconds; /* since repeats were aged */
    bool publish_due, beat_due;
    bool log_full; /* too many records are not persisted */
} leading_t;

void leading_init(leading_t *self, const broker_config_t *config);
void leading_fini(leading_t *self);

/* The world at hand is served from now on. */
void leading_begin(leading_t *self, parts_t *parts);
/* Redis is level: tells the edges who leads, and sends what is in doubt again.
 */
void leading_go_on(leading_t *self, parts_t *parts);

/* After anything that may have given it something to do: batches are made, or
 * placements are answered `unavailable`, or they wait. */
typedef enum { LEADING_PLACES, LEADING_REFUSES, LEADING_HOLDS } leading_mode_t;
void leading_pump(leading_t *self, parts_t *parts, leading_mode_t mode);

/* The commit's answer; -1 if the fence refused it. */
int leading_on_commit(leading_t *self, parts_t *parts, bool done);
/* Redis is lost, or refuses. */
void leading_suspend(leading_t *self, parts_t *parts);
/* Redis is there again, and ours: a batch in doubt that is there is applied, a
 * setting that is there taken over. */
void leading_resume(leading_t *self, parts_t *parts, const ledger_meta_t *meta);

/* Each second: a beat is due; trims the log if `placing`. */
void leading_second(leading_t *self, parts_t *parts, bool placing);
/* Forgets what waits, and what is in doubt. */
void leading_clear(leading_t *self, parts_t *parts);

#endif
