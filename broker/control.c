/* SPDX-License-Identifier: Apache-2.0
 *
 * The control channel: persisters say where they are and fetch what they
 * missed, stipplectl asks. A table says who handles what, and in which states.
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/clock.h"
#include "common/log.h"

#include <inttypes.h>

/* Mails read in one turn of the loop. */
#define READ_BUDGET 64

void control_send(broker_t *self, mail_t *mail)
{
    if (mail_send(self->sockets[BUS_CONTROL], mail) < 0)
        COUNT(CONTROL_UNSENT);
}

void control_tell(broker_t *self, const persister_t *to, const void *bytes,
                  size_t size)
{
    mail_t mail;
    memcpy(mail_frame(&mail.peer, to->identity_size), to->identity,
           to->identity_size);
    memcpy(mail_frame(&mail.body, size), bytes, size);
    control_send(self, &mail);
}

/* A store that holds more than was ever committed here: once in the log. */
static void s_watch_ahead(broker_t *self, const persister_t *persister)
{
    bool ahead = persister->word.checkpoint > self->world.seq;
    if (ahead)
        COUNT(PERSISTER_AHEAD);
    if (ahead && !self->ahead)
        log_error("store_is_ahead",
                  "checkpoint=%" PRIu64 " seq=%" PRIu64
                  " hint=\"is it another cluster's store?\"",
                  persister->word.checkpoint, self->world.seq);
    self->ahead = ahead;
}

static void s_grant(broker_t *self, const persister_t *persister)
{
    uint8_t bytes[BUS_SMALL_MAX];
    s_watch_ahead(self, persister);
    bus_grant_t grant = {.epoch = self->world.epoch,
                         .active =
                             persisters_grant(&self->persisters, persister,
                                              self->world.seq, clock_mono_ms()),
                         .seq = self->world.seq};
    control_tell(self, persister, bytes, bus_put_grant(bytes, &grant));
}

static void s_on_persister(broker_t *self, mail_t *mail)
{
    bus_persister_t word;
    if (bus_decode_persister(&word, mail_bytes(mail), mail_size(mail)) < 0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    const persister_t *persister =
        persisters_hear(&self->persisters, &word, zmq_msg_data(&mail->peer),
                        zmq_msg_size(&mail->peer), clock_mono_ms());
    if (!persister)
        COUNT(PERSISTERS_FULL);
    else if (broker_serves(self))
        s_grant(self, persister);
    else if (self->state == LOADING)
        loading_tick(self);
    else if (self->state == RESTORING)
        restoring_tick(self);
}

/* Records from the log. Where it no longer reaches back to `from` they begin at
 * its first, so that the persister sees what is lost to it. */
static void s_on_replay(broker_t *self, mail_t *mail)
{
    bus_replay_t replay;
    if (bus_decode_replay(&replay, mail_bytes(mail), mail_size(mail)) < 0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    const history_t *history = self->world.history;
    uint64_t from = replay.from, next = history_next(history), count = 0;
    if (from < history_first(history))
        from = history_first(history);
    if (from < next)
        count = next - from < replay.max ? next - from : replay.max;
    if (count > BUS_RECORDS_MAX)
        count = BUS_RECORDS_MAX;
    mail_t answer;
    mail_reply_to(&answer, mail, BUS_BODY_HEAD_BYTES + count * RECORD_BYTES);
    uint8_t *bytes = mail_bytes(&answer);
    bus_put_body_head(bytes, BUS_RECORDS, self->world.epoch);
    history_copy(history, from, count, bytes + BUS_BODY_HEAD_BYTES);
    control_send(self, &answer);
    COUNT(REPLAYS);
}

static void s_on_snapshot(broker_t *self, mail_t *mail)
{
    restoring_on_snapshot(self, mail_bytes(mail), mail_size(mail));
}

static void s_on_records(broker_t *self, mail_t *mail)
{
    restoring_on_records(self, mail_bytes(mail), mail_size(mail));
}

static void s_on_ctl(broker_t *self, mail_t *mail)
{
    ctl_request(self, mail);
}

static const struct {
    bus_type_t type;
    bool serving; /* only where memory is served */
    void (*handle)(broker_t *self, mail_t *mail);
} s_handlers[] = {
    {BUS_PERSISTER, false, s_on_persister},
    {BUS_REPLAY, true, s_on_replay},
    {BUS_SNAPSHOT, false, s_on_snapshot},
    {BUS_RECORDS, false, s_on_records},
    {BUS_CTL, false, s_on_ctl},
};

static void s_dispatch(broker_t *self, mail_t *mail)
{
    uint8_t type = bus_type(mail_bytes(mail), mail_size(mail));
    for (size_t i = 0; i < sizeof s_handlers / sizeof *s_handlers; i++) {
        if (s_handlers[i].type != type)
            continue;
        if (!s_handlers[i].serving || broker_serves(self))
            s_handlers[i].handle(self, mail);
        return;
    }
    COUNT(MALFORMED_CONTROL);
}

int control_on_readable(zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop;
    broker_t *self = arg;
    for (int i = 0; i < READ_BUDGET; i++) {
        mail_t mail;
        mail_result_t result = mail_receive(socket, &mail);
        if (result == MAIL_NONE)
            break;
        if (result == MAIL_BAD) {
            COUNT(MALFORMED_CONTROL);
            continue;
        }
        s_dispatch(self, &mail);
        mail_close(&mail);
    }
    broker_pump(self);
    return 0;
}
