/* SPDX-License-Identifier: Apache-2.0
 *
 * See front.h. A visit is a connection that speaks HTTP:
 *
 *     idle ──request──► answering ──all is sent──► idle
 *     │  ▲               │     ▲
 *     ▼  │ more of it    ▼     │ the handler answers, or the socket takes more
 *   half a request       waiting
 */
#include "edge/front.h"

#include "common/clock.h"
#include "common/mem.h"
#include "edge/answer.h"
#include "edge/api.h"
#include "edge/direct.h"
#include "edge/guest.h"
#include "edge/http.h"
#include "edge/poller.h"
#include "edge/request_head.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer heads are libwebsockets' to refuse. */
#define HEAD_BYTES_MAX 16384
/* Pipelined ones, before other sockets get their turn. */
#define REQUESTS_A_TURN 8
#define ANSWER_S 30
/* For the rest of a request whose head is there. */
#define BODY_S 20

struct front {
    edge_t *edge;
    guest_t *guest;
    poller_t *poller;
    uint32_t now_s; /* of front_expire */
};

typedef struct {
    poller_item_t item;
    front_t *front;
    connection_t *connection;
    exchange_t *exchange; /* under way, or NULL */
    int awaited; /* bytes of the request that are to come first; 0: any */
    bool piped;  /* the next request came before the handler answered */
} visit_t;

static visit_t *s_of_item(poller_item_t *item)
{
    return (visit_t *)((char *)item - offsetof(visit_t, item));
}

static void s_expire_in(visit_t *visit, uint32_t seconds)
{
    visit->item.expires_s = (uint32_t)(clock_mono_ms() / 1000) + seconds;
}

static void s_end(visit_t *visit)
{
    poller_end(visit->front->poller, &visit->item);
}

/* --- Answering -------------------------------------------------------------
 */

/* True where the connection is idle again. */
static bool s_send(visit_t *visit)
{
    exchange_t *exchange = visit->exchange;
    answer_result_t result = answer_send_direct(exchange, visit->item.fd);
    if (result == ANSWER_WAITS) {
        s_expire_in(visit, ANSWER_S);
        poller_wait(visit->front->poller, &visit->item, EPOLLOUT);
        return false;
    }
    if (result == ANSWER_FAILED || exchange->close) {
        s_end(visit);
        return false;
    }
    exchange_destroy(&visit->exchange);
    s_expire_in(visit, CONNECTION_IDLE_S);
    poller_wait(visit->front->poller, &visit->item, EPOLLIN);
    return true;
}

/* A handler's answer that did not come at once. One that did is sent by
 * s_answer. */
