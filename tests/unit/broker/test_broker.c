/* SPDX-License-Identifier: Apache-2.0
 *
 * Every state × every event → the next state, without a socket or a Redis.
 */
#include "tests/unit/broker/stage.h"

/* ---- each event, in the state at hand -------------------------------- */

static void e_lost(void)
{
    s_lost();
}
static void e_lost_and_ready(void)
{
    s_lost();
    s_ready();
}
static void e_held(void)
{
    s_refused(LEAD_HELD);
}
static void e_waits(void)
{
    s_refused(LEAD_WAITS);
}
static void e_shorter(void)
{
    s_refused(LEAD_SHORTER);
}
static void e_renewed(void)
{
    s_pass(500);
    broker_on_lease(broker);
    broker_on_renew(broker, true);
}
static void e_not_renewed(void)
{
    s_pass(500);
    broker_on_lease(broker);
    broker_on_renew(broker, false);
}
static void e_looked_held(void)
{
    s_looked(true);
}
static void e_looked_free(void)
{
    s_looked(false);
}
static void e_looked_free_and_led(void)
{
    s_looked(false);
    s_led();
}
static void e_loaded(void)
{
    s_loaded();
}
static void e_word_of_nothing(void)
{
    s_word(0, CHAIN_UNKNOWN, 0);
}
static void e_word_of_more(void)
{
    s_word(7, (chain_t){{7}}, 2);
}
static void e_word_of_a_higher_epoch(void)
{
    s_word(0, CHAIN_UNKNOWN, 9);
}
static void e_led_level(void)
{
    s_led();
}
static void e_led_empty(void)
{
    redis.empty = true;
    s_led();
}
static void e_led_further(void)
{
    redis.at = (position_t){9, {{9}}};
    s_led();
}
static void e_led_behind(void)
{
    redis.at = (position_t){0, {{1}}};
    s_led();
}
static void e_put(void)
{
    s_put(true);
}
static void e_put_all(void)
{
    s_put(true);
    s_put(true);
}
static void e_put_refused(void)
{
    s_put(false);
}
static void e_committed(void)
{
    s_place(2);
    s_committed(true);
}
static void e_not_committed(void)
{
    s_place(2);
    s_committed(false);
}

/* Refused for want of room: not applied, and not tried again before a look. */
static void e_full(void)
{
    bus_place_t resent[2];
    for (unsigned i = 0; i < 2; i++)
        resent[i] = (bus_place_t){.ticket = 1 + i,
                                  .user = 1 + i,
                                  .request = 7,
                                  .x = 1,
                                  .color = 1,
                                  .flags = BUS_PLACE_RESENT};
    s_post_all(resent, 2); /* the second looks through the first's batch */
    fake.ledger.full = true;
    s_committed(false);
    const world_t *world = &broker_parts(broker)->world;
    ck_assert_uint_eq(users_count(world->users), 0);
    ck_assert_uint_eq(board_digest(world->board), world->digest);
    unsigned commits = fake.asked[ASKED_COMMIT];
    s_place(3);
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.probed, 1);
    fake.ledger.full = false; /* the look found room */
    s_post(&resent[0]);       /* no duplicate of what was refused */
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits + 1);
    s_committed(true);
    ck_assert_uint_eq(world->seq, 1);
}
static void e_second(void)
{
    s_pass(1000);
    broker_on_second(broker);
    broker_settle(broker);
}
static void e_publish(void)
{
    broker_on_publish(broker);
    broker_settle(broker);
}

