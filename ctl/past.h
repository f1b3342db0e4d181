/* SPDX-License-Identifier: Apache-2.0
 *
 * The board as it was, at a seq or a time: made of the net diffs that any edge
 * has (docs/protocol.md, GET /api/v1/diffs), one behind the other.
 */
#ifndef CTL_PAST_H
#define CTL_PAST_H

#include "common/board.h"
#include "common/canvas.h"
#include "ctl/fetch.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    fetch_t fetch;
    canvas_t canvas; /* as it is now */
    uint64_t newest; /* seq, a second old at most */
    board_t *board;  /* … at `seq` */
    uint64_t seq;
    const char *why; /* the last failure, in words */
} past_t;

/* -1: it cannot be reached, say; see `why`. To be closed in any case. */
int past_open(past_t *self, const char *base, const char *token);
void past_close(past_t *self);

/* Goes to a later seq, or back to an earlier one. -1: see `why`. */
int past_seek(past_t *self, uint64_t seq);

/* The board as a file: what GET /api/v1/board answers. -1 if that failed. */
int past_write(const past_t *self, uint64_t now_ms, FILE *to);

/* A moment as people say it: a whole number is a seq, anything else a time (ctl
 * /request.h), and its seq that of the last placement until then; for that a
 * moderator's token is needed. -1: see `why`. */
int past_moment(past_t *self, const char *text, uint64_t now_ms, uint64_t *seq);
int past_seq_at(past_t *self, uint64_t time_ms, uint64_t *seq);
/* Digits alone. */
bool past_is_seq(const char *text, uint64_t *seq);

#endif
