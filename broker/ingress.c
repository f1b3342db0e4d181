/* SPDX-License-Identifier: Apache-2.0
 *
 * See ingress.h.
 */
#include "broker/ingress.h"

#include "broker/metrics.h"
#include "common/bus.h"
#include "common/bus_guard.h"
#include "common/bus_peer.h"

/* Mails read in one turn of the loop, so that Redis and timers have theirs. */
#define READ_BUDGET 512

void ingress_init(ingress_t *self, zsock_t *socket)
{
    *self = (ingress_t){
        .socket = socket, .edges = edges_new(), .taken = tally_new()};
    mailbox_init(&self->places, INGRESS_MAILS);
    mailbox_init(&self->syncs, INGRESS_MAILS);
    mailbox_init(&self->errands, INGRESS_ERRANDS);
}

void ingress_fini(ingress_t *self)
{
    edges_destroy(&self->edges);
    tally_destroy(&self->taken);
    mailbox_fini(&self->places);
    mailbox_fini(&self->syncs);
    mailbox_fini(&self->errands);
}

bool ingress_has_room(const ingress_t *self)
{
    return !mailbox_is_full(&self->places) && !mailbox_is_full(&self->syncs) &&
           self->places_waiting < INGRESS_PLACES_MAX;
}

/* How many placements a message of this size holds at most. */
static size_t s_places(size_t size)
{
    return size / BUS_PLACE_BYTES;
}

static void s_take_places(ingress_t *self, mail_t *mail, bool leading)
{
    if (!leading) {
        COUNT(PLACES_IGNORED);
        mail_close(mail);
        return;
    }
    self->places_waiting += s_places(mail_size(mail));
    mailbox_put(&self->places, mail);
}

/* Behind the SYNCs that came before it: at a quiescent point as well. */
static void s_take_acked(ingress_t *self, mail_t *mail, bool leading)
{
    if (leading)
        mailbox_put(&self->syncs, mail);
    else
        mail_close(mail); /* whoever leads is told again */
}

static void s_take_errand(ingress_t *self, mail_t *mail, bool leading)
{
    if (leading && !mailbox_is_full(&self->errands)) {
        mailbox_put(&self->errands, mail);
        return;
    }
    COUNT(ERRANDS_IGNORED);
    mail_close(mail);
}

static void s_take_report(ingress_t *self, mail_t *mail, uint64_t now_ms)
{
    bus_report_t report;
    if (bus_decode_report(&report, mail_bytes(mail), mail_size(mail)) < 0)
        COUNT(MALFORMED_INGRESS);
    else if (edges_report(self->edges, zmq_msg_data(&mail->peer),
                          zmq_msg_size(&mail->peer), report.viewers,
                          now_ms) < 0)
        COUNT(EDGES_FULL);
    mail_close(mail);
}

static void s_take_taken(ingress_t *self, mail_t *mail, bool leading)
{
    bus_taken_t rows[BUS_TAKEN_MAX];
    int count = bus_decode_taken(rows, mail_bytes(mail), mail_size(mail));
    if (count < 0)
        COUNT(MALFORMED_INGRESS);
    else if (leading)
        COUNT_BY(TAKEN_FULL, tally_add(self->taken, rows, (size_t)count));
    mail_close(mail);
}

static void s_take(ingress_t *self, mail_t *mail, bool leading, uint64_t now_ms)
{
    static bus_peer_t formats;
    if (!bus_peer_fits(&formats, "edge", mail_bytes(mail), mail_size(mail),
                       now_ms)) {
        COUNT(MALFORMED_INGRESS);
        mail_close(mail);
        return;
    }
    uint8_t type = bus_type(mail_bytes(mail), mail_size(mail));
    /* A persister asks for the board here, and nothing else. */
    if (type != BUS_SYNC && !bus_guard_is(&mail->body, ROLE_EDGE)) {
        COUNT(FORBIDDEN_INGRESS);
        mail_close(mail);
        return;
    }
    switch (type) {
    case BUS_PLACES:
    case BUS_PLACES_TOLD:
        s_take_places(self, mail, leading);
        return;
    case BUS_SYNC:
        mailbox_put(&self->syncs, mail);
        return;
    case BUS_ACKED:
        s_take_acked(self, mail, leading);
        return;
    case BUS_ERRAND:
        s_take_errand(self, mail, leading);
        return;
    case BUS_TAKEN:
        s_take_taken(self, mail, leading);
        return;
    case BUS_REPORT:
        s_take_report(self, mail, now_ms);
        return;
    default:
        COUNT(MALFORMED_INGRESS);
        mail_close(mail);
    }
}

bool ingress_read(ingress_t *self, bool leading, uint64_t now_ms)
{
    for (int i = 0; i < READ_BUDGET && ingress_has_room(self); i++) {
        mail_t mail;
        mail_result_t result = mail_receive(self->socket, &mail);
        if (result == MAIL_NONE)
            break;
        if (result == MAIL_BAD)
            COUNT(MALFORMED_INGRESS);
        else
            s_take(self, &mail, leading, now_ms);
    }
    GAUGE(QUEUED, self->places_waiting);
    return ingress_has_room(self);
}

bool ingress_next_places(ingress_t *self, mail_t *mail)
{
    if (!mailbox_take(&self->places, mail))
        return false;
    self->places_waiting -= s_places(mail_size(mail));
    return true;
}

bool ingress_next_sync(ingress_t *self, mail_t *mail)
{
    return mailbox_take(&self->syncs, mail);
}

bool ingress_next_errand(ingress_t *self, mail_t *mail)
{
    return mailbox_take(&self->errands, mail);
}

void ingress_clear(ingress_t *self)
{
    mailbox_clear(&self->places);
    mailbox_clear(&self->syncs);
    mailbox_clear(&self->errands);
    tally_clear(self->taken);
    self->places_waiting = 0;
}

void ingress_send(ingress_t *self, mail_t *mail)
{
    if (mail_send(self->socket, mail) < 0)
        COUNT(INGRESS_UNSENT);
}
