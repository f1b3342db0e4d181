/* SPDX-License-Identifier: Apache-2.0
 *
 * Redis has no canvas, or its end is missing: the store has it. Asked from a
 * persister, one question at a time; asked again from the start where it falls
 * silent.
 *
 *     ASK_WORD ──checkpoint 0──────────────────────────────► WRITE ──► LEADING
 *        │ checkpoint > 0                                      ▲
 *        ▼                                                     │
 *     ASK_SNAPSHOT ──► ASK_START ──found──► ASK_RECORDS ──all──┘
 *                        └ back by growing strides, until a record is older
 *                          than the window that cooldowns need
 *
 * A Redis that is only behind begins at ASK_RECORDS. A broker whose process has
 * seen a canvas, or whose store holds one, waits a lease and 2 s first: an old
 * leader may still live, and its memory holds what the store does not yet.
 */
#ifndef BROKER_RESTORING_H
#define BROKER_RESTORING_H

#include "broker/parts.h"

typedef enum {
    RESTORING_ASK_WORD,
    RESTORING_ASK_SNAPSHOT,
    RESTORING_ASK_START,
    RESTORING_ASK_RECORDS,
    RESTORING_WRITE
} restoring_step_t;

typedef struct {
    restoring_step_t step;
    bool empty;           /* else only the log's end is missing */
    bool seen;            /* this process has seen a canvas before */
    bool end_lost;        /* Redis lacks it, and no memory that came holds it */
    uint64_t began_at_ms; /* mono */
    uint64_t asked_at_ms;
    uint64_t instance; /* whom we ask */
    uint64_t target;   /* its checkpoint */
    uint64_t start;    /* first seq to fetch */
    chain_t snapshot_chain;
    history_t *tail; /* what Redis' log held, behind a board that was damaged */
} restoring_t;

typedef enum {
    RESTORING_WAITS,
    RESTORING_KNOWS, /* a word is there: restoring_go_on with a fit epoch */
    RESTORING_WHOLE, /* memory is what Redis is to be */
    RESTORING_FORKED /* the store is longer, and no continuation of memory */
} restoring_result_t;

/* All of it if `empty`, or what the store has behind the world. */
void restoring_begin(restoring_t *self, parts_t *parts, bool empty, bool seen);
/* The board is damaged: another from the store, and behind it what the world's
 * history holds. */
void restoring_begin_under(restoring_t *self, parts_t *parts);
void restoring_end(restoring_t *self);
/* Time passed or a persister spoke. */
restoring_result_t restoring_look(restoring_t *self, parts_t *parts);
/* Asks, or creates the canvas. */
restoring_result_t restoring_go_on(restoring_t *self, parts_t *parts);
/* A persister's SNAPSHOT or RECORDS; what was not asked for is passed over. */
restoring_result_t restoring_on_mail(restoring_t *self, parts_t *parts,
                                     mail_t *mail);

#endif
