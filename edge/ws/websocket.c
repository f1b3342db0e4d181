/* SPDX-License-Identifier: Apache-2.0
 *
 * See websocket.h.
 */
#include "edge/ws/websocket.h"

#include "common/clock.h"
#include "common/mem.h"
#include "common/wire.h"
#include "edge/admission.h"
#include "edge/send_ring.h"
#include "edge/ws/frame_reader.h"
#include "edge/ws/session.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define READ_BYTES 65536
/* For the peer to see a CLOSE that it may not answer. */
#define LINGER_S 2
#define ACCEPT_BYTES 29 /* base64 of a SHA-1, and NUL */
#define SWITCHING_BYTES 256

typedef struct {
    stream_t stream;
    socket_t socket;
    edge_t *edge;
    frame_t *frame; /* the kernel did not take it all; or NULL */
    /* What it did not take, in `frame`; without one: the handshake's answer,
     * which goes with the first write. */
    const uint8_t *rest;
    size_t rest_size;
    frame_reader_t reader;
    session_t session;
} websocket_t;

static websocket_t *s_of_item(poller_item_t *item)
{
    return (websocket_t *)item; /* the stream's and the item's are the first */
}

static websocket_t *s_of_socket(const socket_t *socket)
{
    return (websocket_t *)((char *)socket - offsetof(websocket_t, socket));
}

static void s_end(websocket_t *self)
{
    stream_end(&self->stream);
}

/* --- The session's side ----------------------------------------------------
 */

static bool s_blocked(const socket_t *socket)
{
    const websocket_t *self = s_of_socket(socket);
    return self->frame || stream_ended(&self->stream);
}

/* The handshake's answer, and these bytes with it: a new socket takes that
 * much. */
static ssize_t s_send_first(websocket_t *self, const uint8_t *bytes,
                            size_t size)
{
    const struct iovec pieces[] = {{(uint8_t *)self->rest, self->rest_size},
                                   {(uint8_t *)bytes, size}};
    ssize_t sent = stream_write(&self->stream, pieces, size ? 2 : 1, false);
    ssize_t rest = sent - (ssize_t)self->rest_size;
    self->rest = NULL;
    self->rest_size = 0;
    return rest < 0 ? -1 : rest;
}

static ssize_t s_send(websocket_t *self, const uint8_t *bytes, size_t size)
{
    if (self->rest && !self->frame)
        return s_send_first(self, bytes, size);
    const struct iovec piece = {(uint8_t *)bytes, size};
    return stream_write(&self->stream, &piece, 1, false);
}

/* Keeps what was not sent: by reference if it is part of a shared frame. */
static void s_keep(websocket_t *self, const uint8_t *rest, size_t size,
                   frame_t *frame)
{
    self->frame = frame ? frame_ref(frame) : frame_copy(rest, size);
    self->rest = frame ? rest : self->frame->bytes;
    self->rest_size = size;
    stream_wait(&self->stream, EPOLLIN | EPOLLOUT);
}

static socket_result_t s_write(socket_t *socket, const uint8_t *bytes,
                               size_t size, frame_t *frame)
{
    websocket_t *self = s_of_socket(socket);
    ssize_t sent = s_send(self, bytes, size);
    if (sent == (ssize_t)size)
        return SOCKET_SENT;
    if (sent < 0)
        return SOCKET_FAILED;
    s_keep(self, bytes + sent, size - (size_t)sent, frame);
    return SOCKET_PARTIAL;
}

/* OpenSSL writes by itself. */
static socket_result_t s_post(socket_t *socket, frame_t *frame)
{
    websocket_t *self = s_of_socket(socket);
    send_ring_t *ring = self->edge->send_ring;
    if (!ring || self->stream.tls)
        return s_write(socket, frame->bytes, frame->size, frame);
    send_ring_add(ring, self->stream.item.fd, frame, self);
    return SOCKET_SENT;
}

void websocket_posted(void *websocket, frame_t *frame, ssize_t sent)
{
    websocket_t *self = websocket;
    if (sent >= 0)
        s_keep(self, frame->bytes + sent, frame->size - (size_t)sent, frame);
    session_posted(&self->session, sent < 0 ? SOCKET_FAILED : SOCKET_PARTIAL);
}

static void s_kill(socket_t *socket)
{
    s_end(s_of_socket(socket));
}

static uint32_t s_acknowledged(const socket_t *socket)
{
    return socket_fd_acknowledged(s_of_socket(socket)->stream.item.fd);
}

static const socket_ops_t s_socket_ops = {s_blocked, s_write, s_post, s_kill,
                                          s_acknowledged};

/* --- The peer's side -------------------------------------------------------
 */

/* The rest of a frame; then the session may go on. */
static void s_on_writable(websocket_t *self)
{
    ssize_t sent = s_send(self, self->rest, self->rest_size);
    if (sent < 0) {
        s_end(self);
        return;
    }
    self->rest += sent;
    self->rest_size -= (size_t)sent;
    if (self->rest_size)
        return;
    frame_unref(&self->frame);
    stream_wait(&self->stream, EPOLLIN);
    session_writable(&self->session);
}

