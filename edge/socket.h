/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket's connection as a session sees it, whoever holds it: the edge
 * itself (direct.h) or libwebsockets (guest_socket.h). Whole frames are written
 * as raw bytes, and nobody else writes frames. Nothing may be written into an
 * unfinished one, so each caller asks socket_blocked first.
 */
#ifndef EDGE_SOCKET_H
#define EDGE_SOCKET_H

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
    socket_result_t (*write)(socket_t *self, const uint8_t *bytes, size_t size);
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

/* `bytes` are whole frames and are not kept. Not while blocked. */
static inline socket_result_t socket_write(socket_t *self, const uint8_t *bytes,
                                           size_t size)
{
    assert(!self->ops->blocked(self));
    return self->ops->write(self, bytes, size);
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
