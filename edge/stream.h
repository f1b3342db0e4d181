/* SPDX-License-Identifier: Apache-2.0
 *
 * An accepted socket on the poller, and its bytes: as they are (stream.c), or
 * through TLS (tls.c). What speaks HTTP or WebSocket above it cannot tell
 * which.
 */
#ifndef EDGE_STREAM_H
#define EDGE_STREAM_H

#include "edge/poller.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct stream stream_t;

typedef struct {
    ssize_t (*read)(stream_t *self, void *bytes, size_t size);
    ssize_t (*write)(stream_t *self, const struct iovec *pieces, int count,
                     bool more);
    /* NULL: bytes cannot go from a file to this socket. */
    ssize_t (*sendfile)(stream_t *self, int file, off_t at, size_t size);
    bool (*pending)(const stream_t *self);
    void (*finish)(stream_t *self);
    /* Before the socket is closed, and when its holder is freed; or NULL. */
    void (*end)(stream_t *self);
    void (*fini)(stream_t *self);
} stream_ops_t;

/* Put first into what holds a connection, and `item.ops` set. */
struct stream {
    poller_item_t item;
    const stream_ops_t *ops;
    poller_t *poller;
    void *tls; /* tls.c's own; NULL on a plain socket */
};

/* Takes the accepted socket without TLS. -1: the kernel refuses, and nothing is
 * done. */
int stream_open(stream_t *self, poller_t *poller, int fd);
/* Hands the connection to another holder, whose `item.ops` are set; waits for
 * input there. `from` is gone then. */
void stream_pass(stream_t *from, stream_t *to);
/* Closes at once; the item is gone at the turn's end. May be called again. */
void stream_end(stream_t *self);
/* In the item's on_gone: frees what the stream holds. */
void stream_fini(stream_t *self);
static inline bool stream_ended(const stream_t *self)
{
    return self->item.fd < 0;
}

/* EPOLLIN, EPOLLOUT, or 0. */
static inline void stream_wait(stream_t *self, uint32_t events)
{
    poller_wait(self->poller, &self->item, events);
}

/* How many bytes came; 0: none now; -1: no more will. */
static inline ssize_t stream_read(stream_t *self, void *bytes, size_t size)
{
    return self->ops->read(self, bytes, size);
}

/* How many bytes were taken; fewer than all: wait for EPOLLOUT and offer the
 * same ones again, from there on. -1: the connection is dead. `more`: others
 * follow at once. */
static inline ssize_t stream_write(stream_t *self, const struct iovec *pieces,
                                   int count, bool more)
{
    return self->ops->write(self, pieces, count, more);
}

/* Whether bytes can be read that no event will tell of. */
static inline bool stream_pending(const stream_t *self)
{
    return self->ops->pending(self);
}

/* Tells the peer that nothing follows; it may still be read from. */
static inline void stream_finish(stream_t *self)
{
    self->ops->finish(self);
}

#endif
