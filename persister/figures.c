/* SPDX-License-Identifier: Apache-2.0
 *
 * See figures.h. The values are kept in one array, in the order of
 * metrics.def.
 */
#include "persister/figures.h"

#include "common/mem.h"
#include "common/metrics.h"
#include "common/metrics_server.h"

#include <stdlib.h>

#define METRIC(id, type, name, help) {type, name, help},
static const metric_row_t rows[FIGURES] = {
#include "persister/metrics.def"
};
#undef METRIC

struct figures {
    int64_t values[FIGURES];
    metrics_server_t *server; /* NULL where no port is set */
    zloop_t *loop;
    zmq_pollitem_t item;
    void (*gather)(void *context);
    void *context;
};

static char *s_render(void *context, size_t *length)
{
    figures_t *self = context;
    self->gather(self->context);
    return metrics_render(rows, self->values, NULL, FIGURES, length);
}

static int s_on_readable(zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    figures_tick(arg);
    return 0;
}

figures_t *figures_new(const settings_common_t *settings, zloop_t *loop,
                       void (*gather)(void *context), void *context)
{
    figures_t *self = mem_zalloc(1, sizeof *self);
    self->loop = loop;
    self->gather = gather;
    self->context = context;
    if (!settings->metrics_port)
        return self;
    self->server =
        metrics_server_new(settings->metrics_host,
                           (uint16_t)settings->metrics_port, s_render, self);
    if (!self->server) {
        figures_destroy(&self);
        return NULL;
    }
    self->item = (zmq_pollitem_t){.fd = metrics_server_fd(self->server),
                                  .events = ZMQ_POLLIN};
    zloop_poller(loop, &self->item, s_on_readable, self);
    zloop_poller_set_tolerant(loop, &self->item);
    return self;
}

void figures_destroy(figures_t **self_p)
{
    figures_t *self = *self_p;
    if (!self)
        return;
    if (self->server)
        zloop_poller_end(self->loop, &self->item);
    metrics_server_destroy(&self->server);
    free(self);
    *self_p = NULL;
}

void figures_add(figures_t *self, unsigned figure, uint64_t more)
{
    self->values[figure] += (int64_t)more;
}

void figures_set(figures_t *self, unsigned figure, uint64_t value)
{
    self->values[figure] = (int64_t)value;
}

void figures_tick(figures_t *self)
{
    if (self->server)
        metrics_server_run(self->server);
}
