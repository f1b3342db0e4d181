/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h.
 */
#include "edge/link.h"

#include <zmq.h>

#define GRACE_MS 2000

int link_open(link_t *self, const char *base, const bus_security_t *security)
{
    *self = (link_t){0};
    self->ingress = bus_connect(base, BUS_INGRESS, security);
    if (self->ingress)
        self->feed = bus_connect(base, BUS_FEED, security);
    if (self->feed)
        return 0;
    link_close(self);
    return -1;
}

void link_close(link_t *self)
{
    zsock_destroy(&self->ingress);
    zsock_destroy(&self->feed);
}

bool link_alive(const link_t *self, uint64_t now_ms)
{
    return self->epoch && now_ms <= self->heard_ms + self->lease_ms + GRACE_MS;
}

int link_send(zsock_t *socket, const void *bytes, size_t size)
{
    int sent = zmq_send(zsock_resolve(socket), bytes, size, ZMQ_DONTWAIT);
    return sent < 0 ? -1 : 0;
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
