/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_guard.h.
 */
#include "common/bus_guard.h"

#include "common/clock.h"
#include "common/endpoints.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ENDPOINT "inproc://zeromq.zap.01"
#define SILENCE_MS 10000 /* between two lines about strangers */
#define FRAMES 7         /* of a request for CURVE */

/* One public key that may come in on one channel. */
typedef struct {
    bus_channel_t channel;
    role_t role;
    uint8_t public[KEY_BYTES];
} pass_t;

struct bus_guard {
    pass_t *passes;
    size_t count;
    zactor_t *actor;
    uint64_t told_ms;
    unsigned untold; /* strangers since the last line */
};

/* Which roles a channel's bound end lets in. */
static const struct {
    bus_channel_t channel;
    role_t role;
} s_rules[] = {
    {BUS_INGRESS, ROLE_EDGE},      {BUS_INGRESS, ROLE_PERSISTER},
    {BUS_FEED, ROLE_EDGE},         {BUS_JOURNAL, ROLE_PERSISTER},
    {BUS_CONTROL, ROLE_PERSISTER}, {BUS_CONTROL, ROLE_OPERATOR},
    {BUS_QUERY, ROLE_EDGE},
};

/* --- the table ------------------------------------------------------------ */

typedef struct {
    bus_guard_t *guard;
    const role_keys_t *keys;
    bool query; /* a persister's socket, else a broker's */
} filling_t;

static void s_admit(bus_guard_t *self, bus_channel_t channel, role_t role,
                    const uint8_t secret[KEY_BYTES], const char *base)
{
    uint8_t key[KEY_BYTES];
    self->passes =
        mem_realloc(self->passes, self->count + 1, sizeof *self->passes);
    pass_t *pass = &self->passes[self->count++];
    *pass = (pass_t){.channel = channel, .role = role};
    client_key(key, secret, base);
    curve_public(key, pass->public);
}

static int s_admit_all(void *context, const char *base)
{
    filling_t *filling = context;
    for (size_t i = 0; i < sizeof s_rules / sizeof *s_rules; i++) {
        if ((s_rules[i].channel == BUS_QUERY) != filling->query)
            continue;
        const key_list_t *list = &filling->keys->accept[s_rules[i].role];
        for (size_t k = 0; k < list->count; k++)
            s_admit(filling->guard, s_rules[i].channel, s_rules[i].role,
                    list->bytes[k], base);
    }
    return 0;
}

static const pass_t *s_find(const bus_guard_t *self, const char *domain,
                            const zframe_t *key)
{
    if (zframe_size((zframe_t *)key) != KEY_BYTES)
        return NULL;
    for (size_t i = 0; i < self->count; i++)
        if (!strcmp(domain, bus_channel_word(self->passes[i].channel)) &&
            !memcmp(zframe_data((zframe_t *)key), self->passes[i].public,
                    KEY_BYTES))
            return &self->passes[i];
    return NULL;
}

/* --- the thread ----------------------------------------------------------- */

static void s_tell(bus_guard_t *self, const char *domain, const char *address)
{
    uint64_t now_ms = clock_mono_ms();
    char quoted[128];
    self->untold++;
    if (self->told_ms && now_ms < self->told_ms + SILENCE_MS)
        return;
    log_warn("bus_stranger",
             "channel=%s address=%s times=%u hint=\"its key file is of another "
             "role, cluster or time, or it knows this process by a name that "
             "advertise does not list\"",
             domain, log_quote(quoted, sizeof quoted, address), self->untold);
    self->told_ms = now_ms;
    self->untold = 0;
}

static void s_reply(zsock_t *socket, const char *version, const char *id,
                    const pass_t *pass)
{
    zmsg_t *reply = zmsg_new();
    zmsg_addstr(reply, version);
    zmsg_addstr(reply, id);
    zmsg_addstr(reply, pass ? "200" : "300");
    zmsg_addstr(reply, ""); /* no text */
    zmsg_addstr(reply, pass ? role_word(pass->role) : "");
    zmsg_addstr(reply, ""); /* no metadata */
    zmsg_send(&reply, socket);
}

/* version, id, domain, address, identity, mechanism, key */
static void s_answer(bus_guard_t *self, zsock_t *socket, zmsg_t *request)
{
    char *texts[FRAMES - 1];
    for (int i = 0; i < FRAMES - 1; i++)
        texts[i] = zmsg_popstr(request);
    zframe_t *key = zmsg_pop(request);
    const pass_t *pass =
        strcmp(texts[5], "CURVE") ? NULL : s_find(self, texts[2], key);
    if (!pass)
        s_tell(self, texts[2], texts[3]);
    s_reply(socket, texts[0], texts[1], pass);
    for (int i = 0; i < FRAMES - 1; i++)
        free(texts[i]);
    zframe_destroy(&key);
}

static void s_guard(zsock_t *pipe, void *argument)
{
    bus_guard_t *self = argument;
    zsock_t *socket = zsock_new(ZMQ_REP);
    int bound = zsock_bind(socket, ENDPOINT);
    assert(bound >= 0);
    zpoller_t *poller = zpoller_new(pipe, socket, NULL);
    zpoller_set_nonstop(poller, true);
    zsock_signal(pipe, 0);
    while (zpoller_wait(poller, -1) == socket) {
        zmsg_t *request = zmsg_recv(socket);
        if (request && zmsg_size(request) == FRAMES)
            s_answer(self, socket, request);
        else if (request)
            s_reply(socket, "1.0", "", NULL);
        zmsg_destroy(&request);
    }
    zpoller_destroy(&poller);
    zsock_destroy(&socket);
}

bus_guard_t *bus_guard_new(const bus_security_t *security)
{
    if (!security->keys)
        return NULL;
    bus_guard_t *self = mem_zalloc(1, sizeof *self);
    filling_t filling = {.guard = self, .keys = security->keys};
    endpoints_each(security->names, s_admit_all, &filling);
    filling.query = true;
    s_admit_all(&filling, "");
    self->actor = zactor_new(s_guard, self);
    assert(self->actor);
    return self;
}

void bus_guard_destroy(bus_guard_t **self_p)
{
    bus_guard_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    zactor_destroy(&self->actor);
    free(self->passes);
    free(self);
}

role_t bus_guard_role(zmq_msg_t *message)
{
    const char *word = zmq_msg_gets(message, "User-Id");
    int role = word ? role_parse(word) : -1;
    return role < 0 ? ROLES : (role_t)role;
}

bool bus_guard_is(zmq_msg_t *message, role_t role)
{
    role_t from = bus_guard_role(message);
    return from == role || from == ROLES;
}
