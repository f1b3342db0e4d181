/* SPDX-License-Identifier: Apache-2.0
 *
 * See events.h.
 */
#include "broker/events.h"

#include "broker/metrics.h"
#include "common/bus_peer.h"
#include "common/clock.h"

/* Mails read from the control channel in one turn of the loop. */
#define READ_BUDGET 64

static broker_t *s_wake(void *context)
{
    events_t *self = context;
    broker_wake(self->broker, (now_t){clock_mono_ms(), clock_wall_ms()});
    return self->broker;
}

static void s_settle(void *context)
{
    events_t *self = context;
    broker_settle(self->broker);
    if (self->on_settled)
        self->on_settled(self->context);
}

/* ---- the ledger ------------------------------------------------------ */

static void s_on_ready(void *context)
{
    broker_on_ready(s_wake(context));
    s_settle(context);
}

static void s_on_lost(void *context)
{
    broker_on_lost(s_wake(context));
    s_settle(context);
}

static void s_on_lead(void *context, const ledger_lead_t *lead)
{
    broker_on_lead(s_wake(context), lead);
    s_settle(context);
}

static void s_on_renew(void *context, bool done)
{
    broker_on_renew(s_wake(context), done);
    s_settle(context);
}

static void s_on_commit(void *context, bool done)
{
    broker_on_commit(s_wake(context), done);
    s_settle(context);
}

static void s_on_put(void *context, bool done)
{
    broker_on_put(s_wake(context), done);
    s_settle(context);
}

static void s_on_canvas(void *context, bool done)
{
    broker_on_canvas(s_wake(context), done);
    s_settle(context);
}

static void s_on_released(void *context)
{
    broker_on_released(s_wake(context));
    s_settle(context);
}

static void s_on_board(void *context, const void *bytes, size_t size)
{
    broker_on_board(s_wake(context), bytes, size);
    s_settle(context);
}

static void s_on_bans(void *context, const uint64_t *users, size_t count)
{
    broker_on_bans(s_wake(context), users, count);
    s_settle(context);
}

static void s_on_policy(void *context, const void *bytes, size_t size)
{
    broker_on_policy(s_wake(context), bytes, size);
    s_settle(context);
}

static void s_on_log(void *context, const ledger_entry_t *entry)
{
    broker_on_log(s_wake(context), entry);
    s_settle(context);
}

static void s_on_loaded(void *context)
{
    broker_on_loaded(s_wake(context));
    s_settle(context);
}

static void s_on_looked(void *context, const ledger_look_t *look)
{
    broker_on_looked(s_wake(context), look);
    s_settle(context);
}

const ledger_events_t events_of_ledger = {
    .on_ready = s_on_ready,
    .on_lost = s_on_lost,
    .on_lead = s_on_lead,
    .on_renew = s_on_renew,
    .on_commit = s_on_commit,
    .on_put = s_on_put,
    .on_canvas = s_on_canvas,
    .on_released = s_on_released,
    .on_board = s_on_board,
    .on_bans = s_on_bans,
    .on_policy = s_on_policy,
    .on_log = s_on_log,
    .on_loaded = s_on_loaded,
    .on_looked = s_on_looked,
};

/* ---- sockets --------------------------------------------------------- */

void events_ingress(events_t *self)
{
    broker_t *broker = s_wake(self);
    parts_t *parts = broker_parts(broker);
    ingress_read(&parts->ingress, broker_serves(broker), parts->now.mono_ms);
    broker_on_errands(broker);
    s_settle(self);
}

bool events_has_room(const events_t *self)
{
    return ingress_has_room(&broker_parts(self->broker)->ingress);
}

static void s_take(broker_t *broker, mail_t *mail)
{
    static bus_peer_t formats;
    if (bus_peer_fits(&formats, "persister", mail_bytes(mail), mail_size(mail),
                      broker_parts(broker)->now.mono_ms))
        broker_on_mail(broker, mail);
    else
        COUNT(MALFORMED_CONTROL);
    mail_close(mail);
}

void events_control(events_t *self)
{
    broker_t *broker = s_wake(self);
    for (int i = 0; i < READ_BUDGET; i++) {
        mail_t mail;
        mail_result_t result =
            mail_receive(broker_parts(broker)->control, &mail);
        if (result == MAIL_NONE)
            break;
        if (result == MAIL_BAD) {
            COUNT(MALFORMED_CONTROL);
            continue;
        }
        s_take(broker, &mail);
    }
    s_settle(self);
}

/* ---- time ------------------------------------------------------------ */

void events_publish(events_t *self)
{
    broker_on_publish(s_wake(self));
    s_settle(self);
}

void events_second(events_t *self)
{
    broker_on_second(s_wake(self));
    s_settle(self);
}

void events_lease(events_t *self)
{
    broker_on_lease(s_wake(self));
    s_settle(self);
}

void events_follow(events_t *self)
{
    broker_on_follow(s_wake(self));
    s_settle(self);
}

void events_stop(events_t *self)
{
    broker_stop(s_wake(self));
    s_settle(self);
}

bool events_stopped(events_t *self)
{
    bool stopped = broker_stopped(s_wake(self));
    s_settle(self);
    return stopped;
}
