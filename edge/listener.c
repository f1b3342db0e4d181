/* SPDX-License-Identifier: Apache-2.0
 *
 * See listener.h.
 */
#include "edge/listener.h"

#include "common/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKLOG 4096
/* What the kernel takes of an answer beyond what is on its way to the peer, so
 * that one who does not read fills no send buffer of megabytes. */
#define UNSENT_BYTES_MAX 131072
/* The poller has a table of this size. */
#define FILES_MAX (1u << 20)

static int s_listen(const struct addrinfo *address, bool both)
{
    int on = 1, off = !both;
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    int unsent = UNSENT_BYTES_MAX;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited, */
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (!bind(fd, address->ai_addr, address->ai_addrlen) &&
        !listen(fd, BACKLOG))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int listener_open(const char *host, uint16_t port)
{
    char service[8];
    bool any = !host || !*host;
    struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    snprintf(service, sizeof service, "%u", port);
    int fd = -1;
    int error = getaddrinfo(any ? "::" : host, service, &hints, &list);
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = s_listen(a, any);
    if (list)
        freeaddrinfo(list);
    if (fd < 0 && any) /* a machine without IPv6 */
        return listener_open("0.0.0.0", port);
    char quoted[80];
    if (fd < 0)
        log_error("listen_failed", "host=%s port=%u error=\"%s\"",
                  log_quote(quoted, sizeof quoted, any ? "" : host), port,
                  error ? gai_strerror(error) : strerror(errno));
    return fd;
}

int listener_accept(int listener, struct sockaddr_storage *peer)
{
    socklen_t size = sizeof *peer;
    int fd = accept4(listener, (struct sockaddr *)peer, &size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                       errno == ENOMEM
                   ? LISTENER_EXHAUSTED
                   : -1;
    return fd;
}

uint64_t listener_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}
