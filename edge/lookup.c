/* SPDX-License-Identifier: Apache-2.0
 *
 * See lookup.h.
 */
#include "edge/lookup.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "edge/edge.h"
#include "edge/pending.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 1000
#define BUDGET 64

struct lookup {
    edge_t *edge;
    zsock_t *socket; /* NULL: no persister is configured */
    pending_t *pending;
};

static int s_connect(lookup_t *self, const char *endpoint,
                     const bus_security_t *security)
{
    if (!self->socket) {
        self->socket = bus_connect(endpoint, BUS_QUERY, security);
        return self->socket ? 0 : -1;
    }
    int result = zsock_connect(self->socket, "%s", endpoint);
    if (result < 0)
        log_error("bad_persister", "hint=\"see the setting persisters\"");
    return result;
}

lookup_t *lookup_new(edge_t *edge, const char *persisters,
                     const bus_security_t *security)
{
    lookup_t *self = mem_zalloc(1, sizeof *self);
    self->edge = edge;
    self->pending = pending_new(pending_first_ticket());
    char *copy = mem_strdup(persisters ? persisters : "");
    char *rest = copy, *endpoint;
    int result = 0;
    while (!result && (endpoint = strsep(&rest, ", ")))
        if (*endpoint)
            result = s_connect(self, endpoint, security);
    free(copy);
    if (result)
        lookup_destroy(&self);
    return self;
}

void lookup_destroy(lookup_t **self_p)
{
    lookup_t *self = *self_p;
    if (!self)
        return;
    zsock_destroy(&self->socket);
    pending_destroy(&self->pending);
    free(self);
    *self_p = NULL;
}

uint64_t lookup_ask(lookup_t *self, bus_type_t type, const bus_query_t *query,
                    uplink_answer_fn on_answer, void *context)
{
    question_t question = {.asked_ms = clock_mono_ms(),
                           .done = (void (*)(void))on_answer,
                           .context = context};
    uint64_t ticket = pending_add(self->pending, &question);
    if (!ticket)
        return 0;
    edge_count(self->edge, EDGE_QUERIES);
    bus_query_t mine = *query;
    mine.ticket = ticket;
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_query(bytes, type, &mine);
    if (self->socket)
        link_send(self->socket, bytes, size); /* where it cannot: times out */
    return ticket;
}

void lookup_cancel(lookup_t *self, uint64_t ticket)
{
    question_t question;
    pending_take(self->pending, ticket, &question);
}

static void s_answer(const question_t *question, const bus_answer_t *answer)
{
    uplink_answer_fn on_answer = (uplink_answer_fn)question->done;
    on_answer(question->context, answer);
}

static void s_on_answer(void *context, link_t *link, const uint8_t *bytes,
                        size_t size)
{
    lookup_t *self = context;
    bus_answer_t answer;
    question_t question;
    (void)link;
    if (bus_type(bytes, size) != BUS_ANSWER ||
        bus_decode_answer(&answer, bytes, size) < 0)
        edge_count(self->edge, EDGE_BUS_BAD);
    else if (pending_take(self->pending, answer.ticket, &question))
        s_answer(&question, &answer);
}

int lookup_fd(const lookup_t *self)
{
    return self->socket ? zsock_fd(self->socket) : -1;
}

bool lookup_turn(lookup_t *self)
{
    return self->socket &&
           link_drain(NULL, self->socket, BUDGET, s_on_answer, self);
}

void lookup_tick(lookup_t *self, uint64_t now_ms)
{
    question_t question;
    if (now_ms < TIMEOUT_MS)
        return;
    while (
        pending_take_expired(self->pending, now_ms - TIMEOUT_MS, &question)) {
        bus_answer_t answer = {.status = BUS_STORE_FAILED};
        edge_count(self->edge, EDGE_QUERIES_EXPIRED);
        s_answer(&question, &answer);
    }
}
