/* SPDX-License-Identifier: Apache-2.0
 *
 * Which history is led on: docs/architecture.md, "Succession". Pure, and the
 * one place where two histories are weighed against each other:
 *
 *   - whoever leads continues the longest acknowledged history that anyone
 *     reachable knows: Redis, this or another broker's memory, the store;
 *   - a memory is given up only if what is led contains it, or is at least as
 *     long and somebody leads it;
 *   - what is given up and is nowhere else is said.
 */
#ifndef BROKER_SUCCESSION_H
#define BROKER_SUCCESSION_H

#include "broker/ledger.h"

typedef enum {
    SUCCEED_NOTHING, /* there is no history: ask the store */
    SUCCEED_LEVEL,   /* memory and Redis are the same */
    SUCCEED_READ_ON, /* Redis goes on from memory, as far as can be told */
    SUCCEED_REDIS,   /* Redis; memory is none, or given up */
    SUCCEED_MEMORY   /* memory; Redis is behind it, or given up */
} succession_t;

/* Acknowledged, and in the history that is given up only. from 0: nothing. */
typedef struct {
    uint64_t from, to;
} lost_t;

/* The lease is ours. `mine` is memory, NULL if there is none. */
succession_t succession_of(const history_view_t *mine,
                           const ledger_meta_t *redis, lost_t *lost);

/* The lease is ours again, `mine` was led before. `alone`: it never ran out, so
 * nobody else can have led since. Else memory is led on without hearing the
 * store only if Redis is sure to have lost nothing: SUCCEED_NOTHING says to
 * begin as one who did not lead. */
succession_t succession_on_return(const history_view_t *mine,
                                  const ledger_meta_t *redis, bool alone,
                                  lost_t *lost);

/* Another leads in Redis. Only SUCCEED_MEMORY gives a right to depose it: it
 * leads from less than is held here. */
succession_t succession_under(const history_view_t *mine,
                              const ledger_meta_t *redis, lost_t *lost);

/* Whether the store's history is to be led instead of `mine`. */
bool succession_of_store(const history_view_t *mine, position_t store);

#endif
