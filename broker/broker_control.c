/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes on the control channel: a table says who handles what. And what
 * moderators ask by way of the edges.
 */
#include "broker/states.h"

#include "broker/control.h"
#include "broker/metrics.h"
#include "common/bus_guard.h"

static void s_on_persister(broker_t *self, mail_t *mail)
{
    const persister_t *persister = control_hear(&self->parts, mail);
    if (!persister)
        return;
    states_doubt(self);
    if (self->state == LEADING)
        control_watch_ahead(&self->parts, persister);
    if (broker_serves(self))
        control_grant(&self->parts, persister);
    states_look(self);
}

static void s_on_replay(broker_t *self, mail_t *mail)
{
    if (broker_serves(self))
        control_replay(&self->parts, mail);
}

static void s_on_chain_ask(broker_t *self, mail_t *mail)
{
    if (broker_serves(self))
        control_chain(&self->parts, mail);
}

static void s_on_restored(broker_t *self, mail_t *mail)
{
    if (self->state == RESTORING)
        states_on_restoring(
            self, restoring_on_mail(&self->restoring, &self->parts, mail));
}

/* An action in doubt may be asked for again: whether it is done is known when
 * its batch is settled, and only then can it be judged. */
static const char *s_locked(const broker_t *self)
{
    if (self->state == AWAY)
        return "redis is away";
    if (self->state != LEADING || self->stopping)
        return "standby";
    return commit_settles(&self->leading.commit) ? "redis was away" : NULL;
}

static ctl_state_t s_ctl_state(const broker_t *self)
{
    return (ctl_state_t){.role = broker_words[self->state],
                         .locked = s_locked(self)};
}

static void s_on_ctl(broker_t *self, mail_t *mail)
{
    ctl_state_t state = s_ctl_state(self);
    ctl_request(&self->ctl, &self->parts, &self->leading.desk, &state, mail);
}

static void s_on_looked(broker_t *self, mail_t *mail)
{
    looks_on_answer(&self->leading.desk.looks, &self->parts, mail);
}

static void s_on_below(broker_t *self, mail_t *mail)
{
    takeback_heard(&self->leading.desk.takeback, &self->parts, mail);
}

static const struct {
    bus_type_t type;
    role_t from; /* who may say it */
    void (*handle)(broker_t *self, mail_t *mail);
} s_handlers[] = {
    {BUS_PERSISTER, ROLE_PERSISTER, s_on_persister},
    {BUS_REPLAY, ROLE_PERSISTER, s_on_replay},
    {BUS_SNAPSHOT, ROLE_PERSISTER, s_on_restored},
    {BUS_RECORDS, ROLE_PERSISTER, s_on_restored},
    {BUS_CTL, ROLE_OPERATOR, s_on_ctl},
    {BUS_CHAIN_ASK, ROLE_PERSISTER, s_on_chain_ask},
    {BUS_LOOKED, ROLE_PERSISTER, s_on_looked},
    {BUS_BELOW, ROLE_PERSISTER, s_on_below},
};

void broker_on_mail(broker_t *self, mail_t *mail)
{
    uint8_t type = bus_type(mail_bytes(mail), mail_size(mail));
    for (size_t i = 0; i < sizeof s_handlers / sizeof *s_handlers; i++)
        if (s_handlers[i].type == type) {
            if (bus_guard_is(&mail->body, s_handlers[i].from))
                s_handlers[i].handle(self, mail);
            else
                COUNT(FORBIDDEN_CONTROL);
            return;
        }
    COUNT(MALFORMED_CONTROL);
}

void broker_on_errands(broker_t *self)
{
    ctl_state_t state = s_ctl_state(self);
    for (mail_t mail; ingress_next_errand(&self->parts.ingress, &mail);) {
        ctl_errand(&self->ctl, &self->parts, &self->leading.desk, &state,
                   &mail);
        mail_close(&mail);
    }
}
