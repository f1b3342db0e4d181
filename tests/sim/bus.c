/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus.h: connections, from attempt to end. Sockets are in sock.c.
 */
#include "tests/sim/bus_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define HEARTBEAT_LEAST (3000 * MS)
#define HEARTBEAT_MOST (4100 * MS)
#define SYN_GIVES_UP (127 * SECOND)

static conn_t *s_conns;
static uint64_t s_numbers;
static unsigned s_address[HOSTS_MAX]; /* of the host with that name */
static size_t s_deepest;

static void s_on_attempt(void *object, uint64_t attempt, uint64_t since);

/* ---- messages --------------------------------------------------------- */

message_t *message_new(void)
{
    return calloc(1, sizeof(message_t));
}

void message_add(message_t *self, const void *bytes, size_t size)
{
    assert(self->count < FRAMES_MAX);
    uint8_t *copy = malloc(size + 1);
    if (size)
        memcpy(copy, bytes, size);
    self->frames[self->count].bytes = copy;
    self->frames[self->count++].size = size;
}

void message_free(message_t *self)
{
    if (!self)
        return;
    for (int i = 0; i < self->count; i++)
        free(self->frames[i].bytes);
    free(self);
}

void queue_put(queue_t *self, message_t *message)
{
    message->next = NULL;
    if (self->tail)
        self->tail->next = message;
    else
        self->head = message;
    self->tail = message;
    self->count++;
}

message_t *queue_take(queue_t *self)
{
    message_t *message = self->head;
    if (!message)
        return NULL;
    self->head = message->next;
    if (!self->head)
        self->tail = NULL;
    self->count--;
    return message;
}

void queue_clear(queue_t *self)
{
    for (message_t *message; (message = queue_take(self));)
        message_free(message);
}

/* ---- flow ------------------------------------------------------------- */

static bool s_path_bad(const conn_t *self)
{
    const process_t *a = &processes[self->host[0]];
    const process_t *b = &processes[self->host[1]];
    return net_is_cut(self->host[0], self->host[1]) ||
           net_is_cut(self->host[1], self->host[0]) || a->paused_until ||
           b->paused_until;
}

static void s_arrive(conn_t *self, int side, message_t *message)
{
    sock_t *sock = self->end[side];
    if (message->count < 0) {
        message_free(message);
        conn_end_down(self, side, "peer");
        return;
    }
    if (!sock) {
        message_free(message);
        return;
    }
    message->conn = self->number;
    message->side = side;
    memcpy(message->identity, self->identity, sizeof self->identity);
    sock_take_in(sock, message);
}

static void s_on_pump(void *object, uint64_t side, uint64_t number)
{
    conn_t *self = conn_find(number);
    (void)object;
    if (!self)
        return;
    self->pumping[side] = false;
    queue_t *flow = &self->flow[side];
    if (!self->up[side])
        queue_clear(flow); /* nobody is there any more */
    while (self->up[side] && flow->head && flow->head->at <= world_now()) {
        if (net_is_cut(self->host[1 - side], self->host[side]))
            return; /* conn_heal goes on */
        s_arrive(self, (int)side, queue_take(flow));
        if (!conn_find(number))
            return;
    }
    conn_pump(self, (int)side);
}

void conn_pump(conn_t *self, int side)
{
    if (!self->flow[side].head || self->pumping[side])
        return;
    self->pumping[side] = true;
    world_at(self->flow[side].head->at, s_on_pump, NULL, (uint64_t)side,
             self->number);
}

void conn_send(conn_t *self, int side, message_t *message)
{
    uint64_t at =
        world_now() + net_latency(self->host[1 - side], self->host[side]);
    if (at <= self->last_at[side])
        at = self->last_at[side] + 1;
    self->last_at[side] = message->at = at;
    if (message->count >= 0 && ++self->waiting[side] > s_deepest)
        s_deepest = self->waiting[side];
    queue_put(&self->flow[side], message);
    conn_pump(self, side);
}

bool conn_has_room(const conn_t *self, int side, const sock_t *from)
{
    const sock_t *to = self->end[side];
    size_t mark = (size_t)from->send_mark;
    mark += to ? (size_t)to->receive_mark : mark;
    return self->waiting[side] < mark;
}

