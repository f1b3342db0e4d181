/* SPDX-License-Identifier: Apache-2.0
 *
 * See http1.h.
 *
 *     idle ──a byte──► reading ──a request──► answering ──all sent──► idle
 *                         │                    │     ▲
 *                         │ refused            ▼     │ the handler answers, or
 *                         ▼                  waiting  the socket takes more
 *      the end ◄──── lingering ◄──the last answer is sent
 *
 * Input is read only while nothing is being answered, so that a client costs at
 * most one answer, and MESSAGE_BYTES_MAX of what it sent beforehand.
 */
#include "edge/http/http1.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/http/answer.h"
#include "edge/http/api.h"
#include "edge/http/content.h"
#include "edge/http/negotiate.h"
#include "edge/tls.h"
#include "edge/ws/websocket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Pipelined ones, before other sockets get their turn. */
#define REQUESTS_A_TURN 8
/* For the rest of a request whose head is there. */
#define BODY_S 20
/* Without progress of an answer; and for the whole of it, besides. */
#define ANSWER_S 30
#define ANSWER_BYTES_A_SECOND 32768
/* For a peer to see the last answer, whatever it still sends. */
#define LINGER_S 3
#define LINGER_BYTES (1 << 20)

typedef struct {
    stream_t stream;
    edge_t *edge;
    connection_t *connection;
    exchange_t *exchange; /* under way, or NULL */
    message_t *partial;   /* a request that is not whole; or NULL */
    char *held;           /* read, and not yet a request */
    uint32_t held_size;
    uint32_t answer_by_s; /* the whole of the present answer */
    uint32_t lingered;    /* bytes read away */
    bool lingering;
    bool reading; /* the deadline is that of the present request */
} http1_t;

static http1_t *s_of_item(poller_item_t *item)
{
    return (http1_t *)item; /* the stream's and the item's are the first */
}

static uint32_t s_now_s(void)
{
    return (uint32_t)(clock_mono_ms() / 1000);
}

static void s_expire_in(http1_t *self, uint32_t seconds)
{
    self->stream.item.expires_s = s_now_s() + seconds;
}

static void s_hold(http1_t *self, const char *bytes, size_t size)
{
    char *held = size ? mem_alloc(size) : NULL;
    if (size)
        memcpy(held, bytes, size);
    free(self->held);
    self->held = held;
    self->held_size = (uint32_t)size;
}

/* --- The end ---------------------------------------------------------------
 */

/* The last answer is sent. Closing while input is unread would reset the
 * connection before the peer has seen it. */
static void s_linger(http1_t *self)
{
    s_hold(self, NULL, 0);
    stream_finish(&self->stream);
    self->lingering = true;
    s_expire_in(self, LINGER_S);
    stream_wait(&self->stream, EPOLLIN);
}

static void s_read_away(http1_t *self, char *buffer, size_t size)
{
    ssize_t got;
    while ((got = stream_read(&self->stream, buffer, size)) > 0 &&
           self->lingered < LINGER_BYTES)
        self->lingered += (uint32_t)got;
    if (got)
        stream_end(&self->stream);
}

/* --- Answering -------------------------------------------------------------
 */

static void s_await_reader(http1_t *self)
{
    uint32_t by_s = s_now_s() + ANSWER_S;
    self->stream.item.expires_s =
        by_s < self->answer_by_s ? by_s : self->answer_by_s;
    stream_wait(&self->stream, EPOLLOUT);
}

/* True if the connection is idle again. */
static bool s_send(http1_t *self)
{
    exchange_t *exchange = self->exchange;
    answer_result_t result = answer_send(exchange, &self->stream);
    if (result == ANSWER_FAILED) {
        stream_end(&self->stream);
        return false;
    }
    if (result == ANSWER_WAITS) {
        s_await_reader(self);
        return false;
    }
    bool last = exchange->close;
    exchange_destroy(&self->exchange);
    if (last) {
        s_linger(self);
        return false;
    }
    s_expire_in(self, CONNECTION_IDLE_S);
    return true;
}

