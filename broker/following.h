/* SPDX-License-Identifier: Apache-2.0
 *
 * The standby follows what the leader commits, by reading Redis' log each few
 * milliseconds: board, users, log and chain are in memory and at the committed
 * seq, so that it can lead without loading, knows what was acknowledged, and
 * can write a Redis that has lost it.
 */
#ifndef BROKER_FOLLOWING_H
#define BROKER_FOLLOWING_H

#include "broker/loading.h"
#include "broker/succession.h"

typedef struct {
    bool looking;         /* a look is on its way */
    bool reading;         /* everything is being read */
    loading_t loading;    /* while reading */
    uint64_t again_at_ms; /* not before this */
    uint64_t forked_at;   /* an entry did not follow from here; 0: none */
    uint64_t seq;         /* at the last look */
    uint64_t canvas_hash; /* of the settings' text that was taken over */
} following_t;

typedef enum {
    FOLLOWING_WAITS,  /* for more to come, or there is nothing */
    FOLLOWING_LEVEL,  /* memory is what is committed */
    FOLLOWING_LONGER, /* memory goes on from what is committed */
    FOLLOWING_FORKED  /* neither is part of the other; *lost says what is only
                         here */
} following_result_t;

/* Begins anew, with the world as it is: nothing, or a history. */
void following_begin(following_t *self);

/* Time to look, if it may. */
void following_tick(following_t *self, parts_t *parts);

/* The ledger's answers. */
void following_on_board(following_t *self, parts_t *parts, const void *bytes,
                        size_t size);
void following_on_log(following_t *self, parts_t *parts,
                      const ledger_entry_t *entry);
void following_on_loaded(following_t *self, parts_t *parts);
following_result_t following_on_looked(following_t *self, parts_t *parts,
                                       const ledger_look_t *look, lost_t *lost);

#endif
