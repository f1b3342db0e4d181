/* SPDX-License-Identifier: Apache-2.0
 *
 * The committed log's tail in memory: packed records by seq without a gap, in
 * chunks, the mirror of Redis' stream. It answers syncs and replays, writes an
 * emptied Redis back, and rebuilds what is derived from the log.
 */
#ifndef BROKER_HISTORY_H
#define BROKER_HISTORY_H

#include "common/record.h"

#include <stddef.h>
#include <stdint.h>

typedef struct history history_t;

history_t *history_new(void);
void history_destroy(history_t **self_p);

/* Empties it; `next` is the seq of the record that will come first. */
void history_reset(history_t *self, uint64_t next);

/* `count` packed records, whose first seq is history_next(). */
void history_append(history_t *self, const uint8_t *records, size_t count);

/* Drops every record with seq ≤ upto. */
void history_trim(history_t *self, uint64_t upto);

/* It holds every seq with first ≤ seq < next. */
uint64_t history_first(const history_t *self);
uint64_t history_next(const history_t *self);

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
 * history_next() where there is none. */
uint64_t history_since(const history_t *self, uint64_t since_ms);

#endif
