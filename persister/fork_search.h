/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds where the store's history and the leader's parted, by halving: both
 * sides are asked for their chain at one seq after the other. Pure.
 */
#ifndef PERSISTER_FORK_SEARCH_H
#define PERSISTER_FORK_SEARCH_H

#include "common/chain.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    FORK_SEARCH_ASK,   /* both sides for their chain at `question` */
    FORK_SEARCH_FOUND, /* the last seq that both share is `shared` */
    FORK_SEARCH_LOST,  /* below what both can tell, or they share nothing */
} fork_search_state_t;

typedef struct {
    uint64_t low, differs; /* the first that differs is within */
    uint64_t question;
    uint64_t shared;
    bool any_shared;
    chain_t ours, theirs; /* the answers that are there */
    bool has_ours, has_theirs;
    uint64_t theirs_first; /* the least seq whose chain the leader can tell */
} fork_search_t;

/* The two differ at `differs`. */
fork_search_state_t fork_search_start(fork_search_t *self, uint64_t differs);

/* An answer; one to another question than the present one changes nothing.
 * An unknown chain means that the side cannot tell. */
fork_search_state_t fork_search_ours(fork_search_t *self, position_t answer);
fork_search_state_t fork_search_theirs(fork_search_t *self, position_t answer,
                                       uint64_t first);

#endif
