/* SPDX-License-Identifier: Apache-2.0
 *
 * See guest_socket.h. libwebsockets 4.1 breaks the stream where anything is
 * written into a partial send, hence socket_blocked.
 */
#include "edge/guest_socket.h"

#include <libwebsockets.h>

static struct lws *s_wsi(const socket_t *socket)
{
    return ((const guest_socket_t *)socket)->wsi;
}

static bool s_blocked(const socket_t *socket)
{
    return lws_partial_buffered(s_wsi(socket));
}

/* LWS_WRITE_RAW leaves the bytes as they are: the cast is safe. */
static socket_result_t s_write(socket_t *socket, const uint8_t *bytes,
                               size_t size)
{
    struct lws *wsi = s_wsi(socket);
    if (lws_write(wsi, (unsigned char *)bytes, size, LWS_WRITE_RAW) < 0)
        return SOCKET_FAILED;
    return lws_partial_buffered(wsi) ? SOCKET_PARTIAL : SOCKET_SENT;
}

static void s_kill(socket_t *socket)
{
    guest_socket_kill(s_wsi(socket));
}

static uint32_t s_acknowledged(const socket_t *socket)
{
    return socket_fd_acknowledged(lws_get_socket_fd(s_wsi(socket)));
}

void guest_socket_init(guest_socket_t *self, struct lws *wsi)
{
    static const socket_ops_t ops = {s_blocked, s_write, s_kill,
                                     s_acknowledged};
    self->socket.ops = &ops;
    self->wsi = wsi;
}

void guest_socket_kill(struct lws *wsi)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}
