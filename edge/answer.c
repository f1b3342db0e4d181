/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/answer.h"

#include <assert.h>
#include <errno.h>
#include <libwebsockets.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* At once, and before other sockets get their turn. */
#define PIECE_BYTES 65536
#define TURN_BYTES (1 << 20)
/* Of a body that has a file, with the head. */
#define FIRST_BYTES 8192
/* What a head takes at most, beside the first piece. */
#define HEAD_ROOM 4096

static_assert(LWS_PRE + HEAD_ROOM + PIECE_BYTES <= ANSWER_BUFFER_BYTES,
              "the head and one piece fit");

static size_t s_left(const exchange_t *exchange)
{
    size_t body = exchange->blob ? exchange->blob->size : 0;
    return exchange->head_size + body - exchange->sent;
}

static int s_write(exchange_t *exchange, struct lws *wsi, uint8_t *bytes,
                   size_t size)
{
    if (lws_write(wsi, bytes, size, LWS_WRITE_HTTP) < 0)
        return -1;
    exchange->sent += size;
    return 0;
}

/* Without TLS a large body goes from its file to the socket. */
static bool s_has_file(const exchange_t *exchange)
{
    return exchange->blob && exchange->blob->file >= 0;
}

/* The head and what fits of the body behind it, in one send(). */
static int s_write_first(exchange_t *exchange, struct lws *wsi, uint8_t *buffer)
{
    uint8_t *at = buffer + LWS_PRE;
    size_t body = s_left(exchange) - exchange->head_size;
    bool file = s_has_file(exchange) && !lws_is_ssl(wsi);
    size_t most = file ? FIRST_BYTES : PIECE_BYTES;
    if (body > most)
        body = most;
    memcpy(at, exchange->head, exchange->head_size);
    if (body)
        memcpy(at + exchange->head_size, exchange->blob->bytes, body);
    return s_write(exchange, wsi, at, exchange->head_size + body);
}

/* 1: the socket is full. */
static int s_send_file(exchange_t *exchange, int fd)
{
    off_t at = (off_t)(exchange->sent - exchange->head_size);
    size_t left = s_left(exchange);
    ssize_t sent = sendfile(fd, exchange->blob->file, &at,
                            left < TURN_BYTES ? left : TURN_BYTES);
    if (sent > 0) {
        exchange->sent += (size_t)sent;
        return 0;
    }
    return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 1 : -1;
}

/* One more piece; 1: the socket is full; -1: it is dead. */
static int s_write_next(exchange_t *exchange, struct lws *wsi)
{
    if (s_has_file(exchange) && !lws_is_ssl(wsi))
        return s_send_file(exchange, lws_get_socket_fd(wsi));
    size_t left = s_left(exchange);
    uint8_t *at = exchange->blob->bytes + exchange->sent - exchange->head_size;
    return s_write(exchange, wsi, at, left < PIECE_BYTES ? left : PIECE_BYTES);
}

answer_result_t answer_send(exchange_t *exchange, struct lws *wsi,
                            uint8_t *buffer)
{
    size_t before = exchange->sent;
    int full = 0;
    if (!exchange->sent && s_write_first(exchange, wsi, buffer) < 0)
        return ANSWER_FAILED;
    while (s_left(exchange) && !full && exchange->sent - before < TURN_BYTES) {
        full = lws_partial_buffered(wsi) ? 1 : s_write_next(exchange, wsi);
        if (full < 0)
            return ANSWER_FAILED;
    }
    return s_left(exchange) ? ANSWER_WAITS : ANSWER_SENT;
}

/* --- Without libwebsockets -------------------------------------------------
 */

/* What is left of head and body, or only the first of a body that has a file.
 * 1: the socket is full; -1: it is dead. */
static int s_send_direct(exchange_t *exchange, int fd)
{
    struct iovec pieces[2];
    struct msghdr message = {.msg_iov = pieces};
    size_t done = exchange->sent, head = exchange->head_size, asked = 0;
    if (done < head)
        pieces[message.msg_iovlen++] =
            (struct iovec){exchange->head + done, head - done};
    size_t from = done > head ? done - head : 0;
    size_t body = exchange->blob ? exchange->blob->size - from : 0;
    size_t most = s_has_file(exchange) ? FIRST_BYTES : TURN_BYTES;
    if (body)
        pieces[message.msg_iovlen++] = (struct iovec){
            exchange->blob->bytes + from, body < most ? body : most};
    for (size_t i = 0; i < message.msg_iovlen; i++)
        asked += pieces[i].iov_len;
    ssize_t sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? 1 : -1;
    exchange->sent += (size_t)sent;
    return (size_t)sent < asked;
}

answer_result_t answer_send_direct(exchange_t *exchange, int fd)
{
    size_t before = exchange->sent;
    int full = 0;
    while (s_left(exchange) && !full && exchange->sent - before < TURN_BYTES) {
        bool begun = exchange->sent >= exchange->head_size;
        full = s_has_file(exchange) && begun ? s_send_file(exchange, fd)
                                             : s_send_direct(exchange, fd);
        if (full < 0)
            return ANSWER_FAILED;
    }
    return s_left(exchange) ? ANSWER_WAITS : ANSWER_SENT;
}
