/* SPDX-License-Identifier: Apache-2.0
 *
 * Puts the questions of a fork_search_t to the store and to the leader, again
 * each second where an answer is lost, and hands it their answers.
 */
#ifndef PERSISTER_FORKS_H
#define PERSISTER_FORKS_H

#include "persister/fork_search.h"
#include "persister/link.h"

typedef struct {
    link_t *link;     /* to the leader, borrowed */
    zactor_t *writer; /* to the store, borrowed */
    fork_search_t search;
    uint64_t asked_at_ms, asked;
} forks_t;

/* Each returns what the search comes to. `differs`: a seq at which the two are
 * known to. */
fork_search_state_t forks_begin(forks_t *self, uint64_t differs,
                                uint64_t now_ms);
fork_search_state_t forks_ours(forks_t *self, position_t answer,
                               uint64_t now_ms);
fork_search_state_t forks_theirs(forks_t *self, const bus_chain_t *answer,
                                 uint64_t now_ms);
void forks_tick(forks_t *self, uint64_t now_ms);

#endif
