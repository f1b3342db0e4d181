/* SPDX-License-Identifier: Apache-2.0
 *
 * What a broker asks and keeps on its way between the states.
 */
#include "tests/unit/broker/stage.h"

START_TEST(standby_that_is_level_leads_without_loading)
{
    s_to_standby();
    unsigned loads = fake.asked[ASKED_LOAD];
    s_looked(false);
    s_led();
    broker_on_looked(broker, &(ledger_look_t){.meta = redis, .held = true});
    ck_assert_uint_eq(fake.asked[ASKED_LOAD], loads + 1);
    ck_assert(!fake.whole);
    s_loaded();
    ck_assert_int_eq(broker_state(broker), LEADING);
}
END_TEST

/* Both asked at once, and one was told that the other's lease has long to go.
 */
START_TEST(lease_that_is_given_back_is_asked_for_at_the_next_look)
{
    s_to_standby();
    s_looked(false);
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    broker_on_lead(broker,
                   &(ledger_lead_t){.result = LEAD_HELD, .wait_ms = LEASE_MS});
    s_pass(100);
    s_looked(true);
    ck_assert_int_ne(fake.last, ASKED_LEAD);
    s_pass(100);
    s_looked(false);
    ck_assert_int_eq(fake.last, ASKED_LEAD);
}
END_TEST

/* V3: the persister's word is late. */
START_TEST(unsure_redis_is_not_led_before_the_store_spoke)
{
    redis.sure = false;
    s_to_loading();
    s_loaded();
    for (int i = 0; i < 100; i++) {
        s_pass(500);
        broker_on_lease(broker);
        broker_on_renew(broker, true);
    }
    ck_assert_int_eq(broker_state(broker), LOADING);
    s_word(0, CHAIN_UNKNOWN, 0);
    ck_assert_int_eq(broker_state(broker), LEADING);
    ck_assert(fake.vouched);
}
END_TEST

/* V1: what was held is kept over a step down, and asks for the lead over
 * whoever leads from less. */
START_TEST(memory_is_kept_and_deposes_who_holds_less)
{
    s_to_away();
    position_t mine = world_head(&broker_parts(broker)->world);
    s_refused(LEAD_HELD);
    ck_assert_int_eq(broker_state(broker), STANDBY);
    redis.at = (position_t){0, {{1}}};
    s_pass(200);
    s_looked(true);
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    ck_assert_uint_eq(fake.bid.holds, mine.seq);
    ck_assert_ptr_nonnull(fake.bid.over);
    ck_assert_uint_eq(fake.bid.over->seq, 0);
    s_led();
    ck_assert_int_eq(broker_state(broker), AWAY);
    ck_assert_int_eq(fake.last, ASKED_PUT_LOG);
    s_put(true);
    ck_assert_int_eq(fake.last, ASKED_PUT_BOARD);
    ck_assert_uint_eq(fake.put_at.seq, mine.seq);
    ck_assert(chain_equal(fake.put_at.chain, mine.chain));
    s_put(true);
    ck_assert_int_eq(broker_state(broker), LEADING);
}
END_TEST

/* It waits for the store, and Redis goes again before that has spoken. */
START_TEST(memory_is_kept_if_redis_is_lost_while_it_is_proven)
{
    s_to_away();
    position_t mine = world_head(&broker_parts(broker)->world);
    s_pass(LEASE_MS);
    redis.sure = false;
    s_led();
    ck_assert_int_eq(broker_state(broker), LOADING);
    s_lost();
    ck_assert_int_eq(broker_state(broker), STANDBY);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, mine.seq);
    s_ready();
    redis = (ledger_meta_t){.epoch = 9, .empty = true};
    s_pass(200);
    s_looked(false);
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    ck_assert_uint_eq(fake.bid.holds, mine.seq);
}
END_TEST

/* V2: who was away for longer than its lease does not lead its memory on before
 * the store was heard, unless Redis is sure to have lost nothing. */
static const struct {
    const char *fact;
    uint64_t away_ms;
    bool sure, empty;
    broker_state_t state;
} s_returns[] = {
    {"within its lease nobody else can have led", LEASE_MS - 1000, false, true,
     AWAY},
    {"nor then in a Redis that is level", LEASE_MS - 1000, false, false,
     LEADING},
    {"past it the store is asked first", LEASE_MS, false, true, LOADING},
    {"whatever Redis says", LEASE_MS, false, false, LOADING},
    {"if it was not sure", LEASE_MS, true, false, LEADING},
};

