/* SPDX-License-Identifier: Apache-2.0
 *
 * What persisters say on the control channel, and what they are told.
 */
#include "tests/unit/broker/peers.h"

static void s_lead(void)
{
    s_set_up_peers();
    s_to_leading();
    s_play(5);
}

static void s_persister(const bus_persister_t *word)
{
    uint8_t bytes[BUS_SMALL_MAX];
    s_control(bytes, bus_put_persister(bytes, word));
}

static bus_grant_t s_grant(void)
{
    size_t size;
    bus_grant_t grant;
    const uint8_t *bytes = s_take(control, &size);
    ck_assert_int_eq(bus_decode_grant(&grant, bytes, size), 0);
    return grant;
}

START_TEST(a_persister_is_told_where_we_are_and_that_it_is_the_active_one)
{
    const world_t *world = &broker_parts(broker)->world;
    bus_persister_t word = {.instance = 7,
                            .checkpoint = 3,
                            .chain = history_chain(world->history, 3)};
    s_persister(&word);
    bus_grant_t grant = s_grant();
    ck_assert_uint_eq(grant.epoch, world->epoch);
    ck_assert_uint_eq(grant.seq, 5);
    ck_assert(chain_equal(grant.chain, world_head(world).chain));
    ck_assert_uint_eq(grant.active, 1);
    ck_assert_uint_eq(broker_parts(broker)->persisters.checkpoint, 3);
    word.instance = 8; /* another one, while the first is heard */
    s_persister(&word);
    ck_assert_uint_eq(s_grant().active, 0);
}
END_TEST

START_TEST(a_store_that_is_ahead_is_said_once_and_not_granted)
{
    uint64_t ahead = metrics[METRIC_PERSISTER_AHEAD];
    bus_persister_t word = {.instance = 7, .checkpoint = 6, .chain = {{1}}};
    s_persister(&word);
    ck_assert_uint_eq(s_grant().active, 0);
    ck_assert_uint_eq(metrics[METRIC_PERSISTER_AHEAD], ahead + 1);
    ck_assert(broker_parts(broker)->persisters.ahead);
    word = (bus_persister_t){
        .instance = 7,
        .checkpoint = 5,
        .chain = world_head(&broker_parts(broker)->world).chain};
    s_persister(&word);
    ck_assert_uint_eq(s_grant().active, 1);
    ck_assert_uint_eq(metrics[METRIC_PERSISTER_AHEAD], ahead + 1);
    ck_assert(!broker_parts(broker)->persisters.ahead);
}
END_TEST

START_TEST(one_persister_too_many_is_not_heard)
{
    uint64_t full = metrics[METRIC_PERSISTERS_FULL];
    for (uint64_t i = 1; i <= PERSISTERS_MAX + 1; i++)
        s_persister(&(bus_persister_t){.instance = i});
    ck_assert_uint_eq(metrics[METRIC_PERSISTERS_FULL], full + 1);
    for (size_t i = 0; i < PERSISTERS_MAX; i++)
        s_grant();
    ck_assert(!s_has_mail(control));
}
END_TEST

/* Records from `from` on, at most `max`: the first one's seq and how many. */
static void s_replay(uint64_t from, uint32_t max, uint64_t first, size_t count)
{
    uint8_t ask[BUS_SMALL_MAX];
    bus_replay_t replay = {.from = from, .max = max};
    s_control(ask, bus_put_replay(ask, &replay));
    size_t size;
    bus_body_t body;
    record_t records[10];
    const uint8_t *bytes = s_take(control, &size);
    const world_t *world = &broker_parts(broker)->world;
    ck_assert_uint_eq(bytes[0], BUS_RECORDS);
    ck_assert_int_eq(bus_decode_body(&body, bytes, size), 0);
    ck_assert_uint_eq(body.epoch, world->epoch);
    ck_assert_uint_eq(body.size, count * RECORD_BYTES);
    ck_assert_int_eq(records_decode(body.body, body.size, first, records, 10),
                     (int)count);
    if (count)
        ck_assert(
            chain_equal(body.chain, history_chain(world->history, first - 1)));
}

