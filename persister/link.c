/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h. Each broker is a row of a table; the sockets are read on the
 * owner's loop.
 */
#include "persister/link.h"

#include "common/bus_peer.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define BROKERS_MAX 8
/* A leader not heard of for so long gives way to any other that grants. */
#define LEADER_SILENT_MS 2000
#define NOBODY SIZE_MAX

typedef struct {
    link_t *link;
    size_t number;
    char *base;
    zsock_t *control;
    zsock_t *ingress;
} broker_t;

struct link {
    broker_t brokers[BROKERS_MAX];
    size_t count;
    zloop_t *loop;
    link_events_t events;
    bus_security_t security;
    size_t leader; /* or NOBODY */
    uint32_t epoch;
    uint64_t leader_heard_ms;
    zsock_t *journal; /* to journal_of; NULL while not wanted or no leader */
    size_t journal_of;
    bool journal_wanted, journal_paused, journal_read;
    bus_peer_t formats;
};

static int s_on_journal(zloop_t *loop, zsock_t *socket, void *arg)
{
    link_t *self = arg;
    (void)loop;
    zframe_t *frame = zframe_recv(socket);
    if (frame)
        self->events.on_journal(self->events.context, &frame);
    zframe_destroy(&frame);
    return 0;
}

static void s_read_journal(link_t *self)
{
    bool read = self->journal && !self->journal_paused;
    if (read == self->journal_read)
        return;
    if (read) {
        zloop_reader(self->loop, self->journal, s_on_journal, self);
        zloop_reader_set_tolerant(self->loop, self->journal);
    } else {
        zloop_reader_end(self->loop, self->journal);
    }
    self->journal_read = read;
}

/* Brings the PULL to what is wanted of whom. */
static void s_connect_journal(link_t *self)
{
    size_t wanted = self->journal_wanted ? self->leader : NOBODY;
    size_t have = self->journal ? self->journal_of : NOBODY;
    if (wanted == have)
        return;
    if (self->journal) {
        if (self->journal_read)
            zloop_reader_end(self->loop, self->journal);
        self->journal_read = false;
        zsock_destroy(&self->journal);
    }
    if (wanted != NOBODY) {
        self->journal_of = wanted;
        self->journal = bus_connect(self->brokers[wanted].base, BUS_JOURNAL,
                                    &self->security);
    }
    s_read_journal(self);
}

static void s_lead(link_t *self, size_t broker, uint32_t epoch)
{
    if (self->leader == broker && self->epoch == epoch)
        return;
    self->leader = broker;
    self->epoch = epoch;
    log_info("leader", "broker=%s epoch=%u", self->brokers[broker].base, epoch);
    s_connect_journal(self);
}

static void s_bad(broker_t *broker)
{
    broker->link->events.on_bad(broker->link->events.context);
}

static void s_take_grant(broker_t *broker, zframe_t **frame)
{
    link_t *self = broker->link;
    bus_grant_t grant;
    if (bus_decode_grant(&grant, zframe_data(*frame), zframe_size(*frame))) {
        s_bad(broker);
        return;
    }
    uint64_t now_ms = clock_mono_ms();
    bool silent = self->leader == NOBODY ||
                  now_ms - self->leader_heard_ms > LEADER_SILENT_MS;
    bool mine = broker->number == self->leader;
    if (!mine && !silent && grant.epoch <= self->epoch)
        return; /* deposed, does not know it yet */
    self->leader_heard_ms = now_ms;
    s_lead(self, broker->number, grant.epoch);
    self->events.on_grant(self->events.context, &grant);
}

static void s_take_records(broker_t *broker, zframe_t **frame)
{
    link_t *self = broker->link;
    if (broker->number == self->leader)
        self->events.on_replay(self->events.context, frame);
}

static void s_take_ask(broker_t *broker, zframe_t **frame)
{
    link_t *self = broker->link;
    self->events.on_ask(self->events.context, broker->number, frame);
}

static void s_take_board(broker_t *broker, zframe_t **frame)
{
    link_t *self = broker->link;
    bus_board_t board;
    if (bus_decode_board(&board, zframe_data(*frame), zframe_size(*frame)))
        s_bad(broker);
    else if (broker->number == self->leader)
        self->events.on_board(self->events.context, &board);
}

static void s_take_chain(broker_t *broker, zframe_t **frame)
{
    link_t *self = broker->link;
    bus_chain_t chain;
    if (bus_decode_chain(&chain, zframe_data(*frame), zframe_size(*frame)))
        s_bad(broker);
    else if (broker->number == self->leader)
        self->events.on_chain(self->events.context, &chain);
}

static void s_ignore(broker_t *broker, zframe_t **frame)
{
    (void)broker;
    (void)frame;
}

