/* SPDX-License-Identifier: Apache-2.0
 *
 * See desk.h.
 */
#include "broker/desk.h"

#include "broker/metrics.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"

#include <inttypes.h>

#define MINUTE_MS 60000

void desk_init(desk_t *self)
{
    *self = (desk_t){.orders = mem_zalloc(DESK_ORDERS_MAX, sizeof(order_t))};
}

void desk_fini(desk_t *self)
{
    assert(!self->count);
    takeback_fini(&self->takeback);
    free(self->orders);
}

static order_t *s_first(const desk_t *self)
{
    assert(self->count);
    return &self->orders[self->first];
}

static void s_drop_first(desk_t *self)
{
    json_decref(s_first(self)->more);
    self->first = (self->first + 1) % DESK_ORDERS_MAX;
    self->count--;
    self->on_its_way = 0;
}

/* The place of the next one; NULL: it is full. */
static order_t *s_put(desk_t *self, const control_t *control, json_t *more)
{
    if (self->count == DESK_ORDERS_MAX) {
        json_decref(more);
        return NULL;
    }
    order_t *order =
        &self->orders[(self->first + self->count++) % DESK_ORDERS_MAX];
    *order = (order_t){.control = *control, .more = more};
    return order;
}

void desk_offer_with(desk_t *self, const parts_t *parts, asker_t *asker,
                     const control_t *control, json_t *more)
{
    order_t *order = s_put(self, control, more);
    if (order)
        asker_move(&order->asker, asker);
    else
        answer_refuse(parts, asker, "unavailable",
                      "too many actions wait: try again");
}

void desk_offer(desk_t *self, const parts_t *parts, asker_t *asker,
                const control_t *control)
{
    desk_offer_with(self, parts, asker, control, NULL);
}

bool desk_knows(const desk_t *self, const parts_t *parts, uint64_t by,
                uint32_t request)
{
    for (size_t i = 0; request && i < self->count; i++) {
        const control_t *control =
            &self->orders[(self->first + i) % DESK_ORDERS_MAX].control;
        if (control->by == by && control->request == request)
            return true;
    }
    return policy_request(parts->world.policy, by, request) != 0;
}

/* Whether one more refusal is to stand in the history. */
static bool s_count_refusal(desk_t *self, uint64_t now_ms)
{
    if (now_ms >= self->minute_ms + MINUTE_MS) {
        self->minute_ms = now_ms;
        self->refusals = 0;
    }
    return self->refusals++ < DESK_REFUSALS_A_MINUTE;
}

void desk_refuse(desk_t *self, const parts_t *parts, asker_t *asker,
                 const control_t *control)
{
    assert(control->verb == CONTROL_REFUSED);
    if (s_count_refusal(self, parts->now.mono_ms))
        desk_offer(self, parts, asker, control);
    else
        answer_refuse(parts, asker, "role_too_low", DESK_ROLE_TOO_LOW);
}

/* A rollback of more than somebody's role may; they are told already. */
static void s_note_refusal(desk_t *self, const parts_t *parts)
{
    control_t *refused = &self->takeback.refused;
    if (refused->verb == CONTROL_NONE)
        return;
    if (s_count_refusal(self, parts->now.mono_ms))
        s_put(self, refused, NULL);
    refused->verb = CONTROL_NONE;
}

/* It is done, by the action of that seq. */
static void s_answer(const parts_t *parts, order_t *order, uint64_t seq)
{
    const control_t *control = &order->control;
    if (!order->asker.held)
        return;
    if (control->verb == CONTROL_REFUSED) {
        answer_refuse(parts, &order->asker, "role_too_low", DESK_ROLE_TOO_LOW);
        return;
    }
    json_t *answer =
        json_pack("{s:b, s:s, s:I}", "ok", 1, "verb",
                  control_word(control->verb), "seq", (json_int_t)seq);
    if (order->more)
        json_object_update(answer, order->more);
    answer_send(parts, &order->asker, answer);
}

static void s_fill(desk_t *self, parts_t *parts, batch_t *batch)
{
    const policy_t *policy = parts->world.policy;
    record_t records[CONTROL_RECORDS_MAX];
    uint64_t done;
    if (self->on_its_way)
        return;
    while (self->count &&
           (done = policy_request(policy, s_first(self)->control.by,
                                  s_first(self)->control.request))) {
        s_answer(parts, s_first(self), done);
        s_drop_first(self);
    }
    if (!self->count)
        return;
    control_t *control = &s_first(self)->control;
    control->at_ms = parts->now.wall_ms;
    size_t count = control_records(control, batch_next(batch), records);
    for (size_t i = 0; i < count; i++)
        batch_add_control(batch, &records[i]);
    self->on_its_way = batch_next(batch) - 1;
    COUNT(ACTIONS);
}

void desk_fill(desk_t *self, parts_t *parts, batch_t *batch)
{
    s_note_refusal(self, parts);
    s_fill(self, parts, batch);
    takeback_fill(&self->takeback, parts, batch);
}

void desk_settle(desk_t *self, parts_t *parts)
{
    char by[USER_HEX_BYTES], of[USER_HEX_BYTES];
    takeback_settle(&self->takeback, parts);
    if (!self->on_its_way || self->on_its_way > parts->world.seq)
        return;
    order_t *order = s_first(self);
    const control_t *control = &order->control;
    user_to_hex(control->by, by);
    user_to_hex(control->of.user, of);
    log_info("action", "seq=%" PRIu64 " verb=%s by=%s role=%s user=%s",
             self->on_its_way, control_word(control->verb), by,
             rank_word(control->rank), of);
    s_answer(parts, order, self->on_its_way);
    s_drop_first(self);
}

void desk_tick(desk_t *self, const parts_t *parts)
{
    looks_tick(&self->looks, parts);
}

void desk_give_up(desk_t *self, const parts_t *parts, const char *error)
{
    takeback_give_up(&self->takeback, parts, error);
    while (self->count) {
        if (s_first(self)->asker.held)
            answer_refuse(parts, &s_first(self)->asker, "unavailable", error);
        s_drop_first(self);
    }
}
