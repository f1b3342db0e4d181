/* SPDX-License-Identifier: Apache-2.0
 *
 * The canvas in the leader's memory: exactly what Redis has committed, but for
 * the one batch that is on its way (batch.h), whose pixels are already on the
 * board and whose users are already in the table. A visible struct: leading,
 * loading and restoring are three phases of its one owner.
 */
#ifndef BROKER_WORLD_H
#define BROKER_WORLD_H

#include "broker/bans.h"
#include "broker/history.h"
#include "broker/resent.h"
#include "broker/rules.h"
#include "broker/users.h"
#include "common/board.h"
#include "common/canvas.h"
#include "common/policy.h"

typedef struct {
    canvas_t canvas;
    board_t *board; /* NULL: nothing is held */
    users_t *users;
    history_t *history;
    resent_t *resent;
    bans_t bans;      /* Redis' set of before the policy was kept in the log */
    policy_t *policy; /* at seq */
    uint32_t epoch;   /* of the lead */
    uint32_t born;    /* epoch in which this history began */
    uint64_t seq;     /* committed */
    uint32_t digest;  /* of the board at seq */
} world_t;

void world_init(world_t *self);
void world_fini(world_t *self);

/* Forgets all. */
void world_clear(world_t *self);

/* A blank board of that canvas at seq 0, history from 1 on, chain unknown. */
void world_open(world_t *self, const canvas_t *canvas);

/* A history that was written without chains gets one: from its first record,
 * or, if that is gone, from the board's digest. */
void world_begin_chain(world_t *self);

/* The next records: board, history and users follow. -1, with nothing changed
 * but the board, if they leave a gap or do not fit. */
int world_follow(world_t *self, const uint8_t *records, size_t count,
                 uint64_t now_ms);

/* The committed history's end. */
static inline position_t world_head(const world_t *self)
{
    return history_head(self->history);
}

/* Applies packed records to policy, and to the board where their seq is above
 * `seq`, and moves seq on. -1, with nothing more applied, where one does not
 * fit the board or leaves a gap. */
int world_apply(world_t *self, const uint8_t *records, size_t count);

/* Which placements users are still bound by: of the window, and of the last
 * minute, however the clock jumped. */
keep_t world_keep(const world_t *self, uint64_t now_ms);

/* The users' last placements anew, from the history's window. */
void world_recall_users(world_t *self, uint64_t now_ms);

/* What a batch that was not committed left behind: its users, its requests. */
void world_forget_batch(world_t *self, uint64_t now_ms);

/* Policy, from what the history holds and it does not know yet. */
void world_recall_policy(world_t *self);

/* Adds packed records to the history; the board stays as it is. -1, with none
 * added, where one leaves a gap or does not fit the board. */
int world_remember(world_t *self, const uint8_t *records, size_t count);

#endif
