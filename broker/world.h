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

typedef struct {
    canvas_t canvas;
    board_t *board; /* NULL: nothing is held */
    users_t *users;
    history_t *history;
    resent_t *resent;
    bans_t bans;
    uint32_t epoch;  /* of the lead */
    uint32_t born;   /* epoch in which this history began */
    uint64_t seq;    /* committed */
    uint32_t digest; /* of the board at seq */
} world_t;

void world_init(world_t *self);
void world_fini(world_t *self);

/* Forgets all. */
void world_clear(world_t *self);

/* A blank board of that canvas at seq 0, history from 1 on. */
void world_open(world_t *self, const canvas_t *canvas);

/* Applies packed records to the board where their seq is above `seq`, and
 * moves seq on. -1, with nothing more applied, where one does not fit the board
 * or leaves a gap. */
int world_apply(world_t *self, const uint8_t *records, size_t count);

/* The users' last placements anew, from the history's window. */
void world_recall_users(world_t *self);

/* Adds packed records to the history; the board stays as it is. -1, with none
 * added, where one leaves a gap or does not fit the board. */
int world_remember(world_t *self, const uint8_t *records, size_t count);

#endif
