/* SPDX-License-Identifier: Apache-2.0 */
#include "load/placer.h"

#include "common/clock.h"
#include "common/cursor.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIDE 1000
#define WINDOW 8
#define FRAME_BYTES 16

/* A client whose edge is the other end of a socket pair. */
static config_t config;
static report_t report;
static share_t *share;
static replay_t replay;
static hub_t hub;
static client_t client;
static placer_t *placer;
static int edge;

static const uint32_t RECORD[] = {
    0, 0, 4, 5 | 1 << 20, 6 | 2 << 20, 5 | 3 << 20, 7 | 4 << 20,
};

static void s_begin(void)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
                     0);
    edge = ends[1];
    config = (config_t){.window = WINDOW,
                        .processes = 1,
                        .user_prefix = "u",
                        .endpoint_count = 1,
                        .placers = 1};
    memset(&report, 0, sizeof report);
    share = calloc(1, sizeof *share);
    hub = (hub_t){.config = &config,
                  .report = &report,
                  .share = share,
                  .colors = 16,
                  .busy_size = SIDE * SIDE,
                  .epoll = -1};
    hub.busy = calloc(hub.busy_size, 1);
    hub.history = history_new();
    hub.ledger = ledger_new(false, &report.witness_latency);
    state_t *board = history_blank(hub.history, SIDE, SIDE, 4);
    client_init(&client, &hub, 0, board, 0);
    state_unref(&board);
    client.fd = ends[0];
    client.phase = CLIENT_OPEN;
    replay_parse(&replay, (const uint8_t *)RECORD, sizeof RECORD, 1, 0);
}

static void s_end(void)
{
    placer_destroy(&placer);
    client.ops = NULL;
    client_fini(&client);
    ledger_destroy(&hub.ledger);
    history_destroy(&hub.history);
    replay_free(&replay);
    free(hub.busy);
    free(share);
    close(edge);
}

static void s_make(bool with_replay)
{
    hub.replay = with_replay ? &replay : NULL;
    char path[] = "/tmp/stipple-placer-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "secret", 6), 6);
    close(fd);
    config.secret_file = path;
    signer_t *signer = signer_new(&config);
    unlink(path);
    placer = placer_new(&hub, &client, 0, signer);
    signer_destroy(&signer);
    client.player = placer;
    client.ops = &placer_ops;
}

static void s_open(void)
{
    wire_hello_t hello = {.bits = 4, .width = SIDE, .height = SIDE};
    placer_opened(placer, &hello, clock_mono_ns() / 1000);
}

/* The placements that arrived since; at most WINDOW. */
static int s_arrived(wire_place_t *places)
{
    uint8_t bytes[WINDOW * FRAME_BYTES];
    ssize_t got = recv(edge, bytes, sizeof bytes, 0);
    int count = got > 0 ? (int)(got / FRAME_BYTES) : 0;
    for (int i = 0; i < count; i++) {
        wire_request_t request;
        ck_assert_int_eq(
            wire_decode_request(&request, bytes + i * FRAME_BYTES + 6, 10), 0);
        places[i] = request.place;
    }
    return count;
}

static void s_verdict(uint32_t request, verdict_status_t status, uint64_t seq)
{
    wire_verdict_t verdict = {.request = request, .status = status, .seq = seq};
    placer_verdict(placer, &verdict, clock_mono_ns() / 1000);
}

START_TEST(replay_keeps_a_pixel_back_until_it_is_answered)
{
    wire_place_t places[WINDOW];
    s_make(true);
    s_open();
    ck_assert_int_eq(s_arrived(places), 2);
    ck_assert_int_eq(places[0].x, 5);
    ck_assert_int_eq(places[1].x, 6);
    s_verdict(places[1].request, VERDICT_OK, 2);
    placer_pump(placer);
    ck_assert_int_eq(s_arrived(places + 2), 0);
    s_verdict(places[0].request, VERDICT_OK, 1);
    placer_pump(placer);
    ck_assert_int_eq(s_arrived(places + 2), 2);
    ck_assert_int_eq(places[2].color, 3);
    ck_assert(!placer_done(placer));
    s_verdict(places[2].request, VERDICT_OK, 3);
    s_verdict(places[3].request, VERDICT_OK, 4);
    ck_assert(placer_done(placer));
    ck_assert_uint_eq(ledger_counts(hub.ledger).acknowledged, 4);
}
END_TEST