static void s_on_reply(exchange_t *exchange)
{
    visit_t *visit = exchange->context;
    char byte;
    if (!visit->exchange)
        return;
    if (recv(visit->item.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        visit->piped = true;
    s_send(visit);
}

static char *s_text(slice_t slice)
{
    if (!slice.text)
        return NULL;
    char *text = mem_alloc(slice.size + 1);
    memcpy(text, slice.text, slice.size);
    text[slice.size] = '\0';
    return text;
}

/* "a=1&b=2" as its pieces, each with its NUL, and an empty one. */
static char *s_query(slice_t query)
{
    if (!query.size)
        return NULL;
    char *pieces = mem_zalloc(1, query.size + 2), *at = pieces;
    for (size_t i = 0; i < query.size; i++) {
        if (query.text[i] != '&')
            *at++ = query.text[i];
        else if (at > pieces && at[-1])
            *at++ = '\0';
    }
    return pieces;
}

static exchange_t *s_exchange(visit_t *visit, const request_head_t *head)
{
    exchange_t *exchange = exchange_new(visit->front->edge);
    exchange->context = visit;
    exchange->on_reply = s_on_reply;
    exchange->connection = visit->connection;
    http_equip(exchange);
    exchange->verb = head->verb;
    exchange->path = s_text(head->path);
    exchange->query = s_query(head->query);
    for (int i = 0; i < HEADER_COUNT; i++)
        exchange->headers[i] = s_text(head->headers[i]);
    if (head->body.size)
        exchange->body = s_text(head->body);
    exchange->body_size = head->body.size;
    exchange->close = list_has(exchange->headers[HEADER_CONNECTION], "close");
    edge_count(exchange->edge, EDGE_HTTP_REQUESTS);
    return exchange;
}

/* A handshake: a session, or an answer and the end. */
static void s_upgrade(visit_t *visit, exchange_t *exchange)
{
    front_t *self = visit->front;
    exchange->close = true;
    upgrade_t *upgrade = api_upgrade(exchange);
    if (upgrade) {
        connection_t *connection = visit->connection;
        visit->connection = NULL;
        direct_open(self->edge, self->poller, &visit->item, connection, upgrade,
                    exchange->headers[HEADER_WS_KEY]);
        free(upgrade);
        exchange_destroy(&exchange);
        return;
    }
    visit->exchange = exchange;
    s_send(visit);
}

/* Offers of other protocols are passed over (RFC 9110, section 7.8): Java and
 * curl make one of HTTP/2 with an ordinary request. */
static bool s_is_handshake(const request_head_t *head)
{
    char *offers = s_text(head->upgrade);
    bool websocket = list_has(offers, "websocket");
    free(offers);
    return websocket;
}

/* True where the connection is idle again, and still here. */
static bool s_answer(visit_t *visit, const request_head_t *head)
{
    exchange_t *exchange = s_exchange(visit, head);
    if (s_is_handshake(head)) {
        s_upgrade(visit, exchange);
        return false;
    }
    api_handle(exchange);
    visit->exchange = exchange;
    if (exchange->answered)
        return s_send(visit);
    s_expire_in(visit, ANSWER_S);
    return false;
}

/* A head that libwebsockets would misread. What came is read away, or closing
 * would reset the connection before its peer has the answer. */
static void s_refuse(visit_t *visit, size_t got)
{
    recv(visit->item.fd, NULL, got, MSG_TRUNC | MSG_DONTWAIT);
    exchange_t *exchange = exchange_new(visit->front->edge);
    exchange->context = visit;
    exchange->on_reply = s_on_reply;
    exchange->close = true;
    edge_count(exchange->edge, EDGE_HTTP_MALFORMED);
    exchange_problem(exchange, PROBLEM_BAD_REQUEST,
                     "A field's name is the beginning of another's");
    visit->exchange = exchange;
    s_send(visit);
}

/* --- Reading ---------------------------------------------------------------
 */

static void s_pass_on(visit_t *visit)
{
    front_t *self = visit->front;
    connection_t *connection = visit->connection;
    visit->connection = NULL;
    guest_adopt(self->guest, poller_release(self->poller, &visit->item),
                connection);
}

/* Wakes only when `bytes` are there, or the end. */
static void s_await(visit_t *visit, int bytes)
{
    if (bytes != visit->awaited)
        setsockopt(visit->item.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes,
                   sizeof bytes);
    visit->awaited = bytes;
}

/* The whole request is in `buffer`, and so far in the socket too. True where
 * the next one is there already. */
static bool s_take(visit_t *visit, const request_head_t *head, size_t got)
{
    if (head->body.size && visit->piped) {
        s_end(visit); /* as the contract says of bodies that do not wait */
        return false;
    }
    s_await(visit, 0);
    recv(visit->item.fd, NULL, head->size, MSG_TRUNC | MSG_DONTWAIT);
    visit->piped = false;
    return s_answer(visit, head) && got > head->size;
}

/* A request is looked at before it is taken, so that libwebsockets may have it
 * from its first byte. True where the next one is there already. */
static bool s_read(visit_t *visit)
{
    static char buffer[HEAD_BYTES_MAX]; /* one thread */
    request_head_t head;
    int fd = visit->item.fd;
    ssize_t got = recv(fd, buffer, sizeof buffer, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0 || got < visit->awaited) { /* nothing comes any more */
        s_end(visit);
        return false;
    }
    head_kind_t kind = request_head_parse(&head, buffer, (size_t)got);
    size_t whole = head.size ? head.size : (size_t)got + 1;
    if (kind == HEAD_PLAIN)
        return s_take(visit, &head, (size_t)got);
    if (kind == HEAD_PARTIAL && whole <= sizeof buffer) {
        if (!visit->awaited)
            s_expire_in(visit, head.size ? BODY_S : CONNECTION_FIRST_S);
        s_await(visit, (int)whole);
        return false;
    }
    s_await(visit, 0);
    if (guest_misreads(buffer, (size_t)got))
        s_refuse(visit, (size_t)got);
    else
        s_pass_on(visit);
    return false;
}

static void s_read_some(visit_t *visit)
{
    unsigned requests = REQUESTS_A_TURN;
    while (requests-- && s_read(visit))
        ;
}

static void s_on_events(poller_item_t *item, uint32_t events)
{
    visit_t *visit = s_of_item(item);
    if (!visit->exchange)
        s_read_some(visit);
    else if (events & (EPOLLHUP | EPOLLERR))
        s_end(visit);
    else if (visit->exchange->answered)
        s_send(visit);
    else /* what is asked meanwhile waits */
        poller_wait(visit->front->poller, item, 0);
}

static void s_on_expired(poller_item_t *item)
{
    s_end(s_of_item(item));
}

static void s_on_gone(poller_item_t *item)
{
    visit_t *visit = s_of_item(item);
    exchange_destroy(&visit->exchange);
    connection_destroy(&visit->connection, visit->front->edge);
    free(visit);
}

void front_admit(front_t *self, int fd, connection_t *connection)
{
    static const poller_ops_t ops = {s_on_events, s_on_expired, s_on_gone};
    visit_t *visit = mem_zalloc(1, sizeof *visit);
    *visit =
        (visit_t){.item.ops = &ops, .front = self, .connection = connection};
    s_expire_in(visit, CONNECTION_FIRST_S);
    if (poller_add(self->poller, &visit->item, fd, EPOLLIN) == 0)
        return;
    close(fd);
    s_on_gone(&visit->item);
}

/* --- Life ------------------------------------------------------------------
 */

front_t *front_new(edge_t *edge, guest_t *guest, struct uv_loop_s *loop)
{
    poller_t *poller = poller_new(loop);
    if (!poller)
        return NULL;
    front_t *self = mem_zalloc(1, sizeof *self);
    *self = (front_t){.edge = edge, .guest = guest, .poller = poller};
    return self;
}

void front_close(front_t *self)
{
    poller_close(self->poller);
}

void front_destroy(front_t **self_p)
{
    front_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    poller_destroy(&self->poller);
    free(self);
}

void front_reap(front_t *self)
{
    poller_reap(self->poller);
}

void front_expire(front_t *self)
{
    uint32_t now_s = (uint32_t)(clock_mono_ms() / 1000);
    if (now_s == self->now_s)
        return;
    self->now_s = now_s;
    poller_expire(self->poller, now_s);
}
