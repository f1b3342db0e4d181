/* SPDX-License-Identifier: Apache-2.0
 *
 * See socket.h.
 */
#include "edge/socket.h"

#include <assert.h>
#include <errno.h>
#include <libwebsockets.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool s_blocked(struct lws *wsi)
{
    return lws_partial_buffered(wsi);
}

/* What the kernel does not take goes through libwebsockets' own buffer, and
 * from then on everything waits for it. LWS_WRITE_RAW leaves the bytes as they
 * are: the cast is safe. */
static socket_result_t s_write_buffered(struct lws *wsi, const uint8_t *bytes,
                                        size_t size)
{
    if (lws_write(wsi, (unsigned char *)bytes, size, LWS_WRITE_RAW) < 0)
        return SOCKET_FAILED;
    return lws_partial_buffered(wsi) ? SOCKET_PARTIAL : SOCKET_SENT;
}

/* The shortest way where nothing is buffered and nothing encrypted: the
 * kernel's send() itself. */
static socket_result_t s_write(struct lws *wsi, const uint8_t *bytes,
                               size_t size)
{
    if (lws_is_ssl(wsi))
        return s_write_buffered(wsi, bytes, size);
    ssize_t sent =
        send(lws_get_socket_fd(wsi), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == (ssize_t)size)
        return SOCKET_SENT;
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return SOCKET_FAILED;
    size_t done = sent > 0 ? (size_t)sent : 0;
    return s_write_buffered(wsi, bytes + done, size - done);
}

static void s_kill(struct lws *wsi)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static uint32_t s_acknowledged(struct lws *wsi)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_INFO, &info,
                   &size) < 0)
        return 0;
    return (uint32_t)info.tcpi_bytes_acked;
}

static void s_set_send_buffer(struct lws *wsi, int bytes)
{
    if (bytes)
        setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &bytes,
                   sizeof bytes);
}

static const socket_ops_t s_real = {s_blocked, s_write, s_kill, s_acknowledged,
                                    s_set_send_buffer};
static const socket_ops_t *s_ops = &s_real;

void socket_use(const socket_ops_t *ops)
{
    s_ops = ops ? ops : &s_real;
}

bool socket_blocked(struct lws *wsi)
{
    return s_ops->blocked(wsi);
}

socket_result_t socket_write(struct lws *wsi, const uint8_t *bytes, size_t size)
{
    assert(!s_ops->blocked(wsi));
    return s_ops->write(wsi, bytes, size);
}

void socket_kill(struct lws *wsi)
{
    s_ops->kill(wsi);
}

uint32_t socket_acknowledged(struct lws *wsi)
{
    return s_ops->acknowledged(wsi);
}

void socket_set_send_buffer(struct lws *wsi, int bytes)
{
    s_ops->set_send_buffer(wsi, bytes);
}