static const struct {
    int state;
    void (*event)(void);
    const char *name;
    broker_state_t next;
} s_rows[] = {
#define ROW(state, event, next)                                                \
    {                                                                          \
        state, event, #state " " #event, next                                  \
    }
    ROW(STANDBY, e_lost, STANDBY),
    ROW(STANDBY, e_lost_and_ready, STANDBY),
    ROW(STANDBY, e_looked_held, STANDBY),
    ROW(STANDBY, e_looked_free, STANDBY),
    ROW(STANDBY, e_looked_free_and_led, LOADING),
    ROW(STANDBY, e_word_of_more, STANDBY),
    ROW(STANDBY, e_second, STANDBY),
    ROW(STANDBY, e_publish, STANDBY),
    ROW(LOADING, e_lost, STANDBY),
    ROW(LOADING, e_lost_and_ready, STANDBY),
    ROW(LOADING, e_renewed, LOADING),
    ROW(LOADING, e_not_renewed, STANDBY),
    ROW(LOADING, e_loaded, LEADING),
    ROW(LOADING, e_word_of_nothing, LOADING),
    ROW(LOADING, e_word_of_more, LOADING),
    ROW(LOADING, e_second, LOADING),
    ROW(LOADING, e_publish, LOADING),
    ROW(RESTORING, e_lost, STANDBY),
    ROW(RESTORING, e_lost_and_ready, STANDBY),
    ROW(RESTORING, e_renewed, RESTORING),
    ROW(RESTORING, e_not_renewed, STANDBY),
    ROW(RESTORING, e_word_of_nothing, AWAY),
    ROW(RESTORING, e_word_of_more, RESTORING),
    ROW(RESTORING, e_word_of_a_higher_epoch, RESTORING),
    ROW(RESTORING, e_second, RESTORING),
    ROW(RESTORING, e_publish, RESTORING),
    ROW(LEADING, e_lost, AWAY),
    ROW(LEADING, e_lost_and_ready, AWAY),
    ROW(LEADING, e_renewed, LEADING),
    ROW(LEADING, e_not_renewed, AWAY),
    ROW(LEADING, e_committed, LEADING),
    ROW(LEADING, e_not_committed, AWAY),
    ROW(LEADING, e_full, LEADING),
    ROW(LEADING, e_word_of_nothing, LEADING),
    ROW(LEADING, e_word_of_more, LEADING),
    ROW(LEADING, e_second, LEADING),
    ROW(LEADING, e_publish, LEADING),
    ROW(AWAY, e_lost, AWAY),
    ROW(AWAY, e_lost_and_ready, AWAY),
    ROW(AWAY, e_held, STANDBY),
    ROW(AWAY, e_shorter, STANDBY),
    ROW(AWAY, e_waits, AWAY),
    ROW(AWAY, e_led_level, LEADING),
    ROW(AWAY, e_led_empty, AWAY),
    ROW(AWAY, e_led_behind, AWAY),
    ROW(AWAY, e_led_further, LOADING),
    ROW(AWAY, e_word_of_more, AWAY),
    ROW(AWAY, e_second, AWAY),
    ROW(AWAY, e_publish, AWAY),
    ROW(REPAIRING, e_lost, AWAY),
    ROW(REPAIRING, e_lost_and_ready, AWAY),
    ROW(REPAIRING, e_put, AWAY),
    ROW(REPAIRING, e_put_all, LEADING),
    ROW(REPAIRING, e_put_refused, AWAY),
    ROW(REPAIRING, e_renewed, AWAY),
    ROW(REPAIRING, e_not_renewed, AWAY),
    ROW(REPAIRING, e_second, AWAY),
    ROW(REPAIRING, e_publish, AWAY),
};

START_TEST(event_leads_to_the_next_state)
{
    s_to[s_rows[_i].state]();
    int state = s_rows[_i].state == REPAIRING ? AWAY : s_rows[_i].state;
    ck_assert_msg((int)broker_state(broker) == state, "%s begins in %d",
                  s_rows[_i].name, broker_state(broker));
    s_rows[_i].event();
    ck_assert_msg(broker_state(broker) == s_rows[_i].next, "%s ends in %d",
                  s_rows[_i].name, broker_state(broker));
}
END_TEST

Suite *suite_broker_broker(void);
Suite *suite_broker_broker(void)
{
    Suite *suite = suite_create("broker/broker");
    TCase *tc = tcase_create("broker");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_loop_test(tc, event_leads_to_the_next_state, 0,
                        sizeof s_rows / sizeof *s_rows);
    suite_add_tcase(suite, tc);
    return suite;
}
