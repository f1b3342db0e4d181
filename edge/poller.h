/* SPDX-License-Identifier: Apache-2.0
 *
 * Many sockets as one descriptor of the loop: an epoll set of its own. One
 * system call a connection and none a change that changes nothing, where
 * libuv's own polling takes six and three.
 */
#ifndef EDGE_POLLER_H
#define EDGE_POLLER_H

#include <stdint.h>

struct uv_loop_s;

typedef struct poller poller_t;
typedef struct poller_item poller_item_t;

typedef struct {
    /* EPOLLIN, EPOLLOUT, EPOLLHUP … as epoll gives them. */
    void (*on_events)(poller_item_t *item, uint32_t events);
    /* `expires_s` has passed. */
    void (*on_expired)(poller_item_t *item);
    /* Closed a while ago, and nothing refers to it any more: to be freed. */
    void (*on_gone)(poller_item_t *item);
} poller_ops_t;

/* Put first into what holds a socket. */
struct poller_item {
    const poller_ops_t *ops;
    poller_item_t *next, *previous;
    int fd;             /* -1 once closed */
    uint32_t events;    /* that it waits for */
    uint32_t expires_s; /* clock_mono_ms() / 1000; 0: never */
};

/* NULL, with a line in the log, where the kernel gives none. */
poller_t *poller_new(struct uv_loop_s *loop);
/* Closes all items, and the loop's handle: a turn of the loop is needed before
 * poller_destroy. */
void poller_close(poller_t *self);
/* Safe on NULL. */
void poller_destroy(poller_t **self_p);

/* The item holds `fd` from now on. -1, nothing done, where the kernel refuses.
 */
int poller_add(poller_t *self, poller_item_t *item, int fd, uint32_t events);
/* Hands the socket of one item to another; the old one is gone. */
void poller_pass(poller_t *self, poller_item_t *from, poller_item_t *to,
                 uint32_t events);
void poller_wait(poller_t *self, poller_item_t *item, uint32_t events);
/* Closes the socket, at once; the item is gone at the turn's end. May be called
 * again till then. */
void poller_end(poller_t *self, poller_item_t *item);

/* Once a turn: frees what is gone. */
void poller_reap(poller_t *self);
/* Once a second or so: tells those whose time is up. */
void poller_expire(poller_t *self, uint32_t now_s);

#endif
