/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger and the clock tell, on its way to the broker: each event does
 * what it is for, at the moment at which it comes, and what can be done then is
 * done.
 */
#include "broker/events.h"

#include "common/clock.h"
#include "tests/unit/broker/stage.h"

static events_t events;
static unsigned settled;
static uint8_t bytes[RECORD_BYTES];

static void s_on_settled(void *context)
{
    ck_assert_ptr_eq(context, &settled);
    settled++;
}

static void s_set_up_events(void)
{
    s_set_up();
    events = (events_t){broker, s_on_settled, &settled};
    settled = 0;
}

/* Redis holds one record and a board that has lost it. */
static void s_fill_redis(void)
{
    record_t record = {.seq = 1, .user = 3, .x = 4, .color = 9};
    board_t *board = board_new(WIDTH, HEIGHT, 4);
    board_set(board, 4, 9);
    record_encode(bytes, &record);
    redis.digest = board_digest(board);
    redis.at = (position_t){1, chain_extend((chain_t){{1}}, bytes, 1)};
    board_destroy(&board);
}

static void s_lead(void)
{
    const ledger_events_t *on = &events_of_ledger;
    events_follow(&events);
    ck_assert_int_eq(fake.last, ASKED_FOLLOW);
    on->on_looked(&events, &(ledger_look_t){.meta = redis});
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    on->on_lead(&events, &(ledger_lead_t){LEAD_DONE, .meta = redis});
    ck_assert_int_eq(fake.last, ASKED_LOAD);
    on->on_board(&events, NULL, 0);
}

static void s_lead_blank(void)
{
    const ledger_events_t *on = &events_of_ledger;
    s_lead();
    on->on_bans(&events, NULL, 0);
    on->on_policy(&events, NULL, 0);
    on->on_loaded(&events);
    ck_assert_int_eq(broker_state(broker), LEADING);
}

/* A policy that bans user 255, as Redis keeps it; the caller's (free). */
static uint8_t *s_ban(size_t *size)
{
    policy_t *policy = policy_new();
    record_t records[CONTROL_RECORDS_MAX];
    control_t ban = {.verb = CONTROL_BAN, .of = {.has = HAS_USER, .user = 255}};
    size_t count = control_records(&ban, 1, records);
    for (size_t i = 0; i < count; i++)
        policy_feed(policy, &records[i], NULL);
    uint8_t *encoded = policy_bytes(policy, size);
    policy_destroy(&policy);
    return encoded;
}

START_TEST(what_redis_holds_is_what_is_led)
{
    const ledger_events_t *on = &events_of_ledger;
    const world_t *world = &broker_parts(broker)->world;
    size_t size;
    uint8_t *policy = s_ban(&size);
    s_fill_redis();
    s_lead();
    on->on_bans(&events, &(uint64_t){5}, 1);
    on->on_policy(&events, policy, size);
    on->on_log(&events, &(ledger_entry_t){{{1}}, bytes, 1});
    on->on_loaded(&events);
    ck_assert_int_eq(fake.last, ASKED_PUT_LOG); /* the board is mended */
    on->on_put(&events, true);
    ck_assert_int_eq(fake.last, ASKED_PUT_BOARD);
    on->on_put(&events, true);
    ck_assert_int_eq(broker_state(broker), LEADING);
    ck_assert_uint_eq(world->seq, 1);
    ck_assert_uint_eq(board_get(world->board, 4), 9);
    ck_assert(bans_has(&world->bans, 5) && !bans_has(&world->bans, 6));
    ck_assert(policy_bans_user(world->policy, 255, 0));
    ck_assert_uint_eq(settled, 10);
    free(policy);
}
END_TEST

START_TEST(what_happens_to_a_leader_happens_now)
{
    const ledger_events_t *on = &events_of_ledger;
    uint64_t mono_ms = clock_mono_ms(), wall_ms = clock_wall_ms();
    s_lead_blank();
    now_t then = broker_parts(broker)->now;
    ck_assert_uint_ge(then.mono_ms, mono_ms);
    ck_assert_uint_le(then.mono_ms, clock_mono_ms());
    ck_assert_uint_ge(then.wall_ms, wall_ms);
    events_lease(&events);
    ck_assert_int_eq(fake.last, ASKED_RENEW);
    on->on_renew(&events, true);
    ck_assert_int_eq(broker_state(broker), LEADING);
    s_place(1);
    on->on_commit(&events, true);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, 1);
    uint64_t diffs = metrics[METRIC_DIFFS], beats = metrics[METRIC_BEATS];
    events_publish(&events);
    ck_assert_uint_eq(metrics[METRIC_DIFFS], diffs + 1);
    events_second(&events);
    ck_assert_uint_eq(metrics[METRIC_BEATS], beats + 1);
    fake.ready = false;
    on->on_lost(&events);
    ck_assert_int_eq(broker_state(broker), AWAY);
    fake.ready = true;
    on->on_ready(&events);
    ck_assert_int_eq(fake.last, ASKED_LEAD);
}
END_TEST

START_TEST(a_broker_has_stopped_when_its_lease_is_given_back)
{
    s_lead_blank();
    s_place(1);
    events_stop(&events);
    ck_assert(!events_stopped(&events));
    ck_assert_uint_eq(fake.asked[ASKED_RELEASE], 0); /* a batch is on its way */
    s_place(2);
    events_of_ledger.on_commit(&events, true);
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], 1); /* and is the last */
    ck_assert(!events_stopped(&events));
    ck_assert_uint_eq(fake.asked[ASKED_RELEASE], 1);
    events_of_ledger.on_released(&events);
    ck_assert(events_stopped(&events));
}
END_TEST

Suite *suite_broker_events(void);
Suite *suite_broker_events(void)
{
    Suite *suite = suite_create("broker/events");
    TCase *tc = tcase_create("events");
    tcase_add_checked_fixture(tc, s_set_up_events, s_tear_down);
    tcase_add_test(tc, what_redis_holds_is_what_is_led);
    tcase_add_test(tc, what_happens_to_a_leader_happens_now);
    tcase_add_test(tc, a_broker_has_stopped_when_its_lease_is_given_back);
    suite_add_tcase(suite, tc);
    return suite;
}
