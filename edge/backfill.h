/* SPDX-License-Identifier: Apache-2.0
 *
 * After a whole board: history for clients that come back from before it, asked
 * for in steps of growing size, so that who missed little is sent little. Pure.
 */
#ifndef EDGE_BACKFILL_H
#define EDGE_BACKFILL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t from; /* the board's seq */
    uint64_t back; /* how far before it is asked for next; 0: no more */
} backfill_t;

/* A board of `seq` came. `bare`: nothing before it is known. A board in answer
 * to a step says that the broker's log goes back no further, and ends it. */
void backfill_on_board(backfill_t *self, uint64_t seq, bool bare);

/* Whether there is a step to ask for, and from which seq on. */
bool backfill_next(backfill_t *self, uint64_t *since);

#endif
