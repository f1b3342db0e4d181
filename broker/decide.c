/* SPDX-License-Identifier: Apache-2.0
 *
 * See decide.h.
 */
#include "broker/decide.h"

#include "broker/metrics.h"
#include "broker/undo.h"

/* Looks ahead, so that users' slots and pixels are in the cache. */
#define PREFETCH 8

static uint32_t s_index(const decide_t *self, const bus_place_t *place)
{
    return (uint32_t)place->y * self->world->canvas.width + place->x;
}

static uint16_t s_record_flags(const bus_place_t *place)
{
    uint16_t flags = place->flags & BUS_PLACE_KEYLESS ? RECORD_KEYLESS : 0;
    return flags | (place->flags & BUS_PLACE_UNDO ? RECORD_UNDO : 0);
}

/* Puts an accepted placement on the board and into the batch. */
static void s_accept(decide_t *self, const rules_t *rules,
                     const bus_place_t *place)
{
    uint32_t index = s_index(self, place);
    record_t record = {
        .seq = batch_next(self->batch),
        .placed_at_ms = rules->now_ms,
        .user = place->user,
        .request = place->request,
        .x = place->x,
        .y = place->y,
        .color = place->color,
        .previous_color = board_set(self->world->board, index, place->color),
        .flags = s_record_flags(place),
    };
    batch_add(self->batch, &record, index);
    users_put(self->world->users, &record,
              world_keep(self->world, rules->now_ms));
}

/* An undo is decided as the placement that it comes to, but needs no cooldown
 * to be over; it begins a new one. */
static ruling_t s_rule_undo(decide_t *self, const rules_t *rules,
                            bus_place_t *undo)
{
    bool found = undo_find(undo, self->world, self->batch, self->now_ms);
    ruling_t ruling = rules_decide(rules, undo);
    if (ruling.status != VERDICT_OK && ruling.status != VERDICT_COOLDOWN)
        return ruling;
    ruling.status = found ? VERDICT_OK : VERDICT_TOO_LATE;
    ruling.remaining_ms = found ? rules->canvas->cooldown_ms
                                : rules_remaining_ms(rules, undo->user);
    return ruling;
}

static ruling_t s_rule(decide_t *self, const rules_t *rules, bus_place_t *place)
{
    if (!self->batch)
        return (ruling_t){.status = VERDICT_UNAVAILABLE,
                          .remaining_ms =
                              rules_remaining_ms(rules, place->user)};
    if (repeats_has(self->repeats, place)) {
        COUNT(LATE_COPIES); /* the edge has its verdict */
        return (ruling_t){.status = VERDICT_UNAVAILABLE};
    }
    if (place->flags & BUS_PLACE_RESENT)
        repeats_add(self->repeats, place);
    ruling_t ruling = place->flags & BUS_PLACE_UNDO
                          ? s_rule_undo(self, rules, place)
                          : rules_decide(rules, place);
    if (ruling.status != VERDICT_OK)
        return ruling;
    if (self->log_full) {
        COUNT(LOG_FULL);
        return (ruling_t){.status = VERDICT_UNAVAILABLE};
    }
    ruling.seq = batch_next(self->batch);
    s_accept(self, rules, place);
    return ruling;
}

static bus_verdict_t s_decide(decide_t *self, const rules_t *rules,
                              bus_place_t *place)
{
    if (place->flags & BUS_PLACE_ASK) {
        COUNT(ASKS);
        return (bus_verdict_t){.ticket = place->ticket,
                               .remaining_ms =
                                   rules_remaining_ms(rules, place->user)};
    }
    ruling_t ruling = s_rule(self, rules, place);
    metrics[METRIC_VERDICT_OK + ruling.status]++;
    return (bus_verdict_t){.ticket = place->ticket,
                           .status = (uint8_t)ruling.status,
                           .seq = ruling.seq,
                           .remaining_ms = ruling.remaining_ms};
}

static void s_prefetch(const decide_t *self, const bus_place_t *place)
{
    resent_key_t key = {place->user, place->request,
                        place->flags & BUS_PLACE_KEYLESS};
    users_prefetch(self->world->users, place->user);
    resent_prefetch(self->world->resent, &key);
    board_prefetch(self->world->board, s_index(self, place));
}

static rules_t s_rules(const decide_t *self)
{
    world_t *world = self->world;
    return (rules_t){.canvas = &world->canvas,
                     .bans = &world->bans,
                     .policy = world->policy,
                     .users = world->users,
                     .history = world->history,
                     .resent = world->resent,
                     .now_ms = self->now_ms,
                     .batch = self->batch};
}

bool decide_mail(decide_t *self, mail_t *mail, mail_t *verdicts)
{
    assert(self->world->board);
    int count =
        bus_decode_places(self->places, mail_bytes(mail), mail_size(mail));
    if (count <= 0) {
        if (count < 0)
            COUNT(MALFORMED_INGRESS);
        mail_close(mail);
        return false;
    }
    rules_t rules = s_rules(self);
    for (int i = 0; i < count; i++) {
        if (i + PREFETCH < count)
            s_prefetch(self, &self->places[i + PREFETCH]);
        self->answers[i] = s_decide(self, &rules, &self->places[i]);
    }
    mail_reply_to(verdicts, mail, bus_verdicts_bound((size_t)count));
    bus_put_verdicts(mail_bytes(verdicts), self->answers, (size_t)count);
    mail_close(mail);
    return true;
}
