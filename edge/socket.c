/* SPDX-License-Identifier: Apache-2.0
 *
 * See socket.h.
 */
#include "edge/socket.h"

#include <assert.h>
#include <libwebsockets.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

bool socket_blocked(struct lws *wsi)
{
    return lws_partial_buffered(wsi);
}

socket_result_t socket_write(struct lws *wsi, const uint8_t *bytes, size_t size)
{
    assert(!lws_partial_buffered(wsi));
    /* LWS_WRITE_RAW leaves the bytes as they are: the cast is safe. */
    if (lws_write(wsi, (unsigned char *)bytes, size, LWS_WRITE_RAW) < 0)
        return SOCKET_FAILED;
    return lws_partial_buffered(wsi) ? SOCKET_PARTIAL : SOCKET_SENT;
}

void socket_kill(struct lws *wsi)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

uint32_t socket_acknowledged(struct lws *wsi)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_INFO, &info,
                   &size) < 0)
        return 0;
    return (uint32_t)info.tcpi_bytes_acked;
}

void socket_set_send_buffer(struct lws *wsi, int bytes)
{
    if (bytes)
        setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &bytes,
                   sizeof bytes);
}
