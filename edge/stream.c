/* SPDX-License-Identifier: Apache-2.0
 *
 * See stream.h: what is common to all streams, and the plain one.
 */
#include "edge/stream.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

/* What a system call moved: 0 if it would have to wait, -1 if it failed. */
static ssize_t s_moved(ssize_t moved)
{
    if (moved >= 0)
        return moved;
    return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static ssize_t s_read(stream_t *self, void *bytes, size_t size)
{
    ssize_t got = recv(self->item.fd, bytes, size, MSG_DONTWAIT);
    return got ? s_moved(got) : -1;
}

static ssize_t s_write(stream_t *self, const struct iovec *pieces, int count,
                       bool more)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)pieces,
                                   .msg_iovlen = (size_t)count};
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    return s_moved(sendmsg(self->item.fd, &message, flags));
}

static ssize_t s_sendfile(stream_t *self, int file, off_t at, size_t size)
{
    return s_moved(sendfile(self->item.fd, file, &at, size));
}

static bool s_pending(const stream_t *self)
{
    (void)self;
    return false;
}

static void s_finish(stream_t *self)
{
    shutdown(self->item.fd, SHUT_WR);
}

int stream_open(stream_t *self, poller_t *poller, int fd)
{
    static const stream_ops_t ops = {
        s_read, s_write, s_sendfile, s_pending, s_finish, NULL, NULL,
    };
    self->ops = &ops;
    self->poller = poller;
    return poller_add(poller, &self->item, fd, EPOLLIN);
}

void stream_pass(stream_t *from, stream_t *to)
{
    to->ops = from->ops;
    to->poller = from->poller;
    to->tls = from->tls;
    from->tls = NULL;
    poller_pass(from->poller, &from->item, &to->item, EPOLLIN);
}

void stream_end(stream_t *self)
{
    if (stream_ended(self))
        return;
    if (self->ops->end)
        self->ops->end(self);
    poller_end(self->poller, &self->item);
}

void stream_fini(stream_t *self)
{
    if (self->tls)
        self->ops->fini(self);
    self->tls = NULL;
}
