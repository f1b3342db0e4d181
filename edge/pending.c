/* SPDX-License-Identifier: Apache-2.0
 *
 * See pending.h. Tickets [oldest, next) are in the buffer; `unsent` is the
 * first that has not gone out.
 */
#include "edge/pending.h"

#include "common/backoff.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

#define SIZE_START 256u

struct pending {
    question_t *questions;
    size_t size; /* a power of two */
    uint64_t oldest, unsent, next;
    size_t count;
};

uint64_t pending_first_ticket(void)
{
    return (random_u64() >> 16 << 8) + 1;
}

pending_t *pending_new(uint64_t first_ticket)
{
    assert(first_ticket);
    pending_t *self = mem_zalloc(1, sizeof *self);
    self->size = SIZE_START;
    self->questions = mem_zalloc(self->size, sizeof *self->questions);
    self->oldest = self->unsent = self->next = first_ticket;
    return self;
}

void pending_destroy(pending_t **self_p)
{
    pending_t *self = *self_p;
    if (!self)
        return;
    free(self->questions);
    free(self);
    *self_p = NULL;
}

static question_t *s_at(const pending_t *self, uint64_t ticket)
{
    return &self->questions[ticket & (self->size - 1)];
}

/* Forgets what is closed at the old end. */
static void s_advance(pending_t *self)
{
    while (self->oldest < self->next && !s_at(self, self->oldest)->done)
        self->oldest++;
    if (self->unsent < self->oldest)
        self->unsent = self->oldest;
}

static bool s_grow(pending_t *self)
{
    if (self->next - self->oldest < self->size)
        return true;
    if (self->size >= PENDING_MAX)
        return false;
    size_t size = self->size * 2;
    question_t *questions = mem_zalloc(size, sizeof *questions);
    for (uint64_t t = self->oldest; t < self->next; t++)
        questions[t & (size - 1)] = *s_at(self, t);
    free(self->questions);
    self->questions = questions;
    self->size = size;
    return true;
}

uint64_t pending_add(pending_t *self, const question_t *question)
{
    if (!s_grow(self))
        return 0;
    question_t *mine = s_at(self, self->next);
    *mine = *question;
    mine->place.ticket = self->next;
    self->count++;
    return self->next++;
}

bool pending_take(pending_t *self, uint64_t ticket, question_t *question)
{
    if (ticket < self->oldest || ticket >= self->next)
        return false;
    question_t *mine = s_at(self, ticket);
    if (!mine->done)
        return false;
    *question = *mine;
    mine->done = NULL;
    self->count--;
    s_advance(self);
    return true;
}

bool pending_take_expired(pending_t *self, uint64_t asked_ms,
                          question_t *question)
{
    s_advance(self);
    if (self->oldest == self->next ||
        s_at(self, self->oldest)->asked_ms > asked_ms)
        return false;
    return pending_take(self, self->oldest, question);
}

size_t pending_count(const pending_t *self)
{
    return self->count;
}

size_t pending_unsent(pending_t *self, bus_place_t *places, size_t max)
{
    size_t count = 0;
    for (uint64_t t = self->unsent; t < self->next && count < max; t++)
        if (s_at(self, t)->done)
            places[count++] = s_at(self, t)->place;
    if (!count)
        self->unsent = self->next;
    return count;
}

void pending_sent(pending_t *self, uint64_t ticket)
{
    assert(ticket >= self->unsent && ticket < self->next);
    self->unsent = ticket + 1;
}

size_t pending_resend(pending_t *self)
{
    size_t count = 0;
    for (uint64_t t = self->oldest; t < self->unsent; t++) {
        if (!s_at(self, t)->done)
            continue;
        s_at(self, t)->place.flags |= BUS_PLACE_RESENT;
        count++;
    }
    self->unsent = self->oldest;
    return count;
}
