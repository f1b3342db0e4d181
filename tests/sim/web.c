/* SPDX-License-Identifier: Apache-2.0
 *
 * See web.h.
 */
#include "tests/sim/web.h"

#include "tests/sim/bus.h"
#include "tests/sim/shim.h"

#include <stdlib.h>
#include <string.h>

#define WEBS_MAX 256
#define BUFFER_BYTES 65536
#define LATENCY_LEAST MS
#define LATENCY_MOST (40 * MS)

typedef struct piece {
    struct piece *next;
    size_t size;
    uint8_t bytes[];
} piece_t;

typedef enum { FREE, ASKING, OPEN, CLOSED } state_t;

typedef struct {
    state_t state;
    void *client; /* NULL: it left */
    const process_t *edge;
    uint64_t life;   /* of the edge */
    uint64_t number; /* of the connection */
    web_hello_t hello;
    bool offered, wants_board, stopped;
    piece_t *requests; /* arrived at the edge */
    uint64_t last_in, last_out;
    piece_t *unread;    /* arrived at a client that does not read */
    size_t outstanding; /* written and not yet taken by the client */
    uint32_t acknowledged;
} web_t;

static web_t s_webs[WEBS_MAX];
static uint64_t s_numbers;
static const web_events_t *s_events;

static web_t *s_web(unsigned id)
{
    return &s_webs[id - 1];
}

static uint64_t s_arrival(uint64_t *last)
{
    uint64_t at = world_now() + rng_range(LATENCY_LEAST, LATENCY_MOST);
    if (at <= *last)
        at = *last + 1;
    return *last = at;
}

static void s_wake(const web_t *self)
{
    fd_wake((process_t *)(uintptr_t)self->edge, world_now() + 1000);
}

static piece_t *s_piece(const void *bytes, size_t size)
{
    piece_t *piece = malloc(sizeof *piece + size);
    piece->next = NULL;
    piece->size = size;
    if (size)
        memcpy(piece->bytes, bytes, size);
    return piece;
}

static void s_append(piece_t **list, piece_t *piece)
{
    while (*list)
        list = &(*list)->next;
    *list = piece;
}

static void s_drop(piece_t **list)
{
    while (*list) {
        piece_t *piece = *list;
        *list = piece->next;
        free(piece);
    }
}

static void s_free(web_t *self)
{
    s_drop(&self->requests);
    s_drop(&self->unread);
    *self = (web_t){0};
}

static bool s_edge_lives(const web_t *self)
{
    return self->edge->up && self->edge->life == self->life;
}

/* ---- the edge's side -------------------------------------------------- */

unsigned web_accept(web_hello_t *hello)
{
    for (unsigned i = 0; i < WEBS_MAX; i++) {
        web_t *web = &s_webs[i];
        if (web->state != ASKING || !web->offered ||
            web->edge != process_now() || web->life != process_now()->life)
            continue;
        *hello = web->hello;
        web->offered = false;
        return i + 1;
    }
    return 0;
}

static void s_on_open(void *object, uint64_t number, uint64_t unused)
{
    web_t *self = object;
    (void)unused;
    if (self->number == number && self->state == OPEN && self->client)
        s_events->on_open(self->client);
}

void web_agree(unsigned id)
{
    web_t *self = s_web(id);
    self->state = OPEN;
    world_at(s_arrival(&self->last_out), s_on_open, self, self->number, 0);
}

static void s_on_closed(void *object, uint64_t number, uint64_t unused)
{
    web_t *self = object;
    (void)unused;
    if (self->number != number || self->state == FREE)
        return;
    void *client = self->client;
    s_free(self);
    if (client)
        s_events->on_closed(client);
}

void web_close(unsigned id)
{
    web_t *self = s_web(id);
    if (self->state == CLOSED)
        return;
    self->state = CLOSED;
    world_at(s_arrival(&self->last_out), s_on_closed, self, self->number, 0);
}

void web_refuse(unsigned id)
{
    web_close(id);
}

size_t web_read(unsigned id, uint8_t *bytes, size_t room)
{
    web_t *self = s_web(id);
    piece_t *piece = self->requests;
    if (!piece)
        return self->client ? WEB_NONE : WEB_GONE;
    self->requests = piece->next;
    size_t size = piece->size < room ? piece->size : room;
    memcpy(bytes, piece->bytes, size);
    free(piece);
    return size;
}

bool web_blocked(unsigned id)
{
    return s_web(id)->outstanding > BUFFER_BYTES;
}

uint32_t web_acknowledged(unsigned id)
{
    return s_web(id)->acknowledged;
}

static void s_take(web_t *self, const piece_t *piece)
{
    bool was = self->outstanding > BUFFER_BYTES;
    self->outstanding -= piece->size;
    self->acknowledged += (uint32_t)piece->size;
    if (was && self->outstanding <= BUFFER_BYTES)
        s_wake(self);
    if (self->client)
        s_events->on_bytes(self->client, piece->bytes, piece->size);
}

static void s_on_bytes(void *object, uint64_t number, uint64_t pointer)
{
    web_t *self = object;
    piece_t *piece = (piece_t *)(uintptr_t)pointer;
    if (self->number != number || self->state == FREE) {
        free(piece);
        return;
    }
    if (self->stopped || self->unread) {
        s_append(&self->unread, piece);
        return;
    }
    s_take(self, piece);
    free(piece);
}

bool web_write(unsigned id, const uint8_t *bytes, size_t size)
{
    web_t *self = s_web(id);
    piece_t *piece = s_piece(bytes, size);
    self->outstanding += size;
    world_at(s_arrival(&self->last_out), s_on_bytes, self, self->number,
             (uint64_t)(uintptr_t)piece);
    return self->outstanding <= BUFFER_BYTES;
}

