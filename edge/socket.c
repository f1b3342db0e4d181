/* SPDX-License-Identifier: Apache-2.0
 *
 * See socket.h.
 */
#include "edge/socket.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

uint32_t socket_fd_acknowledged(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return 0;
    return (uint32_t)info.tcpi_bytes_acked;
}

void socket_fd_set_send_buffer(int fd, int bytes)
{
    if (bytes)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}