/* The peer does not speak WebSocket: it has time to see why, and no more is
 * read from it but its end. */
static void s_linger(websocket_t *self)
{
    self->stream.item.expires_s = (uint32_t)(clock_mono_ms() / 1000) + LINGER_S;
    if (!s_blocked(&self->socket))
        stream_finish(&self->stream);
}

/* Answered with its own code, unless it is the answer to ours. */
static void s_on_close(websocket_t *self, const input_t *input)
{
    uint8_t frame[FRAME_HEADER_MAX + 2];
    size_t code = input->size < 2 ? 0 : 2;
    session_flush(&self->session); /* what was asked before is answered */
    if (session_peer_closes(&self->session) == 0 && !s_blocked(&self->socket)) {
        size_t header = frame_header(frame, FRAME_CLOSE, code);
        memcpy(frame + header, input->bytes, code);
        s_send(self, frame, header + code);
    }
    s_end(self);
}

static void s_on_input(websocket_t *self, const input_t *input)
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
        s_linger(self);
        break;
    case INPUT_NONE:
        break;
    }
}

static void s_read(websocket_t *self, uint8_t *bytes, size_t size)
{
    input_t input = {.type = INPUT_DATA};
    while (input.type != INPUT_NONE && !stream_ended(&self->stream)) {
        frame_reader_next(&self->reader, &bytes, &size, &input);
        s_on_input(self, &input);
    }
}

/* A record of TLS fits in whole, so that nothing is left inside it. */
static void s_on_readable(websocket_t *self)
{
    static uint8_t buffer[READ_BYTES]; /* one thread */
    ssize_t got = stream_read(&self->stream, buffer, sizeof buffer);
    if (got < 0)
        s_end(self);
    else if (got > 0)
        s_read(self, buffer, (size_t)got);
}

static void s_on_events(poller_item_t *item, uint32_t events)
{
    websocket_t *self = s_of_item(item);
    if (events & EPOLLOUT)
        s_on_writable(self);
    if (!stream_ended(&self->stream) &&
        events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        s_on_readable(self);
}

static void s_on_gone(poller_item_t *item)
{
    websocket_t *self = s_of_item(item);
    session_fini(&self->session);
    connection_uncount(self->edge, &self->session.address);
    frame_reader_fini(&self->reader);
    frame_unref(&self->frame);
    stream_fini(&self->stream);
    free(self);
}

static void s_on_expired(poller_item_t *item)
{
    s_end(s_of_item(item));
}

static const poller_ops_t s_item_ops = {s_on_events, s_on_expired, s_on_gone};

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

/* The answer in `text`, and its length. */
static size_t s_switching(char text[SWITCHING_BYTES], const upgrade_t *upgrade,
                          const char *key)
{
    char accept[ACCEPT_BYTES];
    s_accept_key(accept, key);
    return (size_t)snprintf(text, SWITCHING_BYTES,
                            "HTTP/1.1 101 Switching Protocols\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n"
                            "Sec-WebSocket-Protocol: %s\r\n\r\n",
                            accept,
                            upgrade->json ? WIRE_PROTOCOL_JSON : WIRE_PROTOCOL);
}

/* A watcher's HELLO goes with the answer. */
static void s_greet(websocket_t *self, const upgrade_t *upgrade,
                    const char *key)
{
    char text[SWITCHING_BYTES];
    self->rest = (uint8_t *)text;
    self->rest_size = s_switching(text, upgrade, key);
    session_start(&self->session, admission_is_full(self->edge->admission));
    session_flush(&self->session);
    bool said = self->rest != (uint8_t *)text;
    if (!said && !stream_ended(&self->stream) && s_send(self, NULL, 0) < 0)
        s_end(self);
    assert(self->rest != (uint8_t *)text || stream_ended(&self->stream));
}

bool websocket_is_key(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    /* 22 digits of six bits, of which the last four are padding. */
    return strlen(text) == 24 && strspn(text, digits) == 22 &&
           strchr("AQgw", text[21]) && !strcmp(text + 22, "==");
}

void websocket_open(edge_t *edge, stream_t *stream, connection_t *connection,
                    const upgrade_t *upgrade, const char *key, const char *rest,
                    size_t size)
{
    websocket_t *self = mem_zalloc(1, sizeof *self);
    self->stream.item.ops = &s_item_ops;
    self->socket.ops = &s_socket_ops;
    self->edge = edge;
    assert(!memcmp(&connection->address, &upgrade->address, sizeof(address_t)));
    connection_leave_count(&connection); /* the session knows its address */
    stream_pass(stream, &self->stream);
    socket_fd_set_send_buffer(self->stream.item.fd,
                              (int)edge->config->send_buffer_bytes);
    session_open(&self->session, edge, &self->socket, upgrade);
    s_greet(self, upgrade, key);
    if (!size || stream_ended(&self->stream))
        return;
    uint8_t *early = mem_alloc(size); /* it is unmasked in place */
    memcpy(early, rest, size);
    s_read(self, early, size);
    free(early);
}
