/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing to a WebSocket's connection: whole frames as raw bytes, through
 * libwebsockets' own buffering of what the kernel did not take. Nobody else
 * writes frames. libwebsockets 4.1 breaks the stream where anything is
 * written into a partial send, so each caller asks socket_blocked first.
 */
#ifndef EDGE_SOCKET_H
#define EDGE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lws;

typedef enum {
    SOCKET_SENT = 0, /* the kernel took it all */
    SOCKET_PARTIAL,  /* accepted; the rest goes out when the peer reads */
    SOCKET_FAILED,   /* the connection is dead: kill it */
} socket_result_t;

/* A frame is still unfinished: write nothing. */
bool socket_blocked(struct lws *wsi);

/* `bytes` are whole frames and are not kept. Not while blocked. */
socket_result_t socket_write(struct lws *wsi, const uint8_t *bytes,
                             size_t size);

/* Closes without a word, after the present callback or turn. */
void socket_kill(struct lws *wsi);

/* Bytes that the peer has acknowledged since the connection began, modulo
 * 2^32: whether a blocked peer reads at all. */
uint32_t socket_acknowledged(struct lws *wsi);

/* How much the kernel may hold for a peer that does not read. */
void socket_set_send_buffer(struct lws *wsi, int bytes);

/* The functions above go through this table, so that tests need no socket. */
typedef struct {
    bool (*blocked)(struct lws *wsi);
    socket_result_t (*write)(struct lws *wsi, const uint8_t *bytes,
                             size_t size);
    void (*kill)(struct lws *wsi);
    uint32_t (*acknowledged)(struct lws *wsi);
    void (*set_send_buffer)(struct lws *wsi, int bytes);
} socket_ops_t;

/* NULL: the real ones again. */
void socket_use(const socket_ops_t *ops);

#endif