START_TEST(return_past_the_lease_hears_the_store)
{
    s_to_leading();
    s_place(1);
    s_committed(true);
    s_lost();
    s_pass(s_returns[_i].away_ms);
    redis.sure = s_returns[_i].sure;
    redis.empty = s_returns[_i].empty;
    s_ready();
    s_led();
    ck_assert_msg(broker_state(broker) == s_returns[_i].state, "%s",
                  s_returns[_i].fact);
}
END_TEST

START_TEST(the_store_it_hears_may_know_more)
{
    s_to_leading();
    s_lost();
    s_pass(LEASE_MS);
    redis.empty = true;
    redis.sure = false;
    s_ready();
    s_led();
    s_word(7, (chain_t){{7}}, 5);
    redis.epoch++; /* above the store's */
    s_led();
    ck_assert_int_eq(broker_state(broker), RESTORING);
}
END_TEST

/* Redis was put back to a copy of before. */
START_TEST(an_epoch_that_was_seen_is_not_begun_again)
{
    redis.epoch = 16;
    s_to_standby();
    redis.epoch = 15;
    s_looked(false);
    ck_assert_uint_eq(fake.bid.known_epoch, 16);
}
END_TEST

START_TEST(leader_that_hears_of_a_higher_epoch_looks)
{
    s_to_leading();
    s_word(0, CHAIN_UNKNOWN, redis.epoch);
    ck_assert_int_eq(broker_state(broker), LEADING);
    s_word(0, CHAIN_UNKNOWN, redis.epoch + 3);
    ck_assert_int_eq(broker_state(broker), AWAY);
    ck_assert_uint_eq(fake.bid.known_epoch, redis.epoch + 3);
    redis.epoch += 4;
    s_led();
    ck_assert_int_eq(broker_state(broker), LEADING);
}
END_TEST

/* V2: past its lease it cannot know who led since: it waits for others. */
START_TEST(only_a_running_lease_needs_no_grace)
{
    s_to_leading();
    s_lost();
    s_pass(LEASE_MS - 1000);
    s_ready();
    ck_assert_uint_eq(fake.bid.grace_ms, 0);
    s_lost();
    s_pass(LEASE_MS);
    s_ready();
    ck_assert_uint_gt(fake.bid.grace_ms, 0);
}
END_TEST

/* Redis went on, and the one placement that was acknowledged here is not in
 * it. */
START_TEST(a_single_placement_that_a_fork_lost_is_said_to_be_lost)
{
    s_to_away();
    uint64_t lost = metrics[METRIC_HISTORY_LOST];
    redis.at = (position_t){1, {{9}}};
    s_led();
    ck_assert_int_eq(broker_state(broker), LOADING);
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost + 1);
}
END_TEST

/* An answer of the lead that is over must not be taken for one of the next. */
START_TEST(what_was_asked_before_a_step_down_is_not_heard)
{
    s_to_loading();
    unsigned forgotten = fake.forgotten;
    s_pass(500);
    broker_on_lease(broker);
    broker_on_renew(broker, false);
    ck_assert_int_eq(broker_state(broker), STANDBY);
    ck_assert_uint_eq(fake.forgotten, forgotten + 1);
}
END_TEST

/* Whoever led since has decided what became of it. */
START_TEST(a_batch_in_doubt_is_forgotten_by_a_step_down)
{
    s_to_leading();
    s_place(1);
    s_lost();
    s_ready();
    s_refused(LEAD_HELD);
    ck_assert_int_eq(broker_state(broker), STANDBY);
    s_pass(200);
    s_looked(false);
    s_led();
    broker_on_looked(broker, &(ledger_look_t){.meta = redis, .held = true});
    unsigned commits = fake.asked[ASKED_COMMIT];
    s_loaded();
    ck_assert_int_eq(broker_state(broker), LEADING);
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits);
    s_place(1); /* anew: it is no duplicate */
    s_committed(true);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, 1);
}
END_TEST

START_TEST(commit_carries_the_chain)
{
    s_to_leading();
    s_place(1);
    ck_assert(chain_equal(fake.commit_from.chain, redis.at.chain));
    ck_assert_uint_eq(fake.commit_to.seq, 1);
    ck_assert(chain_known(fake.commit_to.chain));
    ck_assert(!chain_equal(fake.commit_to.chain, fake.commit_from.chain));
}
END_TEST