START_TEST(unavailable_goes_out_again_under_its_request)
{
    wire_place_t places[WINDOW], again[WINDOW];
    s_make(true);
    s_open();
    s_arrived(places);
    s_verdict(places[0].request, VERDICT_UNAVAILABLE, 0);
    ck_assert_uint_eq(hub.busy[5], 1);
    int count = 0;
    for (int tries = 0; !count && tries < 400; tries++) {
        usleep(1000);
        placer_pump(placer);
        count = s_arrived(again);
    }
    ck_assert_int_eq(count, 1);
    ck_assert_uint_eq(again[0].request, places[0].request);
    ck_assert_int_eq(again[0].x, 5);
    ck_assert_uint_eq(report.retried, 1);
}
END_TEST

START_TEST(lost_connection_sends_the_unanswered_again_in_order)
{
    wire_place_t places[WINDOW], again[WINDOW];
    s_make(true);
    s_open();
    s_arrived(places);
    placer_lost(placer);
    placer_pump(placer);
    ck_assert_int_eq(s_arrived(again), 0);
    s_open();
    ck_assert_int_eq(s_arrived(again), 2);
    ck_assert_uint_eq(again[0].request, places[0].request);
    ck_assert_uint_eq(again[1].request, places[1].request);
    ck_assert_uint_eq(report.resent, 2);
    s_verdict(places[0].request, VERDICT_DUPLICATE, 1);
    ck_assert_uint_eq(ledger_counts(hub.ledger).acknowledged, 1);
}
END_TEST

START_TEST(window_bounds_what_is_in_flight)
{
    wire_place_t places[WINDOW];
    s_make(false);
    s_open();
    ck_assert_int_eq(s_arrived(places), WINDOW);
    placer_pump(placer);
    ck_assert_int_eq(s_arrived(places), 0);
    ck_assert_uint_eq(hub.unanswered, WINDOW);
    ck_assert(!placer_place(placer, clock_mono_ns() / 1000));
}
END_TEST

START_TEST(paced_placer_waits_to_be_asked)
{
    wire_place_t places[WINDOW];
    config.rate = 10;
    s_make(false);
    s_open();
    placer_pump(placer);
    ck_assert_int_eq(s_arrived(places), 0);
    ck_assert(placer_place(placer, clock_mono_ns() / 1000));
    ck_assert_int_eq(s_arrived(places), 1);
}
END_TEST

START_TEST(cooldown_holds_a_player_back)
{
    wire_place_t places[WINDOW];
    config.rate = 10;
    s_make(false);
    s_open();
    uint64_t now_us = clock_mono_ns() / 1000;
    ck_assert(placer_place(placer, now_us));
    s_arrived(places);
    wire_verdict_t verdict = {
        .request = places[0].request, .seq = 1, .cooldown_remaining_ms = 5000};
    placer_verdict(placer, &verdict, now_us);
    ck_assert(!placer_place(placer, now_us + 4000000));
    ck_assert(placer_place(placer, now_us + 5001000));
}
END_TEST

START_TEST(verdict_nobody_asked_for_is_counted)
{
    wire_place_t places[WINDOW];
    s_make(true);
    s_open();
    s_arrived(places);
    s_verdict(places[1].request + 1, VERDICT_OK, 9);
    s_verdict(places[0].request - 1, VERDICT_OK, 9);
    s_verdict(places[0].request, VERDICT_OK, 1);
    s_verdict(places[0].request, VERDICT_OK, 1);
    ck_assert_uint_eq(report.unasked, 3);
    ck_assert_uint_eq(ledger_counts(hub.ledger).acknowledged, 1);
}
END_TEST

START_TEST(refused_for_good_is_given_up)
{
    wire_place_t places[WINDOW];
    s_make(true);
    s_open();
    s_arrived(places);
    s_verdict(places[0].request, VERDICT_BANNED, 0);
    ck_assert_uint_eq(report.failed, 1);
    ck_assert_uint_eq(hub.busy[5], 0);
}
END_TEST

Suite *suite_load_placer(void);
Suite *suite_load_placer(void)
{
    Suite *suite = suite_create("load/placer");
    TCase *tests = tcase_create("placer");
    tcase_add_checked_fixture(tests, s_begin, s_end);
    tcase_add_test(tests, replay_keeps_a_pixel_back_until_it_is_answered);
    tcase_add_test(tests, unavailable_goes_out_again_under_its_request);
    tcase_add_test(tests, lost_connection_sends_the_unanswered_again_in_order);
    tcase_add_test(tests, window_bounds_what_is_in_flight);
    tcase_add_test(tests, paced_placer_waits_to_be_asked);
    tcase_add_test(tests, cooldown_holds_a_player_back);
    tcase_add_test(tests, verdict_nobody_asked_for_is_counted);
    tcase_add_test(tests, refused_for_good_is_given_up);
    suite_add_tcase(suite, tests);
    return suite;
}