static const struct {
    uint8_t type;
    void (*take)(broker_t *broker, zframe_t **frame);
} messages[] = {
    {BUS_GRANT, s_take_grant},      {BUS_RECORDS, s_take_records},
    {BUS_SNAPSHOT_ASK, s_take_ask}, {BUS_REPLAY, s_take_ask},
    {BUS_BOARD, s_take_board},      {BUS_RANGE, s_ignore},
    {BUS_CHAIN_ASK, s_take_ask},    {BUS_CHAIN, s_take_chain},
    {BUS_LOOK, s_take_ask},         {BUS_BELOW_ASK, s_take_ask},
};

static int s_on_message(zloop_t *loop, zsock_t *socket, void *arg)
{
    broker_t *broker = arg;
    (void)loop;
    zframe_t *frame = zframe_recv(socket);
    if (!frame)
        return 0;
    uint8_t type = bus_type(zframe_data(frame), zframe_size(frame));
    if (!bus_peer_fits(&broker->link->formats, "broker", zframe_data(frame),
                       zframe_size(frame), clock_mono_ms()))
        type = 0;
    size_t i = 0;
    while (i < sizeof messages / sizeof *messages && messages[i].type != type)
        i++;
    if (i < sizeof messages / sizeof *messages)
        messages[i].take(broker, &frame);
    else
        s_bad(broker);
    zframe_destroy(&frame);
    return 0;
}

static zsock_t *s_dealer(broker_t *broker, bus_channel_t channel)
{
    link_t *self = broker->link;
    zsock_t *socket = bus_connect(broker->base, channel, &self->security);
    if (socket) {
        zloop_reader(self->loop, socket, s_on_message, broker);
        zloop_reader_set_tolerant(self->loop, socket);
    }
    return socket;
}

static int s_add(void *context, const char *base)
{
    link_t *self = context;
    if (self->count == BROKERS_MAX) {
        log_error("too_many_brokers", "max=%d", BROKERS_MAX);
        return -1;
    }
    broker_t *broker = &self->brokers[self->count];
    broker->link = self;
    broker->number = self->count++;
    broker->base = mem_strdup(base);
    broker->control = s_dealer(broker, BUS_CONTROL);
    broker->ingress = s_dealer(broker, BUS_INGRESS);
    return broker->control && broker->ingress ? 0 : -1;
}

link_t *link_new(const char *brokers, const bus_security_t *security,
                 zloop_t *loop, const link_events_t *events)
{
    link_t *self = mem_zalloc(1, sizeof *self);
    self->loop = loop;
    self->events = *events;
    self->security = *security;
    self->leader = NOBODY;
    if (endpoints_each(brokers, s_add, self) < 0)
        link_destroy(&self);
    return self;
}

static void s_drop(link_t *self, zsock_t **socket)
{
    if (*socket)
        zloop_reader_end(self->loop, *socket);
    zsock_destroy(socket);
}

void link_destroy(link_t **self_p)
{
    link_t *self = *self_p;
    if (!self)
        return;
    link_want_journal(self, false);
    for (size_t i = 0; i < self->count; i++) {
        s_drop(self, &self->brokers[i].control);
        s_drop(self, &self->brokers[i].ingress);
        free(self->brokers[i].base);
    }
    free(self);
    *self_p = NULL;
}

static void s_send(zsock_t *socket, const void *bytes, size_t size)
{
    zframe_t *frame = zframe_new(bytes, size);
    zframe_send(&frame, socket, ZFRAME_DONTWAIT);
    zframe_destroy(&frame);
}

void link_report(link_t *self, const bus_persister_t *persister)
{
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_persister(bytes, persister);
    for (size_t i = 0; i < self->count; i++)
        s_send(self->brokers[i].control, bytes, size);
}

void link_want_journal(link_t *self, bool wanted)
{
    self->journal_wanted = wanted;
    self->journal_paused = false;
    s_connect_journal(self);
    s_read_journal(self);
}

void link_pause_journal(link_t *self, bool paused)
{
    self->journal_paused = paused;
    s_read_journal(self);
}

void link_replay(link_t *self, uint64_t from, uint32_t max)
{
    if (self->leader == NOBODY)
        return;
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_replay(bytes, &(bus_replay_t){from, max});
    s_send(self->brokers[self->leader].control, bytes, size);
}

void link_ask_chain(link_t *self, uint64_t seq)
{
    if (self->leader == NOBODY)
        return;
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_chain_ask(bytes, seq);
    s_send(self->brokers[self->leader].control, bytes, size);
}

void link_ask_board(link_t *self)
{
    if (self->leader == NOBODY)
        return;
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_sync(bytes, &(bus_sync_t){0});
    s_send(self->brokers[self->leader].ingress, bytes, size);
}

void link_answer(link_t *self, size_t broker, zframe_t **frame)
{
    if (broker < self->count)
        zframe_send(frame, self->brokers[broker].control, ZFRAME_DONTWAIT);
    zframe_destroy(frame);
}
