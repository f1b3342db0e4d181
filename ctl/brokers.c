/* SPDX-License-Identifier: Apache-2.0
 *
 * See brokers.h. The sockets are ZMQ_IMMEDIATE: a send before the connection
 * stands is refused, and tried again until the time is over.
 */
#include "ctl/brokers.h"

#include "common/bus.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define POLL_MS 20

typedef struct {
    brokers_t *brokers;
    const bus_security_t *security;
} opening_t;

static int s_open(void *context, const char *base)
{
    opening_t *opening = context;
    brokers_t *self = opening->brokers;
    if (self->count == BROKERS_MAX) {
        log_error("too_many_brokers", "max=%d", BROKERS_MAX);
        return -1;
    }
    broker_answer_t *broker = &self->table[self->count];
    broker->socket = bus_connect(base, BUS_CONTROL, opening->security);
    if (!broker->socket)
        return -1;
    broker->base = mem_strdup(base);
    self->count++;
    return 0;
}

int brokers_open(brokers_t *self, const char *bases,
                 const bus_security_t *security)
{
    *self = (brokers_t){0};
    opening_t opening = {self, security};
    int count = endpoints_each(bases, s_open, &opening);
    if (!count)
        log_error("no_brokers", NULL);
    if (count <= 0)
        brokers_close(self);
    return count > 0 ? 0 : -1;
}

void brokers_close(brokers_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->table[i].base);
        zsock_destroy(&self->table[i].socket);
        json_decref(self->table[i].answer);
    }
    *self = (brokers_t){0};
}

/* A message of type CTL that holds the request; the caller destroys it. */
static zframe_t *s_encode(const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    assert(text);
    zframe_t *frame = zframe_new(NULL, strlen(text) + 1);
    zframe_data(frame)[0] = BUS_CTL;
    memcpy(zframe_data(frame) + 1, text, strlen(text));
    free(text);
    return frame;
}

static void s_receive(broker_answer_t *broker)
{
    zframe_t *frame = zframe_recv(broker->socket);
    if (!frame)
        return;
    if (zframe_size(frame) > 1 && zframe_data(frame)[0] == BUS_CTL_REPLY)
        broker->answer = json_loadb((const char *)zframe_data(frame) + 1,
                                    zframe_size(frame) - 1, 0, NULL);
    zframe_destroy(&frame);
}

/* Whether all that is to come has come. */
static bool s_done(const brokers_t *self, bool first_ok)
{
    size_t answered = 0;
    for (size_t i = 0; i < self->count; i++) {
        const json_t *answer = self->table[i].answer;
        answered += answer != NULL;
        if (first_ok && json_is_true(json_object_get(answer, "ok")))
            return true;
    }
    return answered == self->count;
}

void brokers_ask(brokers_t *self, const json_t *request, int64_t timeout_ms,
                 bool first_ok)
{
    zframe_t *frame = s_encode(request);
    bool sent[BROKERS_MAX] = {false};
    uint64_t until_ms = clock_mono_ms() + (uint64_t)timeout_ms;
    for (size_t i = 0; i < self->count; i++)
        zsock_set_rcvtimeo(self->table[i].socket, 0);
    while (!s_done(self, first_ok) && clock_mono_ms() < until_ms) {
        for (size_t i = 0; i < self->count; i++) {
            broker_answer_t *broker = &self->table[i];
            if (!sent[i])
                sent[i] = zframe_send(&frame, broker->socket,
                                      ZFRAME_REUSE | ZFRAME_DONTWAIT) == 0;
            else if (!broker->answer)
                s_receive(broker);
        }
        if (!s_done(self, first_ok))
            zclock_sleep(POLL_MS);
    }
    zframe_destroy(&frame);
}
