/* SPDX-License-Identifier: Apache-2.0
 *
 * A broker on a fake ledger, what can happen to it, and the way into each of
 * its states.
 */
#ifndef TESTS_BROKER_STAGE_H
#define TESTS_BROKER_STAGE_H

#include "broker/broker.h"

#include "broker/metrics.h"

#include "tests/unit/broker/fake_ledger.h"

#include <check.h>
#include <stdio.h>

#define WIDTH 20
#define HEIGHT 10
#define LEASE_MS 3000

static broker_config_t config;
static zsock_t *sockets[4]; /* by bus_channel_t; NULL: nobody is there */
static canvas_t blank;
static fake_ledger_t fake;
static broker_t *broker;
static now_t now;
static char json[CANVAS_JSON_MAX];
static ledger_meta_t redis; /* what it would say */

static inline void s_set_up(void)
{
    config = (broker_config_t){.lease_ms = LEASE_MS,
                               .batch_max = 100,
                               .log_limit = 100000,
                               .restore = "auto"};
    canvas_init(&blank, WIDTH, HEIGHT, 4);
    blank.cooldown_ms = 0;
    fake = fake_ledger();
    now = (now_t){100000, 1700000000000};
    broker = broker_new(&config, &blank, sockets);
    broker_use(broker, &fake.ledger);
    broker_wake(broker, now);
    size_t size = canvas_to_json(&blank, json, sizeof json);
    board_t *board = board_new(WIDTH, HEIGHT, 4);
    redis = (ledger_meta_t){.epoch = 5,
                            .sure = true,
                            .at = {0, {{1}}},
                            .digest = board_digest(board),
                            .born = 1,
                            .canvas = json,
                            .canvas_size = size};
    board_destroy(&board);
}

static inline void s_tear_down(void)
{
    broker_destroy(&broker);
}

static inline void s_pass(uint64_t ms)
{
    now.mono_ms += ms;
    now.wall_ms += ms;
    broker_wake(broker, now);
}

/* ---- events ---------------------------------------------------------- */

static inline void s_looked(bool held)
{
    ledger_look_t look = {.meta = redis, .held = held};
    s_pass(10);
    broker_on_follow(broker);
    ck_assert_int_eq(fake.last, ASKED_FOLLOW);
    broker_on_looked(broker, &look);
    broker_settle(broker);
}

static inline void s_led(void)
{
    ledger_lead_t lead = {.result = LEAD_DONE, .meta = redis};
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    broker_on_lead(broker, &lead);
    broker_settle(broker);
}

static inline void s_refused(lead_result_t result)
{
    ledger_lead_t lead = {.result = result, .wait_ms = 100};
    ck_assert_int_eq(fake.last, ASKED_LEAD);
    broker_on_lead(broker, &lead);
    broker_settle(broker);
}

static inline void s_loaded(void)
{
    ck_assert_int_eq(fake.last, ASKED_LOAD);
    if (fake.whole)
        broker_on_board(broker, NULL, 0);
    broker_on_bans(broker, NULL, 0);
    broker_on_loaded(broker);
    broker_settle(broker);
}

static inline void s_put(bool done)
{
    broker_on_put(broker, done);
    broker_settle(broker);
}

static inline void s_lost(void)
{
    fake.ready = false;
    broker_on_lost(broker);
    broker_settle(broker);
}

static inline void s_ready(void)
{
    fake.ready = true;
    broker_on_ready(broker);
    broker_settle(broker);
}

/* A persister says what its store holds. */
static inline void s_word(uint64_t checkpoint, chain_t chain, uint32_t epoch)
{
    bus_persister_t word = {.instance = 9,
                            .epoch = epoch,
                            .checkpoint = checkpoint,
                            .chain = chain};
    mail_t mail;
    *mail_frame(&mail.peer, 1) = 'p';
    uint8_t bytes[BUS_SMALL_MAX];
    size_t size = bus_put_persister(bytes, &word);
    memcpy(mail_frame(&mail.body, size), bytes, size);
    broker_on_mail(broker, &mail);
    mail_close(&mail);
    broker_settle(broker);
}

static inline void s_post_all(const bus_place_t *places, size_t count)
{
    mail_t mail;
    *mail_frame(&mail.peer, 1) = 'e';
    uint8_t *bytes = malloc(bus_places_bound(count));
    size_t size = bus_put_places(bytes, places, count);
    memcpy(mail_frame(&mail.body, size), bytes, size);
    free(bytes);
    mailbox_put(&broker_parts(broker)->ingress.places, &mail);
    broker_settle(broker);
}

static inline void s_post(const bus_place_t *place)
{
    s_post_all(place, 1);
}

static inline void s_place(uint64_t user)
{
    s_post(&(bus_place_t){.ticket = user, .user = user, .x = 1, .color = 1});
}

static inline void s_committed(bool done)
{
    ck_assert_int_eq(fake.last, ASKED_COMMIT);
    broker_on_commit(broker, done);
    broker_settle(broker);
    if (done)
        redis.at = fake.commit_to;
}

/* ---- to each state --------------------------------------------------- */

static inline void s_to_standby(void)
{
    s_looked(true); /* begins to load */
    s_loaded();
    s_looked(true); /* level */
}

static inline void s_to_loading(void)
{
    s_looked(false);
    s_led();
}

static inline void s_to_restoring(void)
{
    redis.empty = true;
    s_looked(false);
    s_led();
}

static inline void s_to_leading(void)
{
    s_to_standby();
    s_looked(false);
    s_led();
    broker_on_looked(broker, &(ledger_look_t){.meta = redis, .held = true});
    s_loaded();
}

static inline void s_to_away(void)
{
    s_to_leading();
    s_place(1);
    s_committed(true);
    s_lost();
    s_ready();
}

static inline void s_to_repairing(void)
{
    s_to_away();
    redis.empty = true;
    s_led();
}

static void (*const s_to[])(void) = {s_to_standby,   s_to_loading,
                                     s_to_restoring, s_to_leading,
                                     s_to_away,      s_to_repairing};
enum { REPAIRING = AWAY + 1 };

#endif
