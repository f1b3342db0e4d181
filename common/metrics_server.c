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

#define CONNECTIONS_MAX 32
#define IDLE_SECONDS_MAX 5

struct metrics_server {
    struct MHD_Daemon *daemon;
    metrics_render_fn render;
    void *context; /* of render */
    int fd;        /* the daemon's epoll descriptor */
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

static struct MHD_Daemon *s_start(metrics_server_t *self,
                                  const struct sockaddr *address, int family)
{
    unsigned flags = MHD_USE_EPOLL | (family == AF_INET6 ? MHD_USE_IPv6 : 0);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, s_on_request, self, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS_MAX,
        MHD_OPTION_END);
}

metrics_server_t *metrics_server_new(const char *host, uint16_t port,
                                     metrics_render_fn render, void *context)
{
    metrics_server_t *self = mem_zalloc(1, sizeof *self);
    self->render = render;
    self->context = context;
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
    self->fd =
        MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return self;
}

void metrics_server_destroy(metrics_server_t **self_p)
{
    metrics_server_t *self = *self_p;
    if (!self)
        return;
    if (self->daemon)
        MHD_stop_daemon(self->daemon);
    free(self);
    *self_p = NULL;
}

int metrics_server_fd(const metrics_server_t *self)
{
    return self->fd;
}

void metrics_server_run(metrics_server_t *self)
{
    MHD_run(self->daemon);
}
