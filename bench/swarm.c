/* SPDX-License-Identifier: Apache-2.0
 *
 * swarm: many WebSocket clients that do as little as a client can, so that a
 * bench measures the server. It counts frames and bytes and checks nothing;
 * stipple-load is the client that checks. Speaks to every peer of the bench.
 *
 *   hold    opens N connections, prints `ready`, counts for S seconds between
 *           the lines `begin` and `end`, prints one JSON line
 *   churn   keeps N handshakes in flight for S seconds: connect, upgrade, wait
 *           for M frames, close; prints the same lines
 *
 * --pace MS is what a client of Stipple asks for once it is open (PACE).
 *
 * Only loopback addresses are dialled.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT_MAX 256
#define READ_BYTES 262144

typedef enum { CLOSED, CONNECTING, UPGRADING, OPEN } state_t;

typedef struct {
    int fd;
    state_t state;
    uint32_t frames;  /* since the upgrade */
    uint64_t skip;    /* bytes of the frame in hand still to come */
    uint8_t head[16]; /* of a frame, until it is whole */
    unsigned head_size;
    unsigned tail_match; /* of "\r\n\r\n" at the end of the response head */
} client_t;

static struct {
    int port;
    const char *path, *protocol;
    int connections, seconds, frames, pace_ms;
    bool churn;
} options = {.path = "/", .seconds = 10, .connections = 100, .frames = 1};

static struct {
    uint64_t frames, bytes, handshakes, failures;
    int open, in_flight;
    bool counting;
} total;

static client_t *clients;
static int poller;
static char request[1024];
static int request_size;

static double s_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void s_close(client_t *client)
{
    /* A reset leaves no TIME_WAIT, of which churn would make too many. */
    struct linger reset = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(client->fd);
    total.in_flight -=
        client->state == CONNECTING || client->state == UPGRADING;
    total.open -= client->state == OPEN;
    client->state = CLOSED;
}

static void s_dial(client_t *client, unsigned number)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)options.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number % 32);
    *client = (client_t){.state = CONNECTING};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    assert(client->fd >= 0);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(client->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    bind(client->fd, (struct sockaddr *)&from, sizeof from);
    total.in_flight++;
    if (connect(client->fd, (struct sockaddr *)&to, sizeof to) < 0 &&
        errno != EINPROGRESS) {
        total.failures++;
        s_close(client);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = client};
    epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event);
}

/* A ping is answered without its payload: the servers want a sign of life. */
static void s_on_frame(client_t *client)
{
    static const uint8_t pong[] = {0x8A, 0x80, 0, 0, 0, 0};
    if (client->head[0] == 0x89)
        send(client->fd, pong, sizeof pong, MSG_NOSIGNAL);
    client->frames++;
    total.frames += total.counting;
}

/* Bytes of the frame head in hand that its length field needs. */
static unsigned s_head_needs(const client_t *client)
{
    if (client->head_size < 2)
        return 2;
    unsigned length = client->head[1] & 127;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static uint64_t s_payload(const client_t *client)
{
    unsigned length = client->head[1] & 127;
    uint64_t value = 0;
    if (length < 126)
        return length;
    for (unsigned i = 2; i < s_head_needs(client); i++)
        value = value << 8 | client->head[i];
    return value;
}

static void s_count(client_t *client, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        if (client->skip) {
            uint64_t take = (uint64_t)(end - at);
            take = take < client->skip ? take : client->skip;
            client->skip -= take;
            at += take;
            if (!client->skip)
                s_on_frame(client);
            continue;
        }
        client->head[client->head_size++] = *at++;
        if (client->head_size < s_head_needs(client))
            continue;
        client->skip = s_payload(client);
        client->head_size = 0;
        if (!client->skip)
            s_on_frame(client);
    }
}

/* PACE (docs/protocol.md): 0x84 and u16 little endian, masked with zeros. */
static void s_send_pace(const client_t *client)
{
    const uint8_t frame[] = {0x82,
                             0x83,
                             0,
                             0,
                             0,
                             0,
                             0x84,
                             (uint8_t)options.pace_ms,
                             (uint8_t)(options.pace_ms >> 8)};
    if (send(client->fd, frame, sizeof frame, MSG_NOSIGNAL) != sizeof frame)
        total.failures++;
}

