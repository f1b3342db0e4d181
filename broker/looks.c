/* SPDX-License-Identifier: Apache-2.0
 *
 * See looks.h.
 */
#include "broker/looks.h"

#include "broker/control.h"
#include "broker/metrics.h"

static size_t s_free_place(const looks_t *self)
{
    size_t i = 0;
    while (i < LOOKS_MAX && self->waiting[i].asker.held)
        i++;
    return i;
}

void looks_ask(looks_t *self, const parts_t *parts, asker_t *asker,
               bus_look_t *look)
{
    uint8_t bytes[BUS_LOOK_BYTES];
    size_t i = s_free_place(self);
    const persister_t *persister =
        persisters_granted(&parts->persisters, parts->now.mono_ms);
    if (!persister || i == LOOKS_MAX) {
        answer_refuse(parts, asker, "unavailable",
                      persister ? "too many look-ups wait: try again"
                                : LOOKS_NO_STORE);
        return;
    }
    look->ticket = ++self->tickets;
    self->waiting[i].ticket = look->ticket;
    self->waiting[i].until_ms = parts->now.mono_ms + LOOKS_WAIT_MS;
    asker_move(&self->waiting[i].asker, asker);
    control_tell(parts, persister, bytes, bus_put_look(bytes, look));
    COUNT(LOOKS);
}

void looks_on_answer(looks_t *self, const parts_t *parts, mail_t *mail)
{
    bus_looked_t looked;
    if (bus_decode_looked(&looked, mail_bytes(mail), mail_size(mail)) < 0) {
        COUNT(MALFORMED_CONTROL);
        return;
    }
    for (size_t i = 0; i < LOOKS_MAX; i++)
        if (self->waiting[i].asker.held &&
            self->waiting[i].ticket == looked.ticket)
            answer_send_text(parts, &self->waiting[i].asker, looked.json,
                             looked.size);
}

void looks_tick(looks_t *self, const parts_t *parts)
{
    for (size_t i = 0; i < LOOKS_MAX; i++)
        if (self->waiting[i].asker.held &&
            parts->now.mono_ms >= self->waiting[i].until_ms)
            answer_refuse(parts, &self->waiting[i].asker, "unavailable",
                          "the persister did not answer in time");
}

void looks_give_up(looks_t *self, const parts_t *parts, const char *error)
{
    for (size_t i = 0; i < LOOKS_MAX; i++)
        if (self->waiting[i].asker.held)
            answer_refuse(parts, &self->waiting[i].asker, "unavailable", error);
}