START_TEST(batch_in_doubt_is_resent_or_taken_for_applied)
{
    s_to_leading();
    s_place(1);
    position_t to = fake.commit_to;
    s_lost();
    s_ready();
    s_led(); /* Redis is where it was */
    ck_assert_int_eq(fake.last, ASKED_COMMIT);
    ck_assert(chain_equal(fake.commit_to.chain, to.chain));
    s_lost();
    s_ready();
    redis.at = to;
    unsigned commits = fake.asked[ASKED_COMMIT];
    s_led();
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, 1);
    ck_assert_int_eq(broker_state(broker), LEADING);
}
END_TEST

/* C15: a deposed leader that does not know it tells nobody `cooldown`. */
START_TEST(rejections_wait_for_the_lease_to_be_renewed)
{
    s_to_leading();
    broker_parts(broker)->world.canvas.paused = true;
    s_pass(LEASE_MS + 1);
    s_place(1);
    int64_t unsent = metrics[METRIC_INGRESS_UNSENT];
    broker_settle(broker);
    ck_assert_int_eq(metrics[METRIC_INGRESS_UNSENT], unsent);
    broker_on_lease(broker);
    broker_on_renew(broker, true);
    broker_settle(broker);
    ck_assert_int_eq(metrics[METRIC_INGRESS_UNSENT], unsent + 1);
}
END_TEST

START_TEST(late_first_copy_is_not_placed_again)
{
    s_to_leading();
    bus_place_t place = {.ticket = 1, .user = 1, .request = 1, .color = 1};
    place.flags = BUS_PLACE_RESENT;
    s_post(&place);
    s_committed(true);
    bus_place_t next = {.ticket = 2, .user = 1, .request = 2, .color = 2};
    s_post(&next);
    s_committed(true);
    unsigned commits = fake.asked[ASKED_COMMIT];
    place.flags = 0;
    s_post(&place);
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, 2);
}
END_TEST

START_TEST(a_fresh_canvas_has_a_random_origin)
{
    s_to_restoring();
    s_word(0, CHAIN_UNKNOWN, 0);
    chain_t first = world_head(&broker_parts(broker)->world).chain;
    ck_assert(chain_known(first));
    s_tear_down();
    s_set_up();
    s_to_restoring();
    s_word(0, CHAIN_UNKNOWN, 0);
    ck_assert(
        !chain_equal(first, world_head(&broker_parts(broker)->world).chain));
}
END_TEST

/* C9 */
START_TEST(unproven_board_is_never_led)
{
    redis.digest ^= 1;
    s_to_loading();
    s_loaded();
    ck_assert_int_eq(broker_state(broker), LOADING);
    s_word(0, CHAIN_UNKNOWN, 0);
    ck_assert_int_eq(broker_state(broker), LOADING);
    s_word(3, CHAIN_UNKNOWN, 0);
    ck_assert_int_eq(broker_state(broker), RESTORING);
}
END_TEST

/* C4: what an older version's repair left behind. */
START_TEST(log_that_begins_behind_the_board_is_not_led)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = {.seq = 4};
    record_encode(bytes, &record);
    s_to_loading();
    broker_on_board(broker, NULL, 0);
    ledger_entry_t entry = {.records = bytes, .count = 1};
    broker_on_log(broker, &entry);
    broker_on_loaded(broker);
    broker_settle(broker);
    ck_assert_int_eq(broker_state(broker), LOADING);
}
END_TEST

/* It was frozen, and the log was trimmed past what it remembers: nothing is
 * lost, it reads everything. */
START_TEST(memory_that_the_log_has_left_behind_is_dropped_in_silence)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = {.seq = 8};
    record_encode(bytes, &record);
    s_to_standby();
    uint64_t lost = metrics[METRIC_HISTORY_LOST];
    s_looked(false); /* it was level then */
    redis.at = (position_t){8, {{9}}};
    s_led();
    ck_assert_int_eq(broker_state(broker), LOADING);
    ledger_entry_t entry = {.before = {{7}}, .records = bytes, .count = 1};
    broker_on_log(broker, &entry);
    broker_on_looked(broker, &(ledger_look_t){.meta = redis, .held = true});
    broker_settle(broker);
    ck_assert_int_eq(broker_state(broker), STANDBY);
    ck_assert_uint_eq(fake.asked[ASKED_RELEASE], 1);
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost);
    s_looked(true);
    ck_assert_int_eq(fake.last, ASKED_LOAD);
    ck_assert(fake.whole);
}
END_TEST

/* An edge says what it was told; fake sockets answer nobody. */
static void s_say(const uint8_t *bytes, size_t size)
{
    mail_t mail;
    *mail_frame(&mail.peer, 1) = 'e';
    memcpy(mail_frame(&mail.body, size), bytes, size);
    mailbox_put(&broker_parts(broker)->ingress.syncs, &mail);
    broker_settle(broker);
}

