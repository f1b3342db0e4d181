/* SPDX-License-Identifier: Apache-2.0
 *
 * See direct.h.
 */
#include "edge/direct.h"

#include "common/mem.h"
#include "common/wire.h"
#include "edge/frame_reader.h"
#include "edge/server.h"
#include "edge/session.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define READ_BYTES 65536
#define ACCEPT_BYTES 29 /* base64 of a SHA-1, and NUL */

typedef struct {
    poller_item_t item;
    socket_t socket;
    poller_t *poller;
    edge_t *edge;
    connection_t *connection;
    uint8_t *rest; /* of a frame that the kernel did not take; or NULL */
    uint32_t rest_size, rest_sent;
    frame_reader_t reader;
    session_t session;
} direct_t;

static direct_t *s_of_item(const poller_item_t *item)
{
    return (direct_t *)((char *)item - offsetof(direct_t, item));
}

static direct_t *s_of_socket(const socket_t *socket)
{
    return (direct_t *)((char *)socket - offsetof(direct_t, socket));
}

/* --- The session's side ----------------------------------------------------
 */

static bool s_blocked(const socket_t *socket)
{
    const direct_t *self = s_of_socket(socket);
    return self->rest || self->item.fd < 0;
}

/* How much the kernel takes now; -1: the connection is dead. */
static ssize_t s_send(int fd, const uint8_t *bytes, size_t size)
{
    ssize_t sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return sent;
}

static socket_result_t s_write(socket_t *socket, const uint8_t *bytes,
                               size_t size)
{
    direct_t *self = s_of_socket(socket);
    ssize_t sent = s_send(self->item.fd, bytes, size);
    if (sent == (ssize_t)size)
        return SOCKET_SENT;
    if (sent < 0)
        return SOCKET_FAILED;
    self->rest_sent = 0;
    self->rest_size = (uint32_t)(size - (size_t)sent);
    self->rest = mem_alloc(self->rest_size);
    memcpy(self->rest, bytes + sent, self->rest_size);
    poller_wait(self->poller, &self->item, EPOLLIN | EPOLLOUT);
    return SOCKET_PARTIAL;
}

static void s_kill(socket_t *socket)
{
    direct_t *self = s_of_socket(socket);
    poller_end(self->poller, &self->item);
}

static uint32_t s_acknowledged(const socket_t *socket)
{
    return socket_fd_acknowledged(s_of_socket(socket)->item.fd);
}

static const socket_ops_t s_socket_ops = {s_blocked, s_write, s_kill,
                                          s_acknowledged};

/* --- The peer's side -------------------------------------------------------
 */

static void s_end(direct_t *self)
{
    poller_end(self->poller, &self->item);
}

/* The rest of a frame; then the session may go on. */
static void s_on_writable(direct_t *self)
{
    ssize_t sent = s_send(self->item.fd, self->rest + self->rest_sent,
                          self->rest_size - self->rest_sent);
    if (sent < 0) {
        s_end(self);
        return;
    }
    self->rest_sent += (uint32_t)sent;
    if (self->rest_sent < self->rest_size)
        return;
    free(self->rest);
    self->rest = NULL;
    poller_wait(self->poller, &self->item, EPOLLIN);
    session_writable(&self->session);
}

/* Answered with its own code, unless it is the answer to ours. */
static void s_on_close(direct_t *self, const input_t *input)
{
    uint8_t frame[FRAME_HEADER_MAX + 2];
    size_t code = input->size < 2 ? 0 : 2;
    if (session_peer_closes(&self->session) == 0 && !s_blocked(&self->socket)) {
        size_t header = frame_header(frame, FRAME_CLOSE, code);
        memcpy(frame + header, input->bytes, code);
        s_send(self->item.fd, frame, header + code);
    }
    s_end(self);
}

static void s_on_input(direct_t *self, const input_t *input)
{
    session_t *session = &self->session;
    switch (input->type) {
    case INPUT_DATA:
        session_receive(session, input->bytes, input->size, input->first,
                        input->last, input->binary);
        break;
    case INPUT_PING:
        session_pong(session, input->bytes, input->size);
        break;
    case INPUT_PONG:
        session_heard(session);
        break;
    case INPUT_CLOSE:
        s_on_close(self, input);
        break;
    case INPUT_BROKEN:
        session_close(session, CLOSE_PROTOCOL_ERROR);
        break;
    case INPUT_NONE:
        break;
    }
}

static void s_on_readable(direct_t *self)
{
    static uint8_t buffer[READ_BYTES]; /* one thread */
    ssize_t got = recv(self->item.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        s_end(self);
        return;
    }
    uint8_t *at = buffer;
    size_t left = (size_t)got;
    input_t input = {.type = INPUT_DATA};
    while (input.type != INPUT_NONE && self->item.fd >= 0) {
        frame_reader_next(&self->reader, &at, &left, &input);
        s_on_input(self, &input);
    }
}

static void s_on_events(poller_item_t *item, uint32_t events)
{
    direct_t *self = s_of_item(item);
    if (events & EPOLLOUT)
        s_on_writable(self);
    if (item->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        s_on_readable(self);
}

static void s_on_gone(poller_item_t *item)
{
    direct_t *self = s_of_item(item);
    session_fini(&self->session);
    connection_destroy(&self->connection, self->edge);
    frame_reader_fini(&self->reader);
    free(self->rest);
    free(self);
}

static const poller_ops_t s_item_ops = {s_on_events, NULL, s_on_gone};

/* --- The handshake ---------------------------------------------------------
 */

/* Sec-WebSocket-Accept (RFC 6455, section 4.2.2). */
static void s_accept_key(char accept[ACCEPT_BYTES], const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(hash, EVP_sha1(), NULL);
    EVP_DigestUpdate(hash, key, strlen(key));
    EVP_DigestUpdate(hash, guid, sizeof guid - 1);
    EVP_DigestFinal_ex(hash, digest, &size);
    EVP_MD_CTX_free(hash);
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)size);
}

/* A watcher's HELLO follows at once: one packet with it. */
static void s_say_switching(direct_t *self, const upgrade_t *upgrade,
                            const char *key)
{
    char accept[ACCEPT_BYTES], text[256];
    s_accept_key(accept, key);
    int size =
        snprintf(text, sizeof text,
                 "HTTP/1.1 101 Switching Protocols\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n"
                 "Sec-WebSocket-Protocol: %s\r\n\r\n",
                 accept, upgrade->json ? WIRE_PROTOCOL_JSON : WIRE_PROTOCOL);
    int more = upgrade->player ? 0 : MSG_MORE;
    if (send(self->item.fd, text, (size_t)size,
             MSG_DONTWAIT | MSG_NOSIGNAL | more) != size)
        s_end(self); /* a new socket takes that much */
}

void direct_open(edge_t *edge, poller_t *poller, poller_item_t *item,
                 connection_t *connection, const upgrade_t *upgrade,
                 const char *key)
{
    direct_t *self = mem_zalloc(1, sizeof *self);
    self->item.ops = &s_item_ops;
    self->socket.ops = &s_socket_ops;
    self->poller = poller;
    self->edge = edge;
    self->connection = connection;
    poller_pass(poller, item, &self->item, EPOLLIN);
    socket_fd_set_send_buffer(self->item.fd,
                              (int)edge->config->send_buffer_bytes);
    session_open(&self->session, edge, &self->socket, upgrade);
    s_say_switching(self, upgrade, key);
    if (self->item.fd >= 0)
        session_start(&self->session, server_is_full(edge->server));
}
