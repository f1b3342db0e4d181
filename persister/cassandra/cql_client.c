/* SPDX-License-Identifier: Apache-2.0
 *
 *     start ─▶ waiting ──a free stream──▶ in flight ──RESULT──▶ end OK
 *                 ▲                          │
 *                 └──back-off── overloaded, lost, unprepared
 *
 * One list holds the calls in both states; the loop sends those that are due,
 * polls, and ends those whose deadline has come. A call that got no answer in
 * time takes its connection with it: a server that is silent on one stream is
 * so on all.
 */
#include "persister/cassandra/cql_client.h"

#include "common/clock.h"
#include "common/mem.h"

#include <openssl/crypto.h>

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MS 5000
#define BACKOFF_BASE_MS 25
#define BACKOFF_CAP_MS 2000
#define POLL_MS 500
/* Requests on every open connection before another one is opened. */
#define CROWDED 16

struct cql_client {
    const cql_options_t *options;
    cql_statements_t *statements;
    cql_connection_t *connections[CQL_CONNECTIONS_MAX];
    unsigned count;
    uint64_t open_at_ms; /* no attempt to connect before */
    backoff_t backoff;   /* of those attempts */
    bool refused;        /* the last one, and none is open */
    cql_call_t *calls;   /* waiting or in flight, in order of their start */
    char error[512];
};

cql_client_t *cql_client_new(const cql_options_t *options,
                             cql_statements_t *statements, unsigned connections)
{
    cql_client_t *self = mem_zalloc(1, sizeof *self);
    self->options = options;
    self->statements = statements;
    self->count = connections;
    self->backoff = backoff_of(BACKOFF_BASE_MS, BACKOFF_CAP_MS);
    for (unsigned i = 0; i < connections; i++)
        self->connections[i] = cql_connection_new(options, statements);
    return self;
}

void cql_client_destroy(cql_client_t **self_p)
{
    cql_client_t *self = *self_p;
    if (!self)
        return;
    for (unsigned i = 0; i < self->count; i++)
        cql_connection_destroy(&self->connections[i]);
    free(self);
    *self_p = NULL;
    /* What OpenSSL keeps for this thread; the process may end before it does.
     */
    OPENSSL_thread_stop();
}

const char *cql_client_error(const cql_client_t *self)
{
    return self->error;
}

void cql_client_fail(cql_client_t *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->error, sizeof self->error, format, arguments);
    va_end(arguments);
}

bool cql_may_retry(int32_t error)
{
    static const int32_t passing[] = {
        CQL_ERROR_SERVER,        CQL_ERROR_UNAVAILABLE,
        CQL_ERROR_OVERLOADED,    CQL_ERROR_BOOTSTRAPPING,
        CQL_ERROR_WRITE_TIMEOUT, CQL_ERROR_READ_TIMEOUT,
        CQL_ERROR_READ_FAILURE,  CQL_ERROR_WRITE_FAILURE,
        CQL_ERROR_UNPREPARED,
    };
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (passing[i] == error)
            return true;
    }
    return false;
}

/* ---- Connections --------------------------------------------------------- */

static bool s_any_open(const cql_client_t *self)
{
    for (unsigned i = 0; i < self->count; i++) {
        if (cql_connection_is_open(self->connections[i]))
            return true;
    }
    return false;
}

/* One attempt, no earlier than the back-off allows. */
static void s_open(cql_client_t *self, cql_connection_t *connection)
{
    uint64_t now_ms = clock_mono_ms();
    if (now_ms < self->open_at_ms)
        return;
    cql_opening_t got = cql_connection_open(connection, now_ms + OPEN_MS);
    self->refused = got == CQL_REFUSED && !s_any_open(self);
    if (got == CQL_OPENED) {
        backoff_reset(&self->backoff);
        return;
    }
    cql_client_fail(self, "%s", cql_connection_error(connection));
    self->open_at_ms = clock_mono_ms() + backoff_next_ms(&self->backoff);
}

/* The least busy one with a free stream; opens one where none is or all are
 * crowded. NULL where there is none for now. */
static cql_connection_t *s_pick(cql_client_t *self)
{
    cql_connection_t *best = NULL, *closed = NULL;
    for (unsigned i = 0; i < self->count; i++) {
        cql_connection_t *each = self->connections[i];
        unsigned busy = cql_connection_in_flight(each);
        if (!cql_connection_is_open(each))
            closed = closed ? closed : each;
        else if (busy < CQL_STREAMS &&
                 (!best || busy < cql_connection_in_flight(best)))
            best = each;
    }
    if (closed && (!best || cql_connection_in_flight(best) >= CROWDED)) {
        s_open(self, closed);
        if (cql_connection_is_open(closed))
            return closed;
    }
    return best;
}

store_result_t cql_client_open(cql_client_t *self, uint32_t timeout_ms)
{
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    self->open_at_ms = 0;
    while (!s_pick(self)) {
        if (self->refused)
            return STORE_FAILED;
        uint64_t now_ms = clock_mono_ms();
        if (self->open_at_ms >= deadline_ms)
            return STORE_RETRY;
        if (self->open_at_ms > now_ms)
            poll(NULL, 0, (int)(self->open_at_ms - now_ms));
    }
    return STORE_OK;
}

/* ---- Calls --------------------------------------------------------------- */

