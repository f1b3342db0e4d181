/* SPDX-License-Identifier: Apache-2.0
 *
 * See lookup.h.
 */
#include "edge/lookup.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/mem.h"
#include "edge/edge.h"
#include "edge/pending.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 1000
#define PAGE_TIMEOUT_MS 10000
#define BUDGET 64

struct lookup {
    edge_t *edge;
    zsock_t *socket;            /* NULL: no persister is configured */
    pending_t *records, *pages; /* by what answers them */
};

static int s_connect(void *context, const char *endpoint)
{
    lookup_t *self = context;
    bus_security_t security = edge_config_security(self->edge->config);
    if (self->socket)
        return bus_connect_also(self->socket, endpoint, &security);
    self->socket = bus_connect(endpoint, BUS_QUERY, &security);
    return self->socket ? 0 : -1;
}

lookup_t *lookup_new(edge_t *edge, const char *persisters)
{
    lookup_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    self->records = pending_new(pending_first_ticket());
    self->pages = pending_new(pending_first_ticket());
    if (endpoints_each(persisters, s_connect, self) < 0)
        lookup_destroy(&self);
    return self;
}

void lookup_destroy(lookup_t **self_p)
{
    lookup_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->socket);
    pending_destroy(&self->records);
    pending_destroy(&self->pages);
    free(self);
    *self_p = NULL;
}

static uint64_t s_ask(lookup_t *self, pending_t *pending, bus_type_t type,
                      const bus_query_t *query, void (*done)(void),
                      void *context)
{
    question_t question = {
        .asked_ms = clock_mono_ms(), .done = done, .context = context};
    uint64_t ticket = pending_add(pending, &question);
    edge_count(self->edge, EDGE_QUERIES);
    if (pending_is_refused(ticket)) {
        edge_count(self->edge, EDGE_QUERIES_REFUSED);
        return ticket;
    }
    bus_query_t mine = *query;
    mine.ticket = ticket;
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_query(bytes, type, &mine);
    if (self->socket)
        link_send(self->socket, bytes, size); /* where it cannot: times out */
    return ticket;
}

uint64_t lookup_pixel(lookup_t *self, uint16_t x, uint16_t y,
                      lookup_answer_fn on_answer, void *context)
{
    bus_query_t query = {.x = x, .y = y};
    return s_ask(self, self->records, BUS_PIXEL, &query,
                 (void (*)(void))on_answer, context);
}

uint64_t lookup_user(lookup_t *self, uint64_t user, lookup_answer_fn on_answer,
                     void *context)
{
    bus_query_t query = {.user = user};
    return s_ask(self, self->records, BUS_USER, &query,
                 (void (*)(void))on_answer, context);
}

void lookup_page(lookup_t *self, bus_type_t type, const bus_query_t *query,
                 lookup_page_fn on_page, void *context)
{
    s_ask(self, self->pages, type, query, (void (*)(void))on_page, context);
}

void lookup_cancel(lookup_t *self, uint64_t ticket)
{
    question_t question;
    pending_take(self->records, ticket, &question);
}

static void s_answer(const question_t *question, const bus_answer_t *answer)
{
    lookup_answer_fn on_answer = (lookup_answer_fn)question->done;
    on_answer(question->context, answer);
}

static void s_turn_page(const question_t *question, const bus_page_t *page)
{
    lookup_page_fn on_page = (lookup_page_fn)question->done;
    on_page(question->context, page);
}

static void s_on_answer(void *context, link_t *link, const uint8_t *bytes,
                        size_t size)
{
    lookup_t *self = context;
    bus_answer_t answer;
    bus_page_t page;
    question_t question;
    (void)link;
    if (bus_decode_answer(&answer, bytes, size) == 0) {
        if (pending_take(self->records, answer.ticket, &question))
            s_answer(&question, &answer);
    } else if (bus_decode_page(&page, bytes, size) == 0) {
        if (pending_take(self->pages, page.ticket, &question))
            s_turn_page(&question, &page);
    } else {
        edge_count(self->edge, EDGE_BUS_BAD);
    }
}

int lookup_fd(const lookup_t *self)
{
    return self->socket ? zsock_fd(self->socket) : -1;
}

static void s_fail(const question_t *question)
{
    s_answer(question, &(bus_answer_t){.status = BUS_STORE_FAILED});
}

static void s_fail_page(const question_t *question)
{
    s_turn_page(question, &(bus_page_t){.status = BUS_STORE_FAILED});
}

typedef void (*fail_fn)(const question_t *question);

static void s_answer_refused(pending_t *pending, fail_fn fail)
{
    question_t question;
    uint64_t until = 0;
    while (pending_take_refused(pending, &until, &question))
        fail(&question);
}

bool lookup_turn(lookup_t *self)
{
    s_answer_refused(self->records, s_fail);
    s_answer_refused(self->pages, s_fail_page);
    return self->socket &&
           link_drain(NULL, self->socket, BUDGET, s_on_answer, self);
}

static void s_expire(lookup_t *self, pending_t *pending, uint64_t now_ms,
                     uint64_t timeout_ms, fail_fn fail)
{
    question_t question;
    while (now_ms >= timeout_ms &&
           pending_take_expired(pending, now_ms - timeout_ms, &question)) {
        edge_count(self->edge, EDGE_QUERIES_EXPIRED);
        fail(&question);
    }
}

void lookup_tick(lookup_t *self, uint64_t now_ms)
{
    s_expire(self, self->records, now_ms, TIMEOUT_MS, s_fail);
    s_expire(self, self->pages, now_ms, PAGE_TIMEOUT_MS, s_fail_page);
}
