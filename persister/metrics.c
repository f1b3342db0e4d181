/* SPDX-License-Identifier: Apache-2.0
 *
 * See metrics.h. The values are kept in one array, in the order of
 * metrics.def.
 */
#include "persister/metrics.h"

#include "common/mem.h"
#include "common/metrics.h"
#include "common/metrics_server.h"

#include <stdlib.h>

#define METRIC(id, type, name, help) {type, name, help},
static const metric_row_t rows[METRICS] = {
#include "persister/metrics.def"
};
#undef METRIC

struct persister_metrics {
    int64_t values[METRICS];
    metrics_server_t *server; /* NULL where no port is set */
    zloop_t *loop;
    zmq_pollitem_t item;
    void (*gather)(void *context);
    void *context;
};

static char *s_render(void *context, size_t *length)
{
    persister_metrics_t *self = context;
    self->gather(self->context);
    return metrics_render(&(metrics_t){rows, self->values, METRICS, NULL},
                          length);
}

static int s_on_readable(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    persister_metrics_tick(arg);
    return 0;
}

persister_metrics_t *persister_metrics_new(const settings_common_t *settings,
                                           zloop_t *loop,
                                           void (*gather)(void *context),
                                           void *context)
{
    persister_metrics_t *self = mem_zalloc(1, sizeof *self);
    self->loop = loop;
    self->gather = gather;
    self->context = context;
    if (!settings->metrics_port)
        return self;
    self->server =
        metrics_server_new(settings->metrics_host,
                           (uint16_t)settings->metrics_port, s_render, self);
    if (!self->server) {
        persister_metrics_destroy(&self);
        return NULL;
    }
    self->item = (zmq_pollitem_t){.fd = metrics_server_fd(self->server),
                                  .events = ZMQ_POLLIN};
    zloop_poller(loop, &self->item, s_on_readable, self);
    zloop_poller_set_tolerant(loop, &self->item);
    return self;
}

void persister_metrics_destroy(persister_metrics_t **self_p)
{
    persister_metrics_t *self = *self_p;
    if (!self)
        return;
    if (self->server)
        zloop_poller_end(self->loop, &self->item);
    metrics_server_destroy(&self->server);
    free(self);
    *self_p = NULL;
}

void persister_metrics_add(persister_metrics_t *self, unsigned metric,
                           uint64_t more)
{
    self->values[metric] += (int64_t)more;
}

void persister_metrics_set(persister_metrics_t *self, unsigned metric,
                           uint64_t value)
{
    self->values[metric] = (int64_t)value;
}

void persister_metrics_tick(persister_metrics_t *self)
{
    if (self->server)
        metrics_server_run(self->server);
}