size_t bus_deepest(void)
{
    return s_deepest;
}

/* ---- ends ------------------------------------------------------------- */

conn_t *conn_find(uint64_t number)
{
    conn_t *conn = s_conns;
    while (conn && conn->number != number)
        conn = conn->next;
    return conn;
}

conn_t *conn_first(void)
{
    return s_conns;
}

static void s_free(conn_t *self)
{
    conn_t **at = &s_conns;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    for (int side = 0; side < 2; side++) {
        queue_clear(&self->flow[side]);
        if (self->end[side])
            sock_forget_conn(self->end[side], self);
    }
    free(self);
}

static void s_say_end(conn_t *self, int side)
{
    message_t *end = message_new();
    end->count = -1;
    conn_send(self, side, end);
}

void conn_end_down(conn_t *self, int side, const char *why)
{
    if (!self->up[side])
        return;
    self->up[side] = false;
    trace("conn %u-%u:%u down at %u why=%s", self->host[0], self->host[1],
          self->end[1] ? self->end[1]->port : 0, self->host[side], why);
    queue_clear(&self->flow[side]);
    if (side == 0 && self->link) {
        link_t *link = self->link;
        self->link = NULL;
        link->conn = NULL;
        if (link->sock->type == ZMQ_SUB)
            sock_drop_unread(link->sock, self);
        link_retry(link);
    }
    self->end[side] = NULL;
    if (self->up[1 - side])
        s_say_end(self, 1 - side);
    else
        s_free(self);
}

/* The connection's own process has ended: nobody is there to look. */
void conn_abandon(conn_t *self, int side, bool crashed)
{
    queue_t *flow = &self->flow[1 - side];
    sock_t *sock = self->end[side];
    self->end[side] = NULL;
    if (side == 0)
        self->link = NULL;
    if (sock)
        sock_forget_conn(sock, self);
    /* Some of what the process had written was still in its own buffers. */
    if (crashed && flow->count && rng_chance(50)) {
        size_t keep = rng_below(flow->count);
        queue_t kept = {0};
        for (size_t i = 0; i < keep; i++)
            queue_put(&kept, queue_take(flow));
        for (message_t *lost; (lost = queue_take(flow)); message_free(lost))
            self->waiting[1 - side]--;
        *flow = kept;
    }
    conn_end_down(self, side, crashed ? "crash" : "close");
}

/* ---- heartbeats ------------------------------------------------------- */

static void s_on_heartbeat(void *object, uint64_t side, uint64_t number)
{
    conn_t *self = conn_find(number);
    (void)object;
    if (!self || !self->up[side] || !self->bad_since[side])
        return;
    const process_t *own = &processes[self->host[side]];
    if (world_now() - self->bad_since[side] < HEARTBEAT_LEAST)
        return;
    if (own->paused_until) /* it notices when it wakes */
        world_at(own->paused_until + 1, s_on_heartbeat, NULL, side, number);
    else
        conn_end_down(self, (int)side, "heartbeat");
}

static void s_look(conn_t *self)
{
    bool bad = s_path_bad(self);
    for (int side = 0; side < 2; side++) {
        if (!bad)
            self->bad_since[side] = 0;
        else if (!self->bad_since[side]) {
            self->bad_since[side] = world_now();
            world_at(world_now() + rng_range(HEARTBEAT_LEAST, HEARTBEAT_MOST),
                     s_on_heartbeat, NULL, (uint64_t)side, self->number);
        }
    }
}

void bus_look(void)
{
    for (conn_t *conn = s_conns, *next; conn; conn = next) {
        next = conn->next;
        s_look(conn);
        for (int side = 0; side < 2; side++)
            if (!net_is_cut(conn->host[1 - side], conn->host[side]))
                conn_pump(conn, side);
    }
}

/* ---- connecting ------------------------------------------------------- */

static conn_t *s_open(link_t *link, sock_t *bound)
{
    conn_t *self = calloc(1, sizeof *self);
    self->number = ++s_numbers;
    self->link = link;
    self->end[0] = link->sock;
    self->end[1] = bound;
    self->host[0] = link->sock->process->number;
    self->host[1] = bound->process->number;
    self->up[0] = self->up[1] = true;
    memcpy(self->identity + 1, &self->number, 4);
    self->next = s_conns;
    s_conns = self;
    link->conn = self;
    link->tries = 0;
    trace("conn %u-%u:%u up", self->host[0], self->host[1], bound->port);
    return self;
}

