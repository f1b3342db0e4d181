/* SPDX-License-Identifier: Apache-2.0
 *
 * The committed log's tail in memory: packed records by seq without a gap, in
 * chunks, the mirror of Redis' stream. It answers syncs and replays, writes an
 * emptied Redis back, and rebuilds what is derived from the log. It knows its
 * chain (common/chain.h) at every seq that it holds, so that it can be compared
 * with any other history.
 */
#ifndef BROKER_HISTORY_H
#define BROKER_HISTORY_H

#include "common/chain.h"
#include "common/record.h"

#include <stddef.h>
#include <stdint.h>

/* An edge gives a placement up after 6 s; fail-over adds the lease: what may
 * come again has come within this. */
#define HISTORY_RECENT_MS 60000u

typedef struct history history_t;

history_t *history_new(void);
void history_destroy(history_t **self_p);

/* Empties it; the record that will come first follows `before`. */
void history_reset(history_t *self, position_t before);

/* `count` packed records, whose first seq is history_next(). */
void history_append(history_t *self, const uint8_t *records, size_t count);
/* The same for a caller who knows the chain behind the last of them. */
void history_append_to(history_t *self, const uint8_t *records, size_t count,
                       chain_t chain);

/* The chain at the head was unknown and is told now: every later one follows
 * from it, and so do those of the records held if `at` is one of theirs. */
void history_learn(history_t *self, position_t at);

/* Drops every record with seq ≤ upto. */
void history_trim(history_t *self, uint64_t upto);

/* It holds every seq with first ≤ seq < next. */
uint64_t history_first(const history_t *self);
uint64_t history_next(const history_t *self);

/* Its last record's seq, and the chain there. */
position_t history_head(const history_t *self);
/* The chain at a seq from first − 1 to the head; unknown elsewhere. */
chain_t history_chain(const history_t *self, uint64_t seq);
/* For history_relate. Borrowed until the next change. */
history_view_t history_view(const history_t *self);

/* Packed records from `from` (held) on that lie in one piece: their bytes, and
 * in *count how many (1 … max). Borrowed until the next change. */
const uint8_t *history_slice(const history_t *self, uint64_t from, size_t max,
                             size_t *count);

/* Copies records from `from` on (at most max, as many as are held) into
 * `bytes` and returns how many. */
size_t history_copy(const history_t *self, uint64_t from, size_t max,
                    uint8_t *bytes);

/* One record; `seq` is held. */
record_t history_get(const history_t *self, uint64_t seq);

/* The least held seq whose record was placed at or after `since_ms`;
 * history_next() if there is none. Clocks step, so times need not ascend: what
 * comes behind it may be older, what comes before it is not younger. */
uint64_t history_since(const history_t *self, uint64_t since_ms);

/* Records that were placed after `now_ms`, by a clock that was ahead, count as
 * placed now in history_since. Call when a second has passed. */
void history_cap_times(history_t *self, uint64_t now_ms);

/* Notes how far it has come, by a clock that does not jump. Call each second.
 */
void history_tick(history_t *self, uint64_t mono_ms);
/* Every record before this seq was held for HISTORY_RECENT_MS at the last tick,
 * whatever the clocks said that gave the times. 0: nobody knows. */
uint64_t history_recent(const history_t *self);

#endif
