/* SPDX-License-Identifier: Apache-2.0
 *
 * The persisters that say where they are, and which of them is granted. Pure.
 * The granted one keeps the grant while it is heard every PERSISTER_QUIET_MS; a
 * new leader leaves it to the one that believes it has it. A persister whose
 * store is ahead of the committed seq gets none: that store holds a history
 * which this one is about to contradict.
 */
#ifndef BROKER_PERSISTERS_H
#define BROKER_PERSISTERS_H

#include "common/bus.h"

#include <stdbool.h>

#define PERSISTERS_MAX 16
#define PERSISTER_QUIET_MS 2000
#define PERSISTER_IDENTITY_MAX 255

typedef struct {
    bus_persister_t word;        /* what it said last */
    history_relation_t relation; /* of the history held here to the store's */
    uint64_t heard_at_ms;        /* mono; 0: free place */
    uint8_t identity[PERSISTER_IDENTITY_MAX];
    size_t identity_size;
} persister_t;

typedef struct {
    persister_t table[PERSISTERS_MAX];
    uint64_t granted;    /* instance; 0: none */
    uint64_t checkpoint; /* of the granted, highest in this lead */
    bool ahead;          /* one's store was, when it spoke last */
} persisters_t;

/* Compares the store with a history: only what that contains is confirmed by
 * it. */
void persister_relate(persister_t *persister, const history_view_t *mine);

/* What a persister said. NULL where there are too many. */
persister_t *persisters_hear(persisters_t *self, const bus_persister_t *word,
                             const void *identity, size_t size,
                             uint64_t now_ms);

/* Whether this one is active while `seq` is committed; grants where nobody is.
 */
bool persisters_grant(persisters_t *self, const persister_t *asker,
                      uint64_t seq, uint64_t now_ms);

/* Another lead: nobody is granted, nothing confirmed. */
void persisters_forget_grant(persisters_t *self);

/* A lead begins at `seq`: what the persister that the leader before had granted
 * said last counts as confirmed. */
void persisters_recall(persisters_t *self, uint64_t seq, uint64_t now_ms);

/* Heard within PERSISTER_QUIET_MS; NULL where there is none: of all the one
 * with the highest checkpoint; the granted. Borrowed. */
const persister_t *persisters_furthest(const persisters_t *self,
                                       uint64_t now_ms);
const persister_t *persisters_granted(const persisters_t *self,
                                      uint64_t now_ms);

/* Up to where the log is not needed any more. Below `checkpoint` while the
 * granted one's store knows less than it once confirmed: it was emptied or put
 * back from a copy, and the log fills it. */
uint64_t persisters_kept(const persisters_t *self, uint64_t now_ms);

size_t persisters_count(const persisters_t *self, uint64_t now_ms);

/* The highest epoch that any store has seen. */
uint32_t persisters_epoch(const persisters_t *self);

#endif
