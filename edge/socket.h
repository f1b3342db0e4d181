/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket's connection as a session sees it (ws/websocket.h). Whole frames
 * are written as raw bytes, and nobody else writes frames. Nothing may be
 * written into an unfinished one, so each caller asks socket_blocked first.
 */
#ifndef EDGE_SOCKET_H
#define EDGE_SOCKET_H

#include "edge/ws/frame.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    SOCKET_SENT = 0, /* the kernel took it all */
    SOCKET_PARTIAL,  /* accepted; the rest goes out when the peer reads */
    SOCKET_FAILED,   /* the connection is dead: kill it */
} socket_result_t;

typedef struct socket socket_t;

typedef struct {
    bool (*blocked)(const socket_t *self);
    socket_result_t (*write)(socket_t *self, const uint8_t *bytes, size_t size,
                             frame_t *frame);
    socket_result_t (*post)(socket_t *self, frame_t *frame);
    void (*kill)(socket_t *self);
    uint32_t (*acknowledged)(const socket_t *self);
} socket_ops_t;

/* Put first into what holds a connection. */
struct socket {
    const socket_ops_t *ops;
};

/* A frame is still unfinished: write nothing. */
static inline bool socket_blocked(const socket_t *self)
{
    return self->ops->blocked(self);
}

/* `bytes` are whole frames. Not while blocked. If they lie in `frame`, which
 * others share, the socket may refer to it until all is sent; without one
 * (NULL) they are copied. */
static inline socket_result_t socket_write(socket_t *self, const uint8_t *bytes,
                                           size_t size, frame_t *frame)
{
    assert(!self->ops->blocked(self));
    return self->ops->write(self, bytes, size, frame);
}

/* The whole of a shared frame, as socket_write does it, or together with those
 * of other sockets at the end of the fan-out's slice; until then the caller
 * keeps the frame and calls nothing else here. SOCKET_SENT may be taken back at
 * that time, by session_posted. */
static inline socket_result_t socket_post(socket_t *self, frame_t *frame)
{
    assert(!self->ops->blocked(self));
    return self->ops->post(self, frame);
}

/* Closes without a word, after the present callback or turn. */
static inline void socket_kill(socket_t *self)
{
    self->ops->kill(self);
}

/* Bytes that the peer has acknowledged since the connection began, modulo
 * 2^32: whether a blocked peer reads at all. */
static inline uint32_t socket_acknowledged(const socket_t *self)
{
    return self->ops->acknowledged(self);
}

/* --- For those who hold connections --- */

/* socket_acknowledged of a kernel's socket. */
uint32_t socket_fd_acknowledged(int fd);
/* How much the kernel may hold for a peer that does not read; 0: its own. */
void socket_fd_set_send_buffer(int fd, int bytes);

#endif
