/* SPDX-License-Identifier: Apache-2.0
 *
 * The limit: a WebSocket server that only upgrades and then, RATE times a
 * second, calls send() with one prepared frame on every socket. No timers, no
 * pings, no slow-reader policy: what the kernel alone costs.
 *
 *     send_loop PORT FRAME_BYTES RATE
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SOCKETS_MAX 20000

static int sockets[SOCKETS_MAX];
static int socket_count;
static uint8_t frame[65536 + 4];
static size_t frame_size;

static void s_make_frame(size_t payload)
{
    frame[0] = 0x82;
    if (payload < 126) {
        frame[1] = (uint8_t)payload;
        frame_size = 2 + payload;
    } else {
        frame[1] = 126;
        frame[2] = (uint8_t)(payload >> 8);
        frame[3] = (uint8_t)payload;
        frame_size = 4 + payload;
    }
}

static void s_upgrade(int fd, const char *request)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    if (!key)
        return;
    char text[128], accept[64], response[256];
    unsigned char hash[SHA_DIGEST_LENGTH];
    snprintf(text, sizeof text, "%.24s%s", key + 19, guid);
    SHA1((unsigned char *)text, strlen(text), hash);
    EVP_EncodeBlock((unsigned char *)accept, hash, sizeof hash);
    int size = snprintf(response, sizeof response,
                        "HTTP/1.1 101 Switching Protocols\r\n"
                        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    send(fd, response, (size_t)size, MSG_NOSIGNAL);
    sockets[socket_count++] = fd;
}

static void s_accept(int listener, int poller)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void s_on_readable(int fd)
{
    char bytes[2048];
    ssize_t size = recv(fd, bytes, sizeof bytes - 1, 0);
    if (size <= 0) {
        for (int i = 0; i < socket_count; i++)
            if (sockets[i] == fd)
                sockets[i] = sockets[--socket_count];
        close(fd);
        return;
    }
    bytes[size] = '\0';
    s_upgrade(fd, bytes);
}

static void s_broadcast(int timer)
{
    uint64_t ticks;
    if (read(timer, &ticks, sizeof ticks) != sizeof ticks)
        return;
    for (int i = 0; i < socket_count; i++)
        send(sockets[i], frame, frame_size, MSG_NOSIGNAL);
}

static int s_listen(int port)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, 4096) < 0) {
        perror("listen");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    s_make_frame(strtoul(argv[2], NULL, 10));
    int listener = s_listen(atoi(argv[1])), poller = epoll_create1(0);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    long period = 1000000000L / atoi(argv[3]);
    struct itimerspec every = {.it_interval = {0, period},
                               .it_value = {0, period}};
    timerfd_settime(timer, 0, &every, NULL);
    int own[] = {listener, timer};
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = own[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, own[i], &event);
    }
    for (;;) {
        struct epoll_event events[512];
        int count = epoll_wait(poller, events, 512, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                s_accept(listener, poller);
            else if (fd == timer)
                s_broadcast(timer);
            else
                s_on_readable(fd);
        }
    }
}
