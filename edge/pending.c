/* SPDX-License-Identifier: Apache-2.0
 *
 * See pending.h. Two circular buffers: what is or will be sent, and what is
 * refused, whose tickets have the highest bit set. Tickets [oldest, next) of
 * each are in its buffer; `unsent` is the first that has not gone out.
 */
#include "edge/pending.h"

#include "common/backoff.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

#define SIZE_START 256u
#define REFUSED (1ull << 63)

typedef struct {
    question_t *questions;
    size_t size; /* a power of two */
    uint64_t oldest, next;
    size_t count;
} queue_t;

struct pending {
    queue_t asked, refused;
    uint64_t unsent;
};

/* --- one buffer ----------------------------------------------------------- */

static void s_init(queue_t *queue, uint64_t first_ticket)
{
    queue->size = SIZE_START;
    queue->questions = mem_zalloc(queue->size, sizeof *queue->questions);
    queue->oldest = queue->next = first_ticket;
}

static question_t *s_at(const queue_t *queue, uint64_t ticket)
{
    return &queue->questions[ticket & (queue->size - 1)];
}

/* Forgets what is closed at the old end. */
static void s_advance(queue_t *queue)
{
    while (queue->oldest < queue->next && !s_at(queue, queue->oldest)->done)
        queue->oldest++;
}

static void s_grow(queue_t *queue)
{
    if (queue->next - queue->oldest < queue->size)
        return;
    size_t size = queue->size * 2;
    question_t *questions = mem_zalloc(size, sizeof *questions);
    for (uint64_t t = queue->oldest; t < queue->next; t++)
        questions[t & (size - 1)] = *s_at(queue, t);
    free(queue->questions);
    queue->questions = questions;
    queue->size = size;
}

static uint64_t s_add(queue_t *queue, const question_t *question)
{
    assert(question->done);
    s_grow(queue);
    question_t *mine = s_at(queue, queue->next);
    *mine = *question;
    mine->place.ticket = queue->next;
    queue->count++;
    return queue->next++;
}

/* NULL if there is no open one with that ticket. */
static question_t *s_find(const queue_t *queue, uint64_t ticket)
{
    if (ticket < queue->oldest || ticket >= queue->next)
        return NULL;
    question_t *question = s_at(queue, ticket);
    return question->done ? question : NULL;
}

static bool s_take(queue_t *queue, uint64_t ticket, question_t *question)
{
    question_t *mine = s_find(queue, ticket);
    if (!mine)
        return false;
    *question = *mine;
    mine->done = NULL;
    assert(queue->count);
    queue->count--;
    s_advance(queue);
    return true;
}

/* --- both ----------------------------------------------------------------- */

uint64_t pending_first_ticket(void)
{
    return (random_u64() >> 17 << 8) + 1;
}

pending_t *pending_new(uint64_t first_ticket)
{
    assert(first_ticket && first_ticket == bus_ticket(first_ticket));
    pending_t *self = mem_zalloc(1, sizeof *self);
    s_init(&self->asked, first_ticket);
    s_init(&self->refused, REFUSED | first_ticket);
    self->unsent = first_ticket;
    return self;
}

void pending_destroy(pending_t **self_p)
{
    pending_t *self = *self_p;
    if (!self)
        return;
    free(self->asked.questions);
    free(self->refused.questions);
    free(self);
    *self_p = NULL;
}

uint64_t pending_add(pending_t *self, const question_t *question)
{
    bool full = self->asked.next - self->asked.oldest >= PENDING_MAX;
    return s_add(full ? &self->refused : &self->asked, question);
}

bool pending_is_refused(uint64_t ticket)
{
    return ticket & REFUSED;
}

static void s_skip_closed(pending_t *self)
{
    if (self->unsent < self->asked.oldest)
        self->unsent = self->asked.oldest;
}

bool pending_take(pending_t *self, uint64_t ticket, question_t *question)
{
    bool taken = ticket & REFUSED
                     ? s_take(&self->refused, ticket, question)
                     : s_take(&self->asked, bus_ticket(ticket), question);
    s_skip_closed(self);
    return taken;
}

bool pending_is_outdated(const pending_t *self, uint64_t ticket)
{
    const question_t *question = s_find(&self->asked, bus_ticket(ticket));
    return question && question->copy != bus_copy(ticket);
}

bool pending_take_refused(pending_t *self, uint64_t *until,
                          question_t *question)
{
    queue_t *queue = &self->refused;
    if (!*until)
        *until = queue->next;
    return queue->oldest < *until && s_take(queue, queue->oldest, question);
}

bool pending_take_expired(pending_t *self, uint64_t asked_ms,
                          question_t *question)
{
    const queue_t *queue = &self->asked;
    if (queue->oldest == queue->next ||
        s_at(queue, queue->oldest)->asked_ms > asked_ms)
        return false;
    return pending_take(self, queue->oldest, question);
}

size_t pending_count(const pending_t *self)
{
    return self->asked.count;
}

size_t pending_unsent(pending_t *self, bus_place_t *places, size_t max)
{
    const queue_t *queue = &self->asked;
    size_t count = 0;
    for (uint64_t t = self->unsent; t < queue->next && count < max; t++) {
        const question_t *question = s_at(queue, t);
        if (!question->done)
            continue;
        if (count && question->place.unseen != places->unseen)
            break;
        places[count] = question->place;
        places[count++].ticket |= (uint64_t)question->copy << BUS_TICKET_BITS;
    }
    if (!count)
        self->unsent = queue->next;
    return count;
}

void pending_sent(pending_t *self, uint64_t ticket, uint64_t now_ms)
{
    ticket = bus_ticket(ticket);
    assert(ticket >= self->unsent && ticket < self->asked.next);
    for (uint64_t t = self->unsent; t <= ticket; t++)
        s_at(&self->asked, t)->sent_ms = now_ms;
    self->unsent = ticket + 1;
}

uint64_t pending_waits_since(const pending_t *self)
{
    const queue_t *queue = &self->asked;
    return queue->oldest < self->unsent ? s_at(queue, queue->oldest)->sent_ms
                                        : UINT64_MAX;
}

size_t pending_resend(pending_t *self)
{
    const queue_t *queue = &self->asked;
    size_t count = 0;
    for (uint64_t t = queue->oldest; t < self->unsent; t++) {
        question_t *question = s_at(queue, t);
        if (!question->done)
            continue;
        question->place.flags |= BUS_PLACE_RESENT;
        question->copy += question->copy < BUS_COPY_MAX;
        count++;
    }
    self->unsent = queue->oldest;
    return count;
}
