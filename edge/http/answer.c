/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer.h.
 */
#include "edge/http/answer.h"

/* At once, and before other sockets get their turn. */
#define TURN_BYTES (1 << 20)
/* Of a body that has a file, with the head. */
#define FIRST_BYTES 8192

size_t answer_size(const exchange_t *exchange)
{
    return exchange->head_size + (exchange->blob ? exchange->blob->size : 0);
}

/* A large body goes from its file to a socket that takes it so. */
static bool s_from_file(const exchange_t *exchange, const stream_t *stream)
{
    return exchange->blob && exchange->blob->file >= 0 && stream->ops->sendfile;
}

/* 1: the socket is full; -1: it is dead. */
static int s_send_file(exchange_t *exchange, stream_t *stream)
{
    size_t left = answer_size(exchange) - exchange->sent;
    ssize_t sent =
        stream->ops->sendfile(stream, exchange->blob->file,
                              (off_t)(exchange->sent - exchange->head_size),
                              left < TURN_BYTES ? left : TURN_BYTES);
    if (sent > 0)
        exchange->sent += (size_t)sent;
    return sent > 0 ? 0 : sent ? -1 : 1;
}

/* What is left of head and body, or only the first of a body that goes from its
 * file. 1: the socket is full; -1: it is dead. */
static int s_send(exchange_t *exchange, stream_t *stream)
{
    struct iovec pieces[2];
    int count = 0;
    size_t done = exchange->sent, head = exchange->head_size, asked = 0;
    if (done < head)
        pieces[count++] = (struct iovec){exchange->head + done, head - done};
    size_t from = done > head ? done - head : 0;
    size_t body = exchange->blob ? exchange->blob->size - from : 0;
    size_t most = s_from_file(exchange, stream) ? FIRST_BYTES : TURN_BYTES;
    if (body)
        pieces[count++] = (struct iovec){exchange->blob->bytes + from,
                                         body < most ? body : most};
    for (int i = 0; i < count; i++)
        asked += pieces[i].iov_len;
    ssize_t sent = stream_write(stream, pieces, count, false);
    if (sent < 0)
        return -1;
    exchange->sent += (size_t)sent;
    return (size_t)sent < asked;
}

answer_result_t answer_send(exchange_t *exchange, stream_t *stream)
{
    size_t before = exchange->sent, size = answer_size(exchange);
    int full = 0;
    while (exchange->sent < size && !full &&
           exchange->sent - before < TURN_BYTES) {
        bool begun = exchange->sent >= exchange->head_size;
        full = begun && s_from_file(exchange, stream)
                   ? s_send_file(exchange, stream)
                   : s_send(exchange, stream);
        if (full < 0)
            return ANSWER_FAILED;
    }
    return exchange->sent < size ? ANSWER_WAITS : ANSWER_SENT;
}
