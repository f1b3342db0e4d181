/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a token is: the last placement from the store, what remains of the
 * cooldown from the leader. Where no broker leads, the remainder is reckoned
 * from the placement: looking goes on without brokers.
 */
#include "edge/http/api.h"

#include "common/clock.h"
#include "edge/http/lookup_json.h"
#include "edge/lookup.h"
#include "edge/uplink.h"

static void s_drop(exchange_t *exchange)
{
    uplink_cancel(exchange->edge->uplink, exchange->ticket);
    lookup_cancel(uplink_lookup(exchange->edge->uplink),
                  exchange->query_ticket);
}

static uint32_t s_reckon(const exchange_t *exchange, const record_t *last)
{
    const canvas_t *canvas = mirror_canvas(exchange->edge->mirror);
    uint64_t now_ms = clock_wall_ms();
    if (!canvas || !last || last->placed_at_ms + canvas->cooldown_ms <= now_ms)
        return 0;
    uint64_t remaining_ms = last->placed_at_ms + canvas->cooldown_ms - now_ms;
    return remaining_ms < canvas->cooldown_ms ? (uint32_t)remaining_ms
                                              : canvas->cooldown_ms;
}

static void s_reply(exchange_t *exchange)
{
    const me_lookup_t *me = &exchange->me;
    char body[LOOKUP_JSON_MAX];
    if (exchange->waiting)
        return;
    if (me->answer.status == BUS_STORE_FAILED) {
        exchange_problem(exchange, PROBLEM_UNAVAILABLE,
                         "The history cannot be read now");
        return;
    }
    const record_t *last =
        me->answer.status == BUS_FOUND ? &me->answer.record : NULL;
    uint32_t remaining_ms =
        me->known ? me->remaining_ms : s_reckon(exchange, last);
    size_t size =
        lookup_json_user(body, exchange->identity.user, last, remaining_ms);
    exchange_reply(exchange, &(reply_t){
                                 .status = 200,
                                 .content_type = "application/json",
                                 .bytes = body,
                                 .size = size,
                             });
}

static void s_on_answer(void *context, const bus_answer_t *answer)
{
    exchange_t *exchange = context;
    exchange->me.answer = *answer;
    exchange->waiting--;
    s_reply(exchange);
}

static void s_on_cooldown(void *context, const bus_place_t *place,
                          const bus_verdict_t *verdict)
{
    exchange_t *exchange = context;
    (void)place;
    exchange->me.known = verdict->status == VERDICT_OK;
    exchange->me.remaining_ms = verdict->remaining_ms;
    exchange->waiting--;
    s_reply(exchange);
}

void api_get_me(exchange_t *exchange)
{
    struct uplink *uplink = exchange->edge->uplink;
    if (exchange_identify(exchange) != AUTH_GOOD) {
        exchange_problem(exchange, PROBLEM_UNAUTHORIZED, NULL);
        return;
    }
    if (api_look_up_refused(exchange))
        return;
    exchange->drop = s_drop;
    exchange->waiting = 2;
    exchange->ticket = uplink_cooldown(uplink, exchange->identity.user,
                                       s_on_cooldown, exchange);
    exchange->query_ticket = lookup_user(
        uplink_lookup(uplink), exchange->identity.user, s_on_answer, exchange);
}
