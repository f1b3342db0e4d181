/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes memory to Redis: the log, or its missing end, in parts and under a key
 * of its own; then that, the board, seq, chain, digest and settings in one
 * atomic step. Until then Redis is as it was, so a repair that is interrupted
 * anywhere has not begun.
 */
#ifndef BROKER_REPAIR_H
#define BROKER_REPAIR_H

#include "broker/parts.h"

typedef struct {
    bool active;
    bool begun;    /* the first part was sent */
    bool whole;    /* the whole log, not its end */
    bool board;    /* the board was sent */
    uint64_t next; /* of the log, to be written */
} repair_t;

typedef enum {
    REPAIR_GOES_ON,
    REPAIR_DONE,
    REPAIR_REFUSED /* another leads, or Redis was emptied once more */
} repair_result_t;

/* Begins to write what a Redis that is at `at` (NULL: whatever it holds is
 * given up) lacks of the world's history, and the board. */
void repair_start(repair_t *self, parts_t *parts, const position_t *at);
/* The ledger's answer to its last write. */
repair_result_t repair_on_put(repair_t *self, parts_t *parts, bool done);

#endif