static void s_end(cql_client_t *self, cql_call_t *call, store_result_t result)
{
    cql_call_t **link = &self->calls;
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    call->connection = NULL;
    call->result = result;
    if (call->on_end)
        call->on_end(call);
}

void cql_client_start(cql_client_t *self, cql_call_t *call)
{
    uint64_t now_ms = clock_mono_ms();
    cql_call_t **link = &self->calls;
    while (*link)
        link = &(*link)->next;
    *link = call;
    call->next = NULL;
    call->client = self;
    call->connection = NULL;
    call->error = 0;
    call->due_ms = now_ms;
    call->deadline_ms = now_ms + call->timeout_ms;
    call->backoff = backoff_of(BACKOFF_BASE_MS, BACKOFF_CAP_MS);
}

static void s_again(cql_call_t *call, uint32_t delay_ms)
{
    call->connection = NULL;
    call->due_ms = clock_mono_ms() + delay_ms;
}

static void s_on_error(cql_call_t *call, const cql_reply_t *reply)
{
    cql_client_t *self = call->client;
    cql_connection_t *connection = call->connection;
    call->error = reply->error;
    cql_client_fail(self, "%s:%s: %s: %.*s", self->options->address.host,
                    self->options->address.port, cql_error_name(reply->error),
                    (int)reply->message.size,
                    (const char *)reply->message.bytes);
    if (!cql_may_retry(reply->error)) {
        s_end(self, call, STORE_FAILED);
        return;
    }
    s_again(call, backoff_next_ms(&call->backoff));
    /* Opening prepares all statements anew. */
    if (reply->error == CQL_ERROR_UNPREPARED)
        cql_connection_close(connection, "a statement is not prepared");
}

static void s_on_reply(void *context, cql_reply_t *reply)
{
    cql_call_t *call = context;
    if (!reply) {
        cql_client_fail(call->client, "%s",
                        cql_connection_error(call->connection));
        s_again(call, backoff_next_ms(&call->backoff));
    } else if (reply->opcode == CQL_OP_ERROR) {
        s_on_error(call, reply);
    } else if (!call->on_result || call->on_result(call, reply)) {
        s_end(call->client, call, STORE_OK);
    } else {
        call->deadline_ms = clock_mono_ms() + call->timeout_ms;
        backoff_reset(&call->backoff);
        s_again(call, 0);
    }
}

/* ---- The loop ------------------------------------------------------------ */

/* Ends what is over its time. */
static void s_expire(cql_client_t *self, uint64_t now_ms)
{
    cql_call_t *next;
    for (cql_call_t *call = self->calls; call; call = next) {
        next = call->next;
        if (now_ms < call->deadline_ms && !self->refused)
            continue;
        if (call->connection && now_ms < call->deadline_ms)
            continue;
        if (call->connection) {
            /* Its other calls go back to waiting: begin anew. */
            cql_connection_close(call->connection, "no answer in time");
            next = self->calls;
            continue;
        }
        s_end(self, call, self->refused ? STORE_FAILED : STORE_RETRY);
        next = self->calls; /* on_end may have changed the list */
    }
}

static void s_send_due(cql_client_t *self, uint64_t now_ms)
{
    for (cql_call_t *call = self->calls; call; call = call->next) {
        if (call->connection || call->due_ms > now_ms)
            continue;
        cql_connection_t *connection = s_pick(self);
        if (!connection)
            return;
        call->connection = connection;
        cql_connection_send(connection, &call->frame, s_on_reply, call);
    }
}

/* How long nothing need be done. */
static int s_pause_ms(const cql_client_t *self, uint64_t now_ms)
{
    uint64_t until_ms = now_ms + POLL_MS;
    for (const cql_call_t *call = self->calls; call; call = call->next) {
        if (call->deadline_ms < until_ms)
            until_ms = call->deadline_ms;
        uint64_t due_ms = call->due_ms;
        if (due_ms < self->open_at_ms)
            due_ms = self->open_at_ms;
        if (!call->connection && due_ms > now_ms && due_ms < until_ms)
            until_ms = due_ms;
    }
    return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static void s_poll(cql_client_t *self)
{
    struct pollfd items[CQL_CONNECTIONS_MAX];
    cql_connection_t *owners[CQL_CONNECTIONS_MAX];
    nfds_t count = 0;
    for (unsigned i = 0; i < self->count; i++) {
        cql_connection_t *each = self->connections[i];
        if (!cql_connection_is_open(each))
            continue;
        owners[count] = each;
        items[count++] = (struct pollfd){.fd = cql_connection_fd(each),
                                         .events = cql_connection_events(each)};
    }
    poll(items, count, s_pause_ms(self, clock_mono_ms()));
    for (nfds_t i = 0; i < count; i++) {
        if (items[i].revents && cql_connection_is_open(owners[i]))
            cql_connection_service(owners[i]);
    }
}

void cql_client_run(cql_client_t *self)
{
    self->refused = false;
    while (self->calls) {
        s_send_due(self, clock_mono_ms());
        s_poll(self);
        s_expire(self, clock_mono_ms());
    }
}

store_result_t cql_client_ask(cql_client_t *self, cql_call_t *call)
{
    cql_client_start(self, call);
    cql_client_run(self);
    return call->result;
}