void link_retry(link_t *link)
{
    const sock_t *sock = link->sock;
    uint64_t wait = (uint64_t)sock->reconnect_ms;
    for (unsigned i = 0; i < link->tries && wait < 1u << 20; i++)
        wait *= 2;
    if (sock->reconnect_max_ms && wait > (uint64_t)sock->reconnect_max_ms)
        wait = (uint64_t)sock->reconnect_max_ms;
    link->tries++;
    uint64_t at = world_now() + rng_range(wait * MS / 2, wait * MS * 3 / 2);
    link->attempt = ++s_numbers;
    world_at(at, s_on_attempt, link, link->attempt, 0);
}

static bool s_cut_between(unsigned a, unsigned b)
{
    return net_is_cut(a, b) || net_is_cut(b, a);
}

/* Keys are drawn per broker (docs/bus.md): another one at that address turns
 * its client away. */
static bool s_lets_in(const link_t *link, const sock_t *bound)
{
    const process_t *peer = bound->process;
    return sock_keys_fit(link->sock, bound) &&
           (peer->kind != KIND_BROKER || peer->number == link->host);
}

/* A SYN on its way to whoever has that address; `packed` is the address and the
 * number of SYNs sent. */
static void s_on_syn(void *object, uint64_t attempt, uint64_t packed)
{
    link_t *link = link_find(object, attempt);
    if (!link)
        return;
    unsigned own = link->sock->process->number;
    unsigned address = (unsigned)(packed & 0xff);
    unsigned sent = (unsigned)(packed >> 8);
    unsigned host = 0;
    while (s_address[host] != address)
        host++;
    uint64_t limit = link->sock->connect_timeout_ms
                         ? (uint64_t)link->sock->connect_timeout_ms * MS
                         : SYN_GIVES_UP;
    process_t *peer = &processes[host];
    if (link->sock->process->paused_until) {
        world_at(link->sock->process->paused_until + MS, s_on_syn, link,
                 attempt, packed);
    } else if (s_cut_between(own, host)) {
        uint64_t next = SECOND << sent;
        if ((next << 1) - SECOND > limit)
            link_retry(link);
        else
            world_at(world_now() + next, s_on_syn, link, attempt,
                     address | (uint64_t)(sent + 1) << 8);
    } else {
        sock_t *bound = peer->up ? sock_bound(peer, link->port) : NULL;
        if (bound && !peer->paused_until && s_lets_in(link, bound))
            s_look(s_open(link, bound));
        else
            link_retry(link);
    }
}

static void s_on_attempt(void *object, uint64_t attempt, uint64_t unused)
{
    link_t *link = link_find(object, attempt);
    (void)unused;
    if (!link)
        return;
    unsigned own = link->sock->process->number;
    uint64_t round = 2 * net_latency(own, link->host) + MS;
    world_at(world_now() + round, s_on_syn, link, attempt,
             s_address[link->host]);
}

void link_begin(link_t *link)
{
    link->attempt = ++s_numbers;
    world_at(world_now() + 1, s_on_attempt, link, link->attempt, 0);
}

void net_swap_addresses(unsigned a, unsigned b)
{
    unsigned kept = s_address[a];
    s_address[a] = s_address[b];
    s_address[b] = kept;
}

void bus_break_one(process_t *process)
{
    unsigned count = 0;
    conn_t *chosen = NULL;
    for (conn_t *conn = s_conns; conn; conn = conn->next)
        if ((conn->host[0] == process->number ||
             conn->host[1] == process->number) &&
            conn->up[0] && conn->up[1] && !rng_below(++count))
            chosen = conn;
    if (chosen)
        conn_end_down(chosen, (int)rng_below(2), "reset");
}

void conns_reset(void)
{
    while (s_conns) {
        conn_t *conn = s_conns;
        conn->end[0] = conn->end[1] = NULL;
        s_free(conn);
    }
    s_numbers = s_deepest = 0;
    for (unsigned i = 0; i < HOSTS_MAX; i++)
        s_address[i] = i;
}
