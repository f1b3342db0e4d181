/* SPDX-License-Identifier: Apache-2.0
 *
 * See fork_search.h.
 */
#include "persister/fork_search.h"

#include <assert.h>

static fork_search_state_t s_ask(fork_search_t *self)
{
    assert(self->low <= self->differs);
    if (self->low == self->differs) {
        bool next_to = self->any_shared && self->shared + 1 == self->differs;
        return next_to ? FORK_SEARCH_FOUND : FORK_SEARCH_LOST;
    }
    self->question = self->low + (self->differs - self->low) / 2;
    self->has_ours = self->has_theirs = false;
    return FORK_SEARCH_ASK;
}

/* Both answered. */
static fork_search_state_t s_judge(fork_search_t *self)
{
    uint64_t question = self->question;
    bool known = chain_known(self->ours) && chain_known(self->theirs);
    if (!known) {
        /* Nothing below is worth asking. */
        self->low = question + 1;
        if (!chain_known(self->theirs) && self->theirs_first > self->low)
            self->low = self->theirs_first < self->differs ? self->theirs_first
                                                           : self->differs;
    } else if (chain_equal(self->ours, self->theirs)) {
        self->low = question + 1;
        self->shared = question;
        self->any_shared = true;
    } else {
        self->differs = question;
    }
    return s_ask(self);
}

static fork_search_state_t s_look(fork_search_t *self)
{
    return self->has_ours && self->has_theirs ? s_judge(self) : FORK_SEARCH_ASK;
}

fork_search_state_t fork_search_start(fork_search_t *self, uint64_t differs)
{
    *self = (fork_search_t){.differs = differs};
    return s_ask(self);
}

fork_search_state_t fork_search_ours(fork_search_t *self, position_t answer)
{
    if (answer.seq == self->question) {
        self->ours = answer.chain;
        self->has_ours = true;
    }
    return s_look(self);
}

fork_search_state_t fork_search_theirs(fork_search_t *self, position_t answer,
                                       uint64_t first)
{
    if (answer.seq == self->question) {
        self->theirs = answer.chain;
        self->theirs_first = first;
        self->has_theirs = true;
    }
    return s_look(self);
}
