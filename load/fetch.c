/* SPDX-License-Identifier: Apache-2.0
 *
 * See fetch.h. The body is what stands behind the head: `Content-Length` bytes
 * where given, else all until the server closes, for we ask it to.
 */
#include "load/fetch.h"

#include "common/clock.h"
#include "common/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_BYTES 512
#define ROOM_START 65536

struct fetch {
    int fd;
    char request[REQUEST_BYTES];
    size_t request_size, sent;
    uint8_t *bytes; /* head and body */
    size_t size, room;
    size_t head;    /* its length, 0 while it is not whole */
    int64_t length; /* of the body; -1 until the close */
    int status;
};

fetch_t *fetch_start(const endpoint_t *endpoint, const char *path)
{
    int fd = endpoint_connect(endpoint, 0, 0);
    if (fd < 0)
        return NULL;
    fetch_t *self = mem_zalloc(1, sizeof *self);
    self->fd = fd;
    self->length = -1;
    self->room = ROOM_START;
    self->bytes = mem_alloc(self->room);
    self->request_size =
        (size_t)snprintf(self->request, sizeof self->request,
                         "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                         "Accept-Encoding: identity\r\n\r\n",
                         path, endpoint->host);
    return self;
}

void fetch_destroy(fetch_t **self_p)
{
    fetch_t *self = *self_p;
    if (!self)
        return;
    close(self->fd);
    free(self->bytes);
    free(self);
    *self_p = NULL;
}

int fetch_fd(const fetch_t *self)
{
    return self->fd;
}

int fetch_status(const fetch_t *self)
{
    return self->status;
}

const uint8_t *fetch_body(const fetch_t *self, size_t *size)
{
    *size = self->size - self->head;
    return self->bytes + self->head;
}

/* The head, once it is whole: status and length. -1 where we cannot read it. */
static int s_read_head(fetch_t *self)
{
    const char *text = (const char *)self->bytes;
    const char *end = memmem(text, self->size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    self->head = (size_t)(end - text) + 4;
    if (self->head < 16 || memcmp(text, "HTTP/1.", 7))
        return -1;
    self->status = atoi(text + 9);
    for (const char *line = text; line < end;) {
        line = (const char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1;
        if (!strncasecmp(line, "content-length:", 15))
            self->length = atoll(line + 15);
        else if (!strncasecmp(line, "transfer-encoding:", 18))
            return -1;
        if (line >= end)
            break;
    }
    return self->length > (int64_t)FETCH_BODY_MAX ? -1 : 0;
}

static fetch_step_t s_end(const fetch_t *self)
{
    int64_t have = (int64_t)(self->size - self->head);
    return self->head && self->status == 200 &&
                   (self->length < 0 || have == self->length)
               ? FETCH_DONE
               : FETCH_FAILED;
}

static fetch_step_t s_receive(fetch_t *self)
{
    for (;;) {
        if (self->size == self->room) {
            if (self->room > FETCH_BODY_MAX)
                return FETCH_FAILED;
            self->room *= 2;
            self->bytes = mem_realloc(self->bytes, self->room, 1);
        }
        ssize_t got =
            read(self->fd, self->bytes + self->size, self->room - self->size);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR ? FETCH_MORE
                                                     : FETCH_FAILED;
        if (!got)
            return s_end(self);
        self->size += (size_t)got;
        if (!self->head && s_read_head(self) < 0)
            return FETCH_FAILED;
        if (self->head && self->length >= 0 &&
            (int64_t)(self->size - self->head) >= self->length)
            return s_end(self);
    }
}

fetch_step_t fetch_step(fetch_t *self)
{
    while (self->sent < self->request_size) {
        ssize_t put = write(self->fd, self->request + self->sent,
                            self->request_size - self->sent);
        if (put < 0)
            return errno == EAGAIN || errno == EINTR || errno == ENOTCONN
                       ? FETCH_MORE
                       : FETCH_FAILED;
        self->sent += (size_t)put;
    }
    return s_receive(self);
}

fetch_step_t fetch_wait(fetch_t *self, uint32_t timeout_ms)
{
    uint64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        fetch_step_t step = fetch_step(self);
        uint64_t now = clock_mono_ms();
        if (step != FETCH_MORE)
            return step;
        if (now >= deadline)
            return FETCH_FAILED;
        struct pollfd item = {.fd = self->fd, .events = POLLIN};
        if (self->sent < self->request_size)
            item.events |= POLLOUT;
        poll(&item, 1, (int)(deadline - now));
    }
}
