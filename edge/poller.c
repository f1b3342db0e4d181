/* SPDX-License-Identifier: Apache-2.0
 *
 * See poller.h.
 */
#include "edge/poller.h"

#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

/* A turn's share; the rest stays ready for the next. */
#define EVENTS_A_TURN 256

struct poller {
    int epoll;
    uv_poll_t handle;
    poller_item_t *items, *gone;
    /* By descriptor, so that a socket passes from one item to another without
     * the kernel; NULL where none of ours. */
    poller_item_t **holders;
    int size;
};

static void s_link(poller_item_t **list, poller_item_t *item)
{
    item->previous = NULL;
    item->next = *list;
    if (item->next)
        item->next->previous = item;
    *list = item;
}

static void s_unlink(poller_item_t **list, poller_item_t *item)
{
    if (item->previous)
        item->previous->next = item->next;
    else
        *list = item->next;
    if (item->next)
        item->next->previous = item->previous;
}

static int s_control(poller_t *self, int operation, poller_item_t *item,
                     uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = item->fd};
    item->events = events;
    return epoll_ctl(self->epoll, operation, item->fd, &event);
}

static void s_hold(poller_t *self, int fd, poller_item_t *item)
{
    if (fd >= self->size) {
        int size = fd * 2 + 64;
        self->holders =
            mem_realloc(self->holders, (size_t)size, sizeof *self->holders);
        while (self->size < size)
            self->holders[self->size++] = NULL;
    }
    self->holders[fd] = item;
}

/* Events of one item may end another that stands further down. */
static void s_on_ready(uv_poll_t *handle, int status, int ignored)
{
    poller_t *self = handle->data;
    struct epoll_event ready[EVENTS_A_TURN];
    (void)status, (void)ignored;
    int count = epoll_wait(self->epoll, ready, EVENTS_A_TURN, 0);
    for (int i = 0; i < count; i++) {
        poller_item_t *item = self->holders[ready[i].data.fd];
        if (item)
            item->ops->on_events(item, ready[i].events);
    }
}

poller_t *poller_new(struct uv_loop_s *loop)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        log_error("poller_failed", "error=\"%s\"", strerror(errno));
        return NULL;
    }
    poller_t *self = mem_zalloc(1, sizeof *self);
    self->epoll = epoll;
    self->handle.data = self;
    uv_poll_init(loop, &self->handle, epoll);
    uv_poll_start(&self->handle, UV_READABLE, s_on_ready);
    return self;
}

void poller_close(poller_t *self)
{
    while (self->items)
        poller_end(self, self->items);
    poller_reap(self);
    uv_close((uv_handle_t *)&self->handle, NULL);
}

void poller_destroy(poller_t **self_p)
{
    poller_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    close(self->epoll);
    free(self->holders);
    free(self);
}

int poller_add(poller_t *self, poller_item_t *item, int fd, uint32_t events)
{
    item->fd = fd;
    if (s_control(self, EPOLL_CTL_ADD, item, events) < 0)
        return -1;
    s_hold(self, fd, item);
    s_link(&self->items, item);
    return 0;
}

/* The socket is another's, or nobody's, now. */
static void s_gone(poller_t *self, poller_item_t *item)
{
    item->fd = -1;
    s_unlink(&self->items, item);
    s_link(&self->gone, item);
}

void poller_pass(poller_t *self, poller_item_t *from, poller_item_t *to,
                 uint32_t events)
{
    to->fd = from->fd;
    to->events = from->events;
    s_hold(self, to->fd, to);
    s_link(&self->items, to);
    s_gone(self, from);
    poller_wait(self, to, events);
}

void poller_wait(poller_t *self, poller_item_t *item, uint32_t events)
{
    if (item->fd >= 0 && item->events != events)
        s_control(self, EPOLL_CTL_MOD, item, events);
}

void poller_end(poller_t *self, poller_item_t *item)
{
    if (item->fd < 0)
        return;
    self->holders[item->fd] = NULL;
    close(item->fd); /* leaves the set with it */
    s_gone(self, item);
}

void poller_reap(poller_t *self)
{
    for (poller_item_t *item; (item = self->gone);) {
        s_unlink(&self->gone, item);
        item->ops->on_gone(item);
    }
}

void poller_expire(poller_t *self, uint32_t now_s)
{
    for (poller_item_t *item = self->items, *next; item; item = next) {
        next = item->next; /* its own call may end it, and no other */
        if (item->expires_s && now_s >= item->expires_s)
            item->ops->on_expired(item);
    }
}