START_TEST(a_replay_is_what_the_log_has_from_there_on)
{
    uint64_t replays = metrics[METRIC_REPLAYS];
    s_replay(1, 100, 1, 5);
    s_replay(3, 100, 3, 3);
    s_replay(3, 2, 3, 2);
    s_replay(5, 1, 5, 1);
    s_replay(6, 100, 6, 0); /* nothing there yet */
    s_replay(60, 100, 60, 0);
    ck_assert_uint_eq(metrics[METRIC_REPLAYS], replays + 6);
    history_trim(broker_parts(broker)->world.history, 2);
    s_replay(1, 100, 3, 3); /* so that it is seen what is lost */
    s_replay(1, 2, 3, 2);
}
END_TEST

START_TEST(a_chain_is_told_as_far_back_as_it_is_known)
{
    const world_t *world = &broker_parts(broker)->world;
    for (uint64_t seq = 0; seq <= 5; seq++) {
        uint8_t ask[BUS_SMALL_MAX];
        s_control(ask, bus_put_chain_ask(ask, seq));
        size_t size;
        bus_chain_t chain;
        const uint8_t *bytes = s_take(control, &size);
        ck_assert_int_eq(bus_decode_chain(&chain, bytes, size), 0);
        ck_assert_uint_eq(chain.seq, seq);
        ck_assert_uint_eq(chain.first, 0);
        ck_assert(chain_equal(chain.chain, history_chain(world->history, seq)));
    }
}
END_TEST

START_TEST(what_is_malformed_is_counted_and_not_answered)
{
    uint64_t malformed = metrics[METRIC_MALFORMED_CONTROL];
    static const uint8_t types[] = {BUS_PERSISTER, BUS_REPLAY, BUS_CHAIN_ASK,
                                    0x7f};
    for (size_t i = 0; i < sizeof types; i++)
        s_control(&types[i], 1);
    s_control("", 0);
    ck_assert_uint_eq(metrics[METRIC_MALFORMED_CONTROL], malformed + 5);
    ck_assert(!s_has_mail(control));
}
END_TEST

START_TEST(a_standby_hears_persisters_and_tells_them_nothing)
{
    uint8_t bytes[BUS_SMALL_MAX];
    s_to_standby();
    s_persister(&(bus_persister_t){.instance = 7});
    s_control(bytes, bus_put_replay(bytes, &(bus_replay_t){1, 10}));
    s_control(bytes, bus_put_chain_ask(bytes, 0));
    ck_assert(!s_has_mail(control));
    ck_assert_uint_eq(
        persisters_count(&broker_parts(broker)->persisters, now.mono_ms), 1);
}
END_TEST

Suite *suite_broker_control(void);
Suite *suite_broker_control(void)
{
    Suite *suite = suite_create("broker/control");
    TCase *leads = tcase_create("leads"), *standby = tcase_create("standby");
    tcase_add_checked_fixture(leads, s_lead, s_tear_down_peers);
    tcase_add_test(
        leads, a_persister_is_told_where_we_are_and_that_it_is_the_active_one);
    tcase_add_test(leads, a_store_that_is_ahead_is_said_once_and_not_granted);
    tcase_add_test(leads, one_persister_too_many_is_not_heard);
    tcase_add_test(leads, a_replay_is_what_the_log_has_from_there_on);
    tcase_add_test(leads, a_chain_is_told_as_far_back_as_it_is_known);
    tcase_add_test(leads, what_is_malformed_is_counted_and_not_answered);
    suite_add_tcase(suite, leads);
    tcase_add_checked_fixture(standby, s_set_up_peers, s_tear_down_peers);
    tcase_add_test(standby, a_standby_hears_persisters_and_tells_them_nothing);
    suite_add_tcase(suite, standby);
    return suite;
}
