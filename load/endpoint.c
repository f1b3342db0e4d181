/* SPDX-License-Identifier: Apache-2.0
 *
 * See endpoint.h. Several source addresses matter because one of them has only
 * some 28,000 ports towards one listener.
 */
#include "load/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PORT_BYTES 8

/* "HOST:PORT" or "[V6]:PORT" cut in two; port "80" where none stands. */
static int s_split(char *text, char **host, const char **port)
{
    char *colon = strrchr(text, ':');
    *host = text;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (!close)
            return -1;
        *close = '\0';
        *host = text + 1;
        colon = close[1] == ':' ? close + 1 : NULL;
    }
    *port = "80";
    if (colon) {
        *colon = '\0';
        *port = colon + 1;
    }
    return **host ? 0 : -1;
}

int endpoint_parse(endpoint_t *self, const char *url, const char **why)
{
    char text[ENDPOINT_HOST_BYTES];
    const char *scheme = strstr(url, "://");
    *why = "only http:// and ws:// are spoken";
    if (scheme && strncmp(url, "http:", 5) && strncmp(url, "ws:", 3))
        return -1;
    const char *at = scheme ? scheme + 3 : url;
    size_t length = strcspn(at, "/?#");
    *why = "host is missing or too long";
    if (!length || length >= sizeof text)
        return -1;
    memset(self, 0, sizeof *self);
    memcpy(text, at, length);
    text[length] = '\0';
    memcpy(self->host, text, length);

    char *host;
    const char *port;
    if (s_split(text, &host, &port) < 0)
        return -1;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    *why = "host or port cannot be resolved";
    if (getaddrinfo(host, port, &hints, &found))
        return -1;
    memcpy(&self->address, found->ai_addr, found->ai_addrlen);
    self->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

bool endpoint_is_loopback(const endpoint_t *self)
{
    const struct sockaddr *address = (const struct sockaddr *)&self->address;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int s_bind_source(int fd, unsigned source)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + source),
    };
    int on = 1;
    /* The port is chosen at connect, per destination: more of them fit. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&from, sizeof from);
}

int endpoint_connect(const endpoint_t *self, unsigned source, int receive_bytes)
{
    int on = 1;
    int fd = socket(self->address.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
                   sizeof receive_bytes);
    bool bound = source && self->address.ss_family == AF_INET &&
                 endpoint_is_loopback(self);
    if ((bound && s_bind_source(fd, source) < 0) ||
        (connect(fd, (const struct sockaddr *)&self->address,
                 self->address_size) < 0 &&
         errno != EINPROGRESS)) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}
