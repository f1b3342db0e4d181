/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h.
 */
#include "edge/link.h"

#include "common/log.h"

#include <zmq.h>

typedef struct {
    links_t *links;
    const bus_security_t *security;
} opening_t;

static int s_open(void *context, const char *base)
{
    opening_t *opening = context;
    links_t *self = opening->links;
    if (self->count == LEADERSHIP_BROKERS_MAX) {
        log_error("too_many_brokers", "max=%d", LEADERSHIP_BROKERS_MAX);
        return -1;
    }
    link_t *link = &self->table[self->count++];
    link->ingress = bus_connect(base, BUS_INGRESS, opening->security);
    link->feed =
        link->ingress ? bus_connect(base, BUS_FEED, opening->security) : NULL;
    return link->feed ? 0 : -1;
}

int links_open(links_t *self, const char *list, const bus_security_t *security)
{
    *self = (links_t){0};
    opening_t opening = {self, security};
    int count = endpoints_each(list, s_open, &opening);
    if (!count)
        log_error("no_brokers", NULL);
    return count > 0 ? 0 : -1;
}

void links_close(links_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        zsock_destroy(&self->table[i].ingress);
        zsock_destroy(&self->table[i].feed);
    }
    self->count = 0;
}

int link_send(zsock_t *socket, const void *bytes, size_t size)
{
    int sent = zmq_send(zsock_resolve(socket), bytes, size, ZMQ_DONTWAIT);
    return sent < 0 ? -1 : 0;
}

size_t links_fds(const links_t *self, int *fds, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count && count + 2 <= max; i++) {
        fds[count++] = zsock_fd(self->table[i].ingress);
        fds[count++] = zsock_fd(self->table[i].feed);
    }
    return count;
}

void link_tell(const link_t *self, bus_sync_t position)
{
    uint8_t bytes[BUS_SMALL_MAX];
    if (position.epoch)
        link_send(self->ingress, bytes, bus_put_sync(bytes, &position));
}

void links_report(const links_t *self, uint32_t viewers, const link_t *leader,
                  bus_sync_t position)
{
    bus_report_t report = {.viewers = viewers};
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_report(bytes, &report);
    for (const link_t *at = self->table; at < self->table + self->count; at++) {
        link_send(at->ingress, bytes, size);
        if (at != leader)
            link_tell(at, position);
    }
}

bool link_drain(link_t *self, zsock_t *socket, unsigned budget,
                link_message_fn on_message, void *context)
{
    void *raw = zsock_resolve(socket);
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (budget && zmq_msg_recv(&message, raw, ZMQ_DONTWAIT) >= 0) {
        budget--;
        on_message(context, self, zmq_msg_data(&message),
                   zmq_msg_size(&message));
    }
    zmq_msg_close(&message);
    return !budget;
}