unsigned web_board_wanted(void)
{
    for (unsigned i = 0; i < WEBS_MAX; i++) {
        web_t *web = &s_webs[i];
        if (web->state == OPEN && web->wants_board &&
            web->edge == process_now() && web->life == process_now()->life) {
            web->wants_board = false;
            return i + 1;
        }
    }
    return 0;
}

typedef struct {
    uint32_t epoch;
    uint64_t seq;
} board_head_t;

static void s_on_board(void *object, uint64_t number, uint64_t pointer)
{
    web_t *self = object;
    piece_t *piece = (piece_t *)(uintptr_t)pointer;
    board_head_t head;
    memcpy(&head, piece->bytes, sizeof head);
    if (self->number == number && self->state == OPEN && self->client)
        s_events->on_board(self->client, head.epoch, head.seq,
                           piece->bytes + sizeof head,
                           piece->size - sizeof head);
    free(piece);
}

/* Another connection's answer: it overtakes, or is overtaken. */
void web_give_board(unsigned id, uint32_t epoch, uint64_t seq,
                    const uint8_t *bytes, size_t size)
{
    web_t *self = s_web(id);
    board_head_t head = {epoch, seq};
    piece_t *piece = malloc(sizeof *piece + sizeof head + size);
    piece->next = NULL;
    piece->size = sizeof head + size;
    memset(piece->bytes, 0, sizeof head);
    memcpy(piece->bytes, &head, sizeof head);
    if (size)
        memcpy(piece->bytes + sizeof head, bytes, size);
    world_at(world_now() + rng_range(LATENCY_LEAST, 3 * LATENCY_MOST),
             s_on_board, self, self->number, (uint64_t)(uintptr_t)piece);
}

void web_sleep_ms(uint64_t ms)
{
    process_t *process = process_now();
    for (sock_t *sock = process->sockets; sock; sock = sock->next)
        sock->waiter = fiber_now();
    for (sock_t *sock = process->sockets; sock; sock = sock->next)
        if (sock_readable(sock))
            ms = 0;
    fiber_wait(world_now() + ms * MS);
}

bool web_terminated(void)
{
    return process_now()->stopping;
}

/* ---- the clients' side ------------------------------------------------ */

void web_reset(const web_events_t *events)
{
    for (unsigned i = 0; i < WEBS_MAX; i++)
        s_free(&s_webs[i]);
    s_events = events;
    s_numbers = 0;
}

static void s_on_asked(void *object, uint64_t number, uint64_t unused)
{
    web_t *self = object;
    (void)unused;
    if (self->number != number || self->state != ASKING)
        return;
    self->life = self->edge->life;
    if (!self->edge->up) {
        self->state = CLOSED;
        world_at(s_arrival(&self->last_out), s_on_closed, self, number, 0);
        return;
    }
    self->offered = true;
    s_wake(self);
}

const process_t *web_edge(unsigned id, uint64_t *life)
{
    *life = s_web(id)->life;
    return s_web(id)->edge;
}

unsigned web_connect(void *client, const process_t *edge,
                     const web_hello_t *hello)
{
    for (unsigned i = 0; i < WEBS_MAX; i++) {
        web_t *self = &s_webs[i];
        if (self->state != FREE)
            continue;
        *self = (web_t){.state = ASKING,
                        .client = client,
                        .edge = edge,
                        .number = ++s_numbers,
                        .hello = *hello};
        world_at(s_arrival(&self->last_in), s_on_asked, self, self->number, 0);
        return i + 1;
    }
    violation("sim", "no connection is free");
}

static void s_on_message(void *object, uint64_t number, uint64_t pointer)
{
    web_t *self = object;
    piece_t *piece = (piece_t *)(uintptr_t)pointer;
    if (self->number != number || self->state != OPEN || !s_edge_lives(self)) {
        free(piece);
        return;
    }
    if (piece->size) {
        s_append(&self->requests, piece);
    } else {
        self->wants_board = true;
        free(piece);
    }
    s_wake(self);
}

void web_send(unsigned id, const void *bytes, size_t size)
{
    web_t *self = s_web(id);
    piece_t *piece = s_piece(bytes, size);
    world_at(s_arrival(&self->last_in), s_on_message, self, self->number,
             (uint64_t)(uintptr_t)piece);
}

void web_ask_board(unsigned id)
{
    web_send(id, "", 0);
}

void web_read_on(unsigned id, bool on)
{
    web_t *self = s_web(id);
    uint64_t number = self->number;
    self->stopped = !on;
    while (on && self->number == number && self->unread) {
        piece_t *piece = self->unread;
        self->unread = piece->next;
        s_take(self, piece);
        free(piece);
    }
}

static void s_on_left(void *object, uint64_t number, uint64_t unused)
{
    web_t *self = object;
    (void)unused;
    if (self->number != number || self->state == FREE)
        return;
    if (s_edge_lives(self) && self->state != CLOSED)
        s_wake(self);
}

void web_leave(unsigned id)
{
    web_t *self = s_web(id);
    self->client = NULL;
    if (self->state == ASKING && !self->offered)
        s_free(self);
    else
        world_at(s_arrival(&self->last_in), s_on_left, self, self->number, 0);
}

void web_process_down(const process_t *process)
{
    for (unsigned i = 0; i < WEBS_MAX; i++) {
        web_t *self = &s_webs[i];
        if (self->edge != process || self->state == FREE ||
            self->state == CLOSED || (self->state == ASKING && !self->offered))
            continue;
        self->state = CLOSED;
        world_at(s_arrival(&self->last_out), s_on_closed, self, self->number,
                 0);
    }
}
