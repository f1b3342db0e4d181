/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /metrics and GET /healthz on a port of its own, for any loop:
 * libmicrohttpd without threads behind one epoll descriptor.
 */
#ifndef COMMON_METRICS_SERVER_H
#define COMMON_METRICS_SERVER_H

#include <stddef.h>
#include <stdint.h>

typedef struct metrics_server metrics_server_t;

/* Renders the metrics text; the server frees it. */
typedef char *(*metrics_render_fn)(void *context, size_t *length);

/* Listens on host:port. NULL, with a line in the log, where it cannot. */
metrics_server_t *metrics_server_new(const char *host, uint16_t port,
                                     metrics_render_fn render, void *context);
void metrics_server_destroy(metrics_server_t **self_p);

/* Call metrics_server_run whenever this descriptor is readable, which it is
 * once a second at least. Neither blocks. */
int metrics_server_fd(const metrics_server_t *self);
void metrics_server_run(metrics_server_t *self);

#endif