static uint64_t s_lost_by(bus_acked_t acked)
{
    uint8_t bytes[BUS_SMALL_MAX];
    uint64_t lost = metrics[METRIC_HISTORY_LOST];
    s_say(bytes, bus_put_acked(bytes, &acked));
    return metrics[METRIC_HISTORY_LOST] - lost;
}

/* The old leader answered, and died before its feed told anybody else. */
START_TEST(an_acceptance_that_is_not_here_is_said_to_be_lost)
{
    s_to_leading();
    bus_place_t place = {.ticket = 1, .user = 3, .request = 4, .color = 1};
    s_post(&place);
    s_committed(true);
    ck_assert_uint_eq(s_lost_by((bus_acked_t){5, 1, 3, 4}), 0);
    ck_assert_uint_eq(s_lost_by((bus_acked_t){9, 3, 3, 4}), 0); /* not ours */
    ck_assert_uint_eq(s_lost_by((bus_acked_t){4, 3, 3, 5}), 2);
    ck_assert_uint_eq(s_lost_by((bus_acked_t){4, 3, 3, 5}), 0); /* once */
}
END_TEST

START_TEST(an_acceptance_whose_seq_is_anothers_is_said_to_be_lost)
{
    s_to_leading();
    bus_place_t place = {.ticket = 1, .user = 3, .request = 4, .color = 1};
    s_post(&place);
    s_committed(true);
    ck_assert_uint_eq(s_lost_by((bus_acked_t){4, 1, 3, 5}), 1);
}
END_TEST

/* Redis was emptied, and only edges know the last epoch. */
START_TEST(a_standby_hears_of_the_epoch_that_edges_followed)
{
    uint8_t bytes[BUS_SMALL_MAX];
    s_to_standby();
    bus_sync_t sync = {.epoch = 900, .seq = 7};
    s_say(bytes, bus_put_sync(bytes, &sync));
    s_looked(false);
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    ck_assert_uint_eq(fake.bid.known_epoch, 900);
}
END_TEST

Suite *suite_broker_states(void);
Suite *suite_broker_states(void)
{
    Suite *suite = suite_create("broker/states");
    TCase *tc = tcase_create("states");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, standby_that_is_level_leads_without_loading);
    tcase_add_test(tc, memory_is_kept_if_redis_is_lost_while_it_is_proven);
    tcase_add_test(tc, lease_that_is_given_back_is_asked_for_at_the_next_look);
    tcase_add_test(tc, unsure_redis_is_not_led_before_the_store_spoke);
    tcase_add_test(tc, memory_is_kept_and_deposes_who_holds_less);
    tcase_add_test(tc, only_a_running_lease_needs_no_grace);
    tcase_add_loop_test(tc, return_past_the_lease_hears_the_store, 0,
                        sizeof s_returns / sizeof *s_returns);
    tcase_add_test(tc, the_store_it_hears_may_know_more);
    tcase_add_test(tc, an_epoch_that_was_seen_is_not_begun_again);
    tcase_add_test(tc, leader_that_hears_of_a_higher_epoch_looks);
    tcase_add_test(tc, a_single_placement_that_a_fork_lost_is_said_to_be_lost);
    tcase_add_test(tc, what_was_asked_before_a_step_down_is_not_heard);
    tcase_add_test(tc, a_batch_in_doubt_is_forgotten_by_a_step_down);
    tcase_add_test(tc, commit_carries_the_chain);
    tcase_add_test(tc, batch_in_doubt_is_resent_or_taken_for_applied);
    tcase_add_test(tc, rejections_wait_for_the_lease_to_be_renewed);
    tcase_add_test(tc, late_first_copy_is_not_placed_again);
    tcase_add_test(tc, a_fresh_canvas_has_a_random_origin);
    tcase_add_test(tc, unproven_board_is_never_led);
    tcase_add_test(tc, log_that_begins_behind_the_board_is_not_led);
    tcase_add_test(tc, an_acceptance_that_is_not_here_is_said_to_be_lost);
    tcase_add_test(tc, an_acceptance_whose_seq_is_anothers_is_said_to_be_lost);
    tcase_add_test(tc, a_standby_hears_of_the_epoch_that_edges_followed);
    tcase_add_test(tc,
                   memory_that_the_log_has_left_behind_is_dropped_in_silence);
    suite_add_tcase(suite, tc);
    return suite;
}