static void s_begin_answer(http1_t *self)
{
    size_t size = answer_size(self->exchange);
    self->answer_by_s =
        s_now_s() + ANSWER_S + (uint32_t)(size / ANSWER_BYTES_A_SECOND);
}

/* What may be read now, and what wakes this connection. */
static void s_await_request(http1_t *self)
{
    bool ready = self->held_size && !self->partial;
    ready |= stream_pending(&self->stream);
    stream_wait(&self->stream, ready ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void s_on_revoked(exchange_t *exchange)
{
    http1_t *self = exchange->context;
    edge_count(self->edge, EDGE_ANSWERS_REVOKED);
    stream_end(&self->stream);
}

/* A handler's answer that did not come at once. One that did is sent by
 * s_answer. */
static void s_on_reply(exchange_t *exchange)
{
    http1_t *self = exchange->context;
    if (!self->exchange)
        return;
    s_begin_answer(self);
    if (s_send(self))
        s_await_request(self);
}

static exchange_t *s_exchange(http1_t *self)
{
    exchange_t *exchange = exchange_new(self->edge);
    exchange->context = self;
    exchange->on_reply = s_on_reply;
    exchange->on_revoked = s_on_revoked;
    exchange->connection = self->connection;
    content_equip(self->edge->content, exchange);
    return exchange;
}

/* What is no request that can be served is answered, and nothing that follows
 * is read as one. */
static bool s_refuse(http1_t *self, problem_t problem, const char *detail)
{
    exchange_t *exchange = s_exchange(self);
    exchange->close = true;
    edge_count(self->edge, EDGE_HTTP_MALFORMED);
    exchange_problem(exchange, problem, detail);
    self->exchange = exchange;
    s_begin_answer(self);
    return s_send(self);
}

/* A handshake: a session, or an answer and the end. What follows it is the
 * WebSocket's. */
static void s_upgrade(http1_t *self, exchange_t *exchange, const char *rest,
                      size_t size)
{
    exchange->close = true;
    upgrade_t *upgrade = api_upgrade(exchange);
    if (upgrade) {
        connection_t *connection = self->connection;
        self->connection = NULL;
        websocket_open(self->edge, &self->stream, connection, upgrade,
                       exchange->fields[FIELD_WS_KEY], rest, size);
        free(upgrade);
        exchange_destroy(&exchange);
        return;
    }
    self->exchange = exchange;
    s_begin_answer(self);
    s_send(self);
}

/* Offers of other protocols, and any in HTTP/1.0, are passed over (RFC 9110,
 * 7.8): Java and curl make one of HTTP/2 with an ordinary request. */
static bool s_is_handshake(const exchange_t *exchange)
{
    return !exchange->http10 && exchange->fields[FIELD_UPGRADE] &&
           list_has(exchange->fields[FIELD_UPGRADE], "websocket");
}

/* A whole request, and what follows it. True if the connection is idle again,
 * and still here. */
static bool s_answer(http1_t *self, const message_t *message, const char *bytes,
                     size_t size)
{
    exchange_t *exchange = s_exchange(self);
    if (exchange_take(exchange, message, bytes) < 0) {
        exchange_destroy(&exchange);
        return s_refuse(self, PROBLEM_BAD_REQUEST, "There is a NUL in the URL");
    }
    edge_count(self->edge, EDGE_HTTP_REQUESTS);
    if (s_is_handshake(exchange)) {
        s_upgrade(self, exchange, bytes + message->size, size - message->size);
        return false;
    }
    api_handle(exchange);
    self->exchange = exchange;
    if (exchange->answered) {
        s_begin_answer(self);
        return s_send(self);
    }
    s_expire_in(self, ANSWER_S);
    return false;
}

/* --- Reading ---------------------------------------------------------------
 */

/* To who asks before sending a body (RFC 9110, 10.1.1). */
static void s_invite(http1_t *self)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct iovec piece = {(char *)text, sizeof text - 1};
    if (stream_write(&self->stream, &piece, 1, false) != sizeof text - 1)
        stream_end(&self->stream);
}

/* The request goes on with what comes next; the clock runs from its first byte,
 * and again from its body's. */
static void s_keep_partial(http1_t *self, message_t *message)
{
    bool had_head = self->partial && self->partial->head.whole;
    bool body = message->head.whole && !had_head;
    if (!self->partial)
        self->partial = mem_alloc(sizeof *self->partial);
    *self->partial = *message;
    if (body || !self->reading)
        s_expire_in(self, body ? BODY_S : CONNECTION_FIRST_S);
    self->reading = true;
    if (body && message->head.invited)
        s_invite(self);
}

static void s_drop_partial(http1_t *self)
{
    if (self->partial)
        message_fini(self->partial);
    free(self->partial);
    self->partial = NULL;
}

/* The next request of these bytes, and how many it took. True if the one behind
 * it may be looked at. */
static bool s_next(http1_t *self, const char *bytes, size_t size, size_t *took)
{
    message_t message = {.size = 0};
    if (self->partial)
        message = *self->partial;
    message_result_t result = message_read(&message, bytes, size);
    *took = 0;
    if (result == MESSAGE_PARTIAL) {
        s_keep_partial(self, &message);
        return false;
    }
    free(self->partial); /* what it holds is the message's */
    self->partial = NULL;
    self->reading = false;
    *took = result == MESSAGE_WHOLE ? message.size : size;
    bool idle = result == MESSAGE_WHOLE
                    ? s_answer(self, &message, bytes, size)
                    : s_refuse(self, message.problem, message.detail);
    message_fini(&message);
    return idle;
}

/* Serves the requests of these bytes, as long as each is answered at once. */
static void s_serve(http1_t *self, const char *bytes, size_t size)
{
    size_t took;
    unsigned requests = REQUESTS_A_TURN;
    bool more = true;
    while (size && more && requests--) {
        more = s_next(self, bytes, size, &took);
        bytes += took;
        size -= took;
    }
    if (stream_ended(&self->stream) || self->lingering)
        return;
    s_hold(self, bytes, size);
    if (!self->exchange)
        s_await_request(self);
}

static void s_read_some(http1_t *self)
{
    static char buffer[MESSAGE_BYTES_MAX]; /* one thread */
    if (self->lingering) {
        s_read_away(self, buffer, sizeof buffer);
        return;
    }
    size_t held = self->held_size;
    if (held)
        memcpy(buffer, self->held, held);
    ssize_t got =
        held < sizeof buffer
            ? stream_read(&self->stream, buffer + held, sizeof buffer - held)
            : 0;
    bool whole = held && !self->partial; /* there may be more in what is held */
    if (got < 0 && !whole)
        stream_end(&self->stream);
    else if (got > 0 || whole)
        s_serve(self, buffer, held + (got > 0 ? (size_t)got : 0));
}

static void s_on_events(poller_item_t *item, uint32_t events)
{
    http1_t *self = s_of_item(item);
    if (!self->exchange)
        s_read_some(self);
    else if (events & (EPOLLHUP | EPOLLERR))
        stream_end(&self->stream);
    else if (!self->exchange->answered) /* what is asked meanwhile waits */
        stream_wait(&self->stream, 0);
    else if (s_send(self))
        s_await_request(self);
}

static void s_on_expired(poller_item_t *item)
{
    stream_end(&s_of_item(item)->stream);
}

static void s_on_gone(poller_item_t *item)
{
    http1_t *self = s_of_item(item);
    exchange_destroy(&self->exchange);
    connection_destroy(&self->connection, self->edge);
    s_drop_partial(self);
    free(self->held);
    stream_fini(&self->stream);
    free(self);
}

void http1_open(edge_t *edge, poller_t *poller, struct tls *tls, int fd,
                connection_t *connection)
{
    static const poller_ops_t ops = {s_on_events, s_on_expired, s_on_gone};
    http1_t *self = mem_zalloc(1, sizeof *self);
    *self = (http1_t){.stream.item.ops = &ops,
                      .edge = edge,
                      .connection = connection,
                      .reading = true};
    s_expire_in(self, CONNECTION_FIRST_S);
    int opened = tls ? tls_open(tls, &self->stream, poller, fd)
                     : stream_open(&self->stream, poller, fd);
    if (opened == 0)
        return;
    close(fd);
    s_on_gone(&self->stream.item);
}
