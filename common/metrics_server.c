/* SPDX-License-Identifier: Apache-2.0
 *
 * See metrics_server.h.
 */
#include "common/metrics_server.h"

#include "common/log.h"
#include "common/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Beyond these the oldest makes room for the newest: who holds connections and
 * asks nothing keeps nobody out. */
#define CONNECTIONS_MAX 32
#define IDLE_SECONDS_MAX 5

struct metrics_server {
    struct MHD_Daemon *daemon;
    metrics_render_fn render;
    void *context;  /* of render */
    int fd;         /* an epoll set of the daemon's descriptor and … */
    int timer;      /* … a tick a second: deadlines wait for no event */
    int open_count; /* connections, the oldest first */
    int open[2 * CONNECTIONS_MAX];
};

static enum MHD_Result s_answer(struct MHD_Connection *connection,
                                unsigned status, const char *type, char *body,
                                size_t size, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, body, mode);
    MHD_add_response_header(response, "Content-Type", type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result s_on_request(void *context,
                                    struct MHD_Connection *connection,
                                    const char *path, const char *method,
                                    const char *version, const char *upload,
                                    size_t *upload_size, void **state)
{
    metrics_server_t *self = context;
    (void)version, (void)upload, (void)upload_size, (void)state;
    static char healthy[] = "ok\n", unknown[] = "not found\n";
    if (strcmp(method, "GET") && strcmp(method, "HEAD"))
        return MHD_NO;
    if (!strcmp(path, "/healthz"))
        return s_answer(connection, MHD_HTTP_OK, "text/plain", healthy,
                        sizeof healthy - 1, MHD_RESPMEM_PERSISTENT);
    if (strcmp(path, "/metrics"))
        return s_answer(connection, MHD_HTTP_NOT_FOUND, "text/plain", unknown,
                        sizeof unknown - 1, MHD_RESPMEM_PERSISTENT);
    size_t length;
    char *text = self->render(self->context, &length);
    return s_answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4", text,
                    length, MHD_RESPMEM_MUST_FREE);
}

static int s_descriptor(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection,
                                   MHD_CONNECTION_INFO_CONNECTION_FD)
        ->connect_fd;
}

static void s_forget(metrics_server_t *self, int fd)
{
    int kept = 0;
    for (int i = 0; i < self->open_count; i++)
        if (self->open[i] != fd)
            self->open[kept++] = self->open[i];
    self->open_count = kept;
}

/* The oldest is only shut down here, and then closed as if its peer had left.
 */
static void s_on_connection(void *context, struct MHD_Connection *connection,
                            void **socket_context,
                            enum MHD_ConnectionNotificationCode what)
{
    metrics_server_t *self = context;
    (void)socket_context;
    s_forget(self, s_descriptor(connection));
    if (what != MHD_CONNECTION_NOTIFY_STARTED)
        return;
    if (self->open_count >= CONNECTIONS_MAX) {
        shutdown(self->open[0], SHUT_RDWR);
        s_forget(self, self->open[0]);
    }
    self->open[self->open_count++] = s_descriptor(connection);
}

static struct MHD_Daemon *s_start(metrics_server_t *self,
                                  const struct sockaddr *address, int family)
{
    unsigned flags = MHD_USE_EPOLL | (family == AF_INET6 ? MHD_USE_IPv6 : 0);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, s_on_request, self, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_CONNECTION_LIMIT, 2 * (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS_MAX,
        MHD_OPTION_NOTIFY_CONNECTION, s_on_connection, self, MHD_OPTION_END);
}

static void s_watch(const metrics_server_t *self, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(self->fd, EPOLL_CTL_ADD, fd, &event);
}

/* One descriptor for the loop. */
static void s_start_ticking(metrics_server_t *self)
{
    const struct itimerspec second = {{1, 0}, {1, 0}};
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    timerfd_settime(self->timer, 0, &second, NULL);
    self->fd = epoll_create1(EPOLL_CLOEXEC);
    s_watch(self, self->timer);
    s_watch(
        self,
        MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
}

metrics_server_t *metrics_server_new(const char *host, uint16_t port,
                                     metrics_render_fn render, void *context)
{
    metrics_server_t *self = mem_zalloc(1, sizeof *self);
    self->render = render;
    self->context = context;
    self->fd = self->timer = -1;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        self->daemon = s_start(self, (struct sockaddr *)&v4, AF_INET);
    else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        self->daemon = s_start(self, (struct sockaddr *)&v6, AF_INET6);
    else
        errno = EINVAL;
    if (!self->daemon) {
        char quoted[80];
        log_error("metrics_bind_failed", "host=%s port=%u error=\"%s\"",
                  log_quote(quoted, sizeof quoted, host), port,
                  strerror(errno));
        metrics_server_destroy(&self);
        return NULL;
    }
    s_start_ticking(self);
    return self;
}

void metrics_server_destroy(metrics_server_t **self_p)
{
    metrics_server_t *self = *self_p;
    if (!self)
        return;
    if (self->daemon)
        MHD_stop_daemon(self->daemon);
    if (self->fd >= 0)
        close(self->fd);
    if (self->timer >= 0)
        close(self->timer);
    free(self);
    *self_p = NULL;
}

int metrics_server_fd(const metrics_server_t *self)
{
    return self->fd;
}

void metrics_server_run(metrics_server_t *self)
{
    uint64_t ticks;
    ssize_t got = read(self->timer, &ticks, sizeof ticks);
    (void)got; /* only that it is not readable any more */
    MHD_run(self->daemon);
}
