/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus.h: sockets, what they do by type.
 */
#include "tests/sim/bus_parts.h"

#include "common/bus.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define SOCK_TAG 0x0cafe004
#define MARK 1000
#define RECONNECT_MS 100

static uint64_t s_fed_at;

sock_t *sock_new(int type)
{
    return sock_new_of(process_now(), type);
}

sock_t *sock_new_of(process_t *process, int type)
{
    sock_t *self = calloc(1, sizeof *self);
    assert(process);
    self->tag = SOCK_TAG;
    self->type = type;
    self->process = process;
    self->life = process->life;
    self->send_mark = self->receive_mark = MARK;
    self->reconnect_ms = RECONNECT_MS;
    self->next = process->sockets;
    process->sockets = self;
    return self;
}

void sock_connect(sock_t *self, unsigned host, unsigned port)
{
    link_t *link = calloc(1, sizeof *link);
    *link =
        (link_t){.next = self->links, .sock = self, .host = host, .port = port};
    self->links = link;
    link_begin(link);
}

static void s_unlink(sock_t *self)
{
    sock_t **at = &self->process->sockets;
    while (*at && *at != self)
        at = &(*at)->next;
    if (*at)
        *at = self->next;
}

static void s_free(sock_t *self, bool crashed)
{
    while (self->links) {
        link_t *link = self->links;
        self->links = link->next;
        if (link->conn) {
            conn_t *conn = link->conn;
            link->conn = NULL;
            conn_abandon(conn, 0, crashed);
        }
        free(link);
    }
    for (conn_t *conn = conn_first(), *next; conn; conn = next) {
        next = conn->next;
        if (conn->end[1] == self)
            conn_abandon(conn, 1, crashed);
    }
    if (self->peer)
        self->peer->peer = NULL;
    queue_clear(&self->unread);
    message_free(self->reading);
    message_free(self->writing);
    free(self);
}

void sock_free(sock_t *self)
{
    s_unlink(self);
    s_free(self, false);
}

void bus_process_down(process_t *process, bool crashed)
{
    while (process->sockets) {
        sock_t *sock = process->sockets;
        process->sockets = sock->next;
        s_free(sock, crashed);
    }
}

bool sock_readable(const sock_t *self)
{
    return self->reading || self->unread.head;
}

void sock_take_in(sock_t *self, message_t *message)
{
    queue_put(&self->unread, message);
    fiber_wake(self->waiter, world_now() + 1000);
}

void sock_forget_conn(sock_t *self, const conn_t *conn)
{
    for (link_t *link = self->links; link; link = link->next)
        if (link->conn == conn)
            link->conn = NULL;
}

void sock_drop_unread(sock_t *self, const conn_t *conn)
{
    queue_t kept = {0};
    for (message_t *message; (message = queue_take(&self->unread));)
        if (message->conn == conn->number)
            message_free(message);
        else
            queue_put(&kept, message);
    self->unread = kept;
}

sock_t *sock_bound(const process_t *process, unsigned port)
{
    for (sock_t *sock = process->sockets; sock; sock = sock->next)
        if (sock->bound && sock->port == port)
            return sock;
    return NULL;
}

bool sock_keys_fit(const sock_t *connected, const sock_t *bound)
{
    return !strcmp(connected->server_key, bound->public_key);
}

link_t *link_find(link_t *link, uint64_t attempt)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        for (sock_t *sock = processes[i].sockets; sock; sock = sock->next)
            for (link_t *at = sock->links; at; at = at->next)
                if (at == link && at->attempt == attempt)
                    return at;
    return NULL;
}

/* ---- receiving -------------------------------------------------------- */

message_t *sock_receive(sock_t *self)
{
    message_t *message = queue_take(&self->unread);
    if (!message) {
        errno = EAGAIN;
        return NULL;
    }
    conn_t *conn = message->conn ? conn_find(message->conn) : NULL;
    if (conn && conn->waiting[message->side])
        conn->waiting[message->side]--;
    if (self->type != ZMQ_ROUTER)
        return message;
    message_t *whole = message_new();
    message_add(whole, message->identity, sizeof message->identity);
    for (int i = 0; i < message->count; i++)
        message_add(whole, message->frames[i].bytes, message->frames[i].size);
    message_free(message);
    return whole;
}

/* ---- sending ---------------------------------------------------------- */

static int s_refuse(message_t *message, int error)
{
    message_free(message);
    errno = error;
    return -1;
}

static message_t *s_copy(const message_t *message)
{
    message_t *copy = message_new();
    for (int i = 0; i < message->count; i++)
        message_add(copy, message->frames[i].bytes, message->frames[i].size);
    return copy;
}

uint64_t bus_fed_at(void)
{
    return s_fed_at;
}

static int s_publish(sock_t *self, message_t *message)
{
    if (message->frames[0].size && *message->frames[0].bytes == BUS_DIFF)
        s_fed_at = world_now();
    for (conn_t *conn = conn_first(); conn; conn = conn->next)
        if (conn->end[1] == self && conn->up[1] && conn_has_room(conn, 0, self))
            conn_send(conn, 0, s_copy(message));
    message_free(message);
    return 0;
}

static int s_route(sock_t *self, message_t *message)
{
    if (message->count < 2 || message->frames[0].size != 5)
        return s_refuse(message, EHOSTUNREACH);
    for (conn_t *conn = conn_first(); conn; conn = conn->next) {
        if (conn->end[1] != self || !conn->up[1] ||
            memcmp(conn->identity, message->frames[0].bytes, 5) != 0)
            continue;
        if (!conn_has_room(conn, 0, self))
            return s_refuse(message, EAGAIN);
        message_t *body = message_new();
        for (int i = 1; i < message->count; i++)
            message_add(body, message->frames[i].bytes,
                        message->frames[i].size);
        message_free(message);
        conn_send(conn, 0, body);
        return 0;
    }
    return s_refuse(message, EHOSTUNREACH);
}

/* To one of the peers, in turn. */
static int s_deal(sock_t *self, message_t *message, int own_side)
{
    conn_t *fits[32];
    unsigned count = 0;
    for (conn_t *conn = conn_first(); conn && count < 32; conn = conn->next)
        if (conn->end[own_side] == self && conn->up[own_side] &&
            conn_has_room(conn, 1 - own_side, self))
            fits[count++] = conn;
    if (!count)
        return s_refuse(message, EAGAIN);
    conn_send(fits[self->turn++ % count], 1 - own_side, message);
    return 0;
}

static int s_pass(sock_t *self, message_t *message)
{
    if (!self->peer)
        return s_refuse(message, EAGAIN);
    message->conn = 0;
    sock_take_in(self->peer, message);
    return 0;
}

int sock_send(sock_t *self, message_t *message)
{
    switch (self->type) {
    case ZMQ_PUB:
        return s_publish(self, message);
    case ZMQ_ROUTER:
        return s_route(self, message);
    case ZMQ_PAIR:
        return s_pass(self, message);
    default:
        return s_deal(self, message, self->bound ? 1 : 0);
    }
}
