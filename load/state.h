/* SPDX-License-Identifier: Apache-2.0
 *
 * What thousands of viewers hold, each exactly, at the price of one: a state is
 * the immutable board at one seq, counted by its holders. The same diff applied
 * to the same state is the same next state, so the bytes are decoded once and
 * every other viewer there only compares them. States that meet at one seq by
 * different ways are compared pixel by pixel and become one; where they differ,
 * somebody was told something wrong: a conflict.
 *
 *      viewer ──┐
 *      viewer ──┴─▶ state 41 ──[diff 41→48]──▶ state 48 ◀── viewer
 *
 * Boards share their unchanged pages, so a state costs what its diff touched.
 * Remembered diffs are bounded (STATE_STEPS_MAX, STATE_STEP_BYTES_MAX, oldest
 * dropped first): then a diff is decoded again. One thread.
 */
#ifndef LOAD_STATE_H
#define LOAD_STATE_H

#include <stddef.h>
#include <stdint.h>

#define STATE_STEPS_MAX 4096
#define STATE_STEP_BYTES_MAX (64u << 20)

typedef struct state state_t;
typedef struct history history_t;

typedef enum {
    STATE_MOVED,   /* *state is at the diff's `to` */
    STATE_KNOWN,   /* the diff brings nothing new */
    STATE_GAP,     /* the diff begins above the state */
    STATE_BAD_DIFF /* malformed */
} state_step_t;

history_t *history_new(void);
/* Every state must have been let go before. */
void history_destroy(history_t **self_p);

/* A blank board at seq 0, or the board of `bytes`, a body of GET /api/v1/board;
 * counted for the caller. NULL where it is no board. *digest_ok says whether
 * its digest is that of its pixels. */
state_t *history_blank(history_t *self, uint32_t width, uint32_t height,
                       unsigned bits);
state_t *history_board(history_t *self, const void *bytes, size_t size,
                       int *digest_ok);

/* Applies a DIFF body to *state (the caller's count goes over to the new one).
 * Where it did not move, *state stays. */
state_step_t history_apply(history_t *self, state_t **state, const void *body,
                           size_t size);

/* The canvas lost the history that `state` belongs to: what comes is not
 * compared with what was. */
void history_forget(history_t *self, const state_t *state);

/* States that met at one seq with different pixels. */
uint64_t history_conflicts(const history_t *self);
/* Living states, for tests and the report. */
uint32_t history_states(const history_t *self);

state_t *state_ref(state_t *self);
/* NULL is fine; *self_p becomes NULL. */
void state_unref(state_t **self_p);

uint64_t state_seq(const state_t *self);
uint32_t state_epoch(const state_t *self); /* of its board's answer */
uint32_t state_digest(const state_t *self);
uint32_t state_width(const state_t *self);
uint32_t state_height(const state_t *self);
unsigned state_bits(const state_t *self);
uint32_t state_pixels(const state_t *self);
/* index < state_pixels(). */
uint8_t state_get(const state_t *self, uint32_t index);

#endif