/* Past the response head, if it ends in these bytes. */
static const uint8_t *s_upgrade(client_t *client, const uint8_t *at,
                                const uint8_t *end)
{
    static const char tail[] = "\r\n\r\n";
    for (; at < end && client->tail_match < 4; at++) {
        if (*at == tail[client->tail_match])
            client->tail_match++;
        else
            client->tail_match = *at == '\r';
    }
    if (client->tail_match == 4) {
        client->state = OPEN;
        total.open++;
        total.in_flight--;
        if (options.pace_ms)
            s_send_pace(client);
    }
    return at;
}

static void s_read(client_t *client)
{
    static uint8_t buffer[READ_BYTES];
    for (;;) {
        ssize_t size = recv(client->fd, buffer, sizeof buffer, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size <= 0) {
            total.failures++;
            s_close(client);
            return;
        }
        const uint8_t *at = buffer, *end = buffer + size;
        total.bytes += total.counting ? (uint64_t)size : 0;
        if (client->state == UPGRADING)
            at = s_upgrade(client, at, end);
        if (client->state == OPEN)
            s_count(client, at, end);
        if (size < (ssize_t)sizeof buffer)
            return;
    }
}

static void s_on_event(client_t *client, uint32_t events)
{
    if (client->state == CONNECTING && events & (EPOLLOUT | EPOLLERR)) {
        if (send(client->fd, request, (size_t)request_size, MSG_NOSIGNAL) !=
            request_size) {
            total.failures++;
            s_close(client);
            return;
        }
        client->state = UPGRADING;
    }
    if (events & EPOLLIN)
        s_read(client);
    if (options.churn && client->state == OPEN &&
        client->frames >= (uint32_t)options.frames) {
        total.handshakes += total.counting;
        s_close(client);
    }
}

static void s_turn(int wait_ms)
{
    struct epoll_event events[512];
    int count = epoll_wait(poller, events, 512, wait_ms);
    for (int i = 0; i < count; i++)
        s_on_event(events[i].data.ptr, events[i].events);
}

/* Dials what is closed, a bounded number at a time. */
static void s_fill(void)
{
    static unsigned number;
    for (int i = 0; i < options.connections; i++)
        if (clients[i].state == CLOSED && total.in_flight < IN_FLIGHT_MAX)
            s_dial(&clients[i], number++);
}

static void s_say(const char *word)
{
    puts(word);
    fflush(stdout);
}

static void s_run(double limit_seconds)
{
    double end = s_now() + limit_seconds;
    if (!options.churn) {
        while (total.open < options.connections && s_now() < end) {
            s_fill();
            s_turn(20);
        }
        s_say(total.open == options.connections ? "ready" : "failed");
        for (double settle = s_now() + 2; s_now() < settle;)
            s_turn(20);
    }
    s_say("begin");
    total.counting = true;
    double begin = s_now();
    while (s_now() < begin + options.seconds) {
        if (options.churn)
            s_fill();
        s_turn(20);
    }
    total.counting = false;
    double seconds = s_now() - begin;
    s_say("end");
    printf("{\"open\":%d,\"frames\":%llu,\"bytes\":%llu,\"handshakes\":%llu,"
           "\"failures\":%llu,\"seconds\":%.3f}\n",
           total.open, (unsigned long long)total.frames,
           (unsigned long long)total.bytes,
           (unsigned long long)total.handshakes,
           (unsigned long long)total.failures, seconds);
}

static void s_parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"port", required_argument, 0, 'p'},
        {"path", required_argument, 0, 'u'},
        {"protocol", required_argument, 0, 's'},
        {"connections", required_argument, 0, 'n'},
        {"seconds", required_argument, 0, 't'},
        {"frames", required_argument, 0, 'f'},
        {"pace", required_argument, 0, 'm'},
        {"churn", no_argument, 0, 'c'},
        {0, 0, 0, 0}};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'p':
            options.port = atoi(optarg);
            break;
        case 'u':
            options.path = optarg;
            break;
        case 's':
            options.protocol = optarg;
            break;
        case 'n':
            options.connections = atoi(optarg);
            break;
        case 't':
            options.seconds = atoi(optarg);
            break;
        case 'f':
            options.frames = atoi(optarg);
            break;
        case 'm':
            options.pace_ms = atoi(optarg);
            break;
        case 'c':
            options.churn = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    s_parse(argc, argv);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    request_size = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
        options.path, options.port,
        options.protocol ? "Sec-WebSocket-Protocol: " : "",
        options.protocol ? options.protocol : "",
        options.protocol ? "\r\n" : "");
    poller = epoll_create1(EPOLL_CLOEXEC);
    clients = calloc((size_t)options.connections, sizeof *clients);
    s_run(60);
    free(clients);
    return total.failures && !total.frames;
}
