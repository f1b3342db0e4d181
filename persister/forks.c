/* SPDX-License-Identifier: Apache-2.0
 *
 * See forks.h.
 */
#include "persister/forks.h"

#include "persister/writer.h"

#include <assert.h>

#define ASK_AGAIN_MS 1000

static void s_ask(forks_t *self, uint64_t now_ms)
{
    self->asked = self->search.question;
    self->asked_at_ms = now_ms;
    if (!self->search.has_ours)
        writer_probe(self->writer, self->asked);
    if (!self->search.has_theirs)
        link_ask_chain(self->link, self->asked);
}

static fork_search_state_t s_go_on(forks_t *self, fork_search_state_t state,
                                   uint64_t now_ms)
{
    if (state == FORK_SEARCH_ASK && self->search.question != self->asked)
        s_ask(self, now_ms);
    return state;
}

fork_search_state_t forks_begin(forks_t *self, uint64_t differs,
                                uint64_t now_ms)
{
    assert(self->link && self->writer);
    self->asked = UINT64_MAX;
    return s_go_on(self, fork_search_start(&self->search, differs), now_ms);
}

fork_search_state_t forks_ours(forks_t *self, position_t answer,
                               uint64_t now_ms)
{
    return s_go_on(self, fork_search_ours(&self->search, answer), now_ms);
}

fork_search_state_t forks_theirs(forks_t *self, const bus_chain_t *answer,
                                 uint64_t now_ms)
{
    position_t theirs = {answer->seq, answer->chain};
    return s_go_on(
        self, fork_search_theirs(&self->search, theirs, answer->first), now_ms);
}

void forks_tick(forks_t *self, uint64_t now_ms)
{
    if (now_ms - self->asked_at_ms >= ASK_AGAIN_MS)
        s_ask(self, now_ms);
}
