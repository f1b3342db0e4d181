/* SPDX-License-Identifier: Apache-2.0
 *
 * Those who wait for one answer: a list threaded through them, which each may
 * leave at any time. Zeroed before its first use. Inline, for the caches.
 */
#ifndef EDGE_HTTP_WAITING_H
#define EDGE_HTTP_WAITING_H

#include <assert.h>
#include <stddef.h>

typedef struct waiting {
    struct waiting *next;
    struct waiting **at; /* where the list points here; NULL: waits not */
} waiting_t;

static inline void waiting_join(waiting_t **list, waiting_t *self)
{
    assert(!self->at);
    self->next = *list;
    self->at = list;
    if (self->next)
        self->next->at = &self->next;
    *list = self;
}

/* Also fine if it does not wait. */
static inline void waiting_leave(waiting_t *self)
{
    if (!self->at)
        return;
    *self->at = self->next;
    if (self->next)
        self->next->at = self->at;
    self->at = NULL;
    self->next = NULL;
}

/* Moves all of a list to another place, an empty list. */
static inline void waiting_move(waiting_t **to, waiting_t **from)
{
    *to = *from;
    *from = NULL;
    if (*to)
        (*to)->at = to;
}

#endif
