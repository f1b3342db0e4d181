/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions and the fan-out over sockets that are none: what each client is sent
 * and when, with a clock turned by hand.
 */
#include "tests/unit/edge/clients.h"

#include "common/clock.h"
#include "common/diff.h"
#include "common/mem.h"
#include "common/touched.h"
#include "edge/mirror.h"
#include "edge/uplink.h"
#include "edge/ws/fanout.h"
#include "edge/ws/frames.h"
#include "edge/ws/sessions.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_session(void);

#define PIXELS (CLIENTS_SIDE * CLIENTS_SIDE)
#define MANY CLIENTS_MAX

/* --- Sockets that are none --- */

static client_t *s_client(const socket_t *socket)
{
    return (client_t *)socket;
}

static bool s_blocked(const socket_t *socket)
{
    return s_client(socket)->unfinished;
}

static socket_result_t s_write(socket_t *socket, const uint8_t *bytes,
                               size_t size, frame_t *frame)
{
    (void)frame;
    client_t *client = s_client(socket);
    ck_assert(!client->unfinished);
    ck_assert_uint_le(client->size + size, sizeof client->bytes);
    memcpy(client->bytes + client->size, bytes, size);
    client->size += size;
    client->writes += bytes[0] != (0x80 | FRAME_PING);
    client->unfinished = client->blocked;
    return client->blocked ? SOCKET_PARTIAL : SOCKET_SENT;
}

static socket_result_t s_post(socket_t *socket, frame_t *frame)
{
    return s_write(socket, frame->bytes, frame->size, frame);
}

static void s_kill(socket_t *socket)
{
    s_client(socket)->killed = true;
}

static uint32_t s_acknowledged(const socket_t *socket)
{
    return s_client(socket)->acknowledged;
}

static const socket_ops_t s_sockets = {s_blocked, s_write, s_post, s_kill,
                                       s_acknowledged};

/* --- A clock by hand --- */

uint64_t clients_ms;

static uint64_t s_clock(void)
{
    return clients_ms;
}

static const clock_source_t s_time = {s_clock, s_clock};

/* --- The edge --- */

edge_config_t clients_config;
edge_t clients_edge;
board_t *clients_board;
uint64_t clients_seq;
client_t *clients;

void clients_setup(void)
{
    clients_ms = 1000000;
    clock_use(&s_time);
    clients_config = (edge_config_t){.tick_min_ms = 20,
                                     .tick_max_ms = 500,
                                     .brokers = "ipc:///nonexistent/broker",
                                     .common.curve = "off",
                                     .place_rate = "auto",
                                     .catch_up_bytes = 1 << 20,
                                     .unread_bytes = 1 << 20};
    clients_edge = (edge_t){.config = &clients_config};
    clients_edge.mirror = mirror_new(65536);
    clients_edge.limits = address_limits_new(&clients_edge);
    clients_edge.sessions = sessions_new();
    clients_edge.frames = frames_new(&clients_edge);
    clients_edge.fanout = fanout_new(&clients_edge);
    clients_edge.uplink = uplink_new(&clients_edge);
    clients_board = board_new(CLIENTS_SIDE, CLIENTS_SIDE, 4);
    clients_seq = 0;
    clients = calloc(MANY, sizeof *clients);
}

void clients_teardown(void)
{
    for (int i = 0; i < MANY; i++)
        session_fini(&clients[i].session);
    clients_ms += 60000; /* what the broker was asked gets its answer */
    uplink_tick(clients_edge.uplink, 0);
    free(clients);
    uplink_destroy(&clients_edge.uplink);
    fanout_destroy(&clients_edge.fanout);
    frames_destroy(&clients_edge.frames);
    sessions_destroy(&clients_edge.sessions);
    address_limits_destroy(&clients_edge.limits);
    mirror_destroy(&clients_edge.mirror);
    board_destroy(&clients_board);
    clock_use(&clock_system);
}

void clients_send_board(uint32_t epoch)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, CLIENTS_SIDE, CLIENTS_SIDE, 4);
    bus_board_t board = {.epoch = epoch,
                         .seq = clients_seq,
                         .json = json,
                         .json_size =
                             canvas_to_json(&canvas, json, sizeof json),
                         .pixels = board_bytes(clients_board),
                         .pixels_size = board_size_bytes(clients_board)};
    mirror_on_board(clients_edge.mirror, &board);
}

/* One placement reaches the mirror. */
void clients_place(uint32_t index, uint8_t color)
{
    uint8_t bytes[64];
    touched_t *set = touched_new(PIXELS);
    board_set(clients_board, index, color);
    touched_add(set, index);
    size_t size = diff_encode(bytes, sizeof bytes, clients_seq, clients_seq + 1,
                              set, clients_board);
    touched_destroy(&set);
    bus_body_t diff = {.epoch = 1, .body = bytes, .size = size};
    ck_assert_int_eq(mirror_on_diff(clients_edge.mirror, &diff), MIRROR_OK);
    clients_seq++;
}

/* Lets time pass, as the loop would. */
void clients_pass(uint64_t ms)
{
    for (uint64_t end = clients_ms + ms; clients_ms < end; clients_ms += 10) {
        while (!fanout_poll(clients_edge.fanout))
            fanout_slice(clients_edge.fanout);
        fanout_flush(clients_edge.fanout);
    }
}

void clients_open(client_t *client, const upgrade_t *upgrade)
{
    client->socket.ops = &s_sockets;
    session_open(&client->session, &clients_edge, &client->socket, upgrade);
}

client_t *clients_join(int i, uint64_t since)
{
    upgrade_t upgrade = {.since = since};
    client_t *client = &clients[i];
    clients_open(client, &upgrade);
    session_start(&client->session, false);
    client->session.liveness.pinged_s =
        client->session.liveness.heard_s; /* not by chance */
    fanout_flush(clients_edge.fanout);
    return client;
}

/* The next frame but pings: its type, 0 where there is none, or the opcode of
 * a control frame. */
uint8_t client_next(client_t *client, wire_event_t *event)
{
    if (client->at == client->size)
        return 0;
    const uint8_t *frame = client->bytes + client->at;
    size_t length = frame[1], head = 2;
    if (length == 126) {
        length = (size_t)frame[2] << 8 | frame[3];
        head = 4;
    }
    client->at += head + length;
    ck_assert_uint_le(client->at, client->size);
    if ((frame[0] & 15) == FRAME_PING) {
        client->pings++;
        return client_next(client, event);
    }
    if ((frame[0] & 15) != FRAME_BINARY)
        return frame[0] & 15;
    ck_assert_int_eq(wire_decode_event(event, frame + head, length), 0);
    return event->type;
}

void client_expect(client_t *client, uint8_t type, wire_event_t *event)
{
    uint8_t got = client_next(client, event);
    ck_assert_msg(got == type, "expected %#x, got %#x", type, got);
}

void client_expect_diff(client_t *client, uint64_t from, uint64_t to)
{
    wire_event_t event;
    diff_t diff;
    client_expect(client, WIRE_DIFF, &event);
    ck_assert_int_eq(
        diff_open(&diff, event.diff.body, event.diff.size, PIXELS, 4), 0);
    ck_assert_uint_eq(diff.from, from);
    ck_assert_uint_eq(diff.to, to);
}

void client_receive(client_t *client, const void *bytes, size_t size)
{
    session_receive(&client->session, bytes, size, true, true, true);
    fanout_flush(clients_edge.fanout);
}

/* --- Facts --- */

START_TEST(beat_is_behind_the_ticks_diff_in_one_write)
{
    wire_event_t event;
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    clients_pass(1000);
    client->at = client->size;
    client->writes = 0;
    clients_place(9, 1);
    clients_pass(30);
    client_expect_diff(client, 0, 1);
    client_expect(client, WIRE_BEAT, &event);
    ck_assert_uint_eq(event.beat.seq, 1);
    ck_assert_uint_eq(event.beat.digest, board_digest(clients_board));
    ck_assert_uint_eq(client->writes, 1);
}
END_TEST

START_TEST(who_does_not_read_holds_one_frame_and_heals_with_one_diff)
{
    wire_event_t event;
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client_expect(client, WIRE_HELLO, &event);
    clients_pass(30);
    client_expect(client, WIRE_BEAT, &event);
    client->blocked = true;
    for (int i = 0; i < 50; i++) {
        clients_place((uint32_t)i, 2);
        clients_pass(30);
    }
    ck_assert_uint_eq(client->session.seq, 1);
    client_expect_diff(client, 0, 1);
    ck_assert_int_eq(client_next(client, &event), 0);
    client->blocked = client->unfinished = false;
    session_writable(&client->session);
    clients_pass(30);
    client_expect_diff(client, 1, 50);
    clients_pass(1000);
    client_expect(client, WIRE_BEAT, &event);
    ck_assert_uint_eq(event.beat.seq, 50);
}
END_TEST

START_TEST(laggards_with_an_equal_start_share_one_diff)
{
    clients_send_board(1);
    for (int i = 0; i < 100; i++)
        clients_join(i, 0)->blocked = true;
    clients_place(1, 1);
    clients_pass(30);
    clients_place(2, 1);
    clients_pass(30);
    for (int i = 0; i < 100; i++)
        clients[i].blocked = clients[i].unfinished = false;
    clients_place(3, 1);
    int64_t made = clients_edge.metrics[EDGE_DIFFS_MADE];
    clients_pass(20);
    ck_assert_int_eq(clients_edge.metrics[EDGE_DIFFS_MADE] - made, 2);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(clients[i].session.seq, 3);
}
END_TEST

START_TEST(every_reader_gets_every_tick_whoever_lags)
{
    clients_send_board(1);
    for (int i = 0; i < MANY; i++)
        clients_join(i, 0)->blocked = i % 3 == 0;
    for (int n = 1; n <= 10; n++) {
        clients_place((uint32_t)n, 4);
        clients_pass(600); /* whatever the tick is by now */
        for (int i = 0; i < MANY; i++)
            if (i % 3)
                ck_assert_uint_eq(clients[i].session.seq, clients_seq);
    }
}
END_TEST

/* A change waits for one tick, not for the walk besides. */
START_TEST(later_slices_bring_what_came_meanwhile)
{
    clients_send_board(1);
    for (int i = 0; i < MANY; i++)
        clients_join(i, 0);
    clients_place(1, 1);
    while (fanout_poll(clients_edge.fanout))
        clients_ms += 10;
    ck_assert(fanout_slice(clients_edge.fanout));
    clients_place(2, 1);
    while (fanout_slice(clients_edge.fanout))
        ;
    ck_assert_uint_eq(clients[0].session.seq, 1);
    ck_assert_uint_eq(clients[MANY - 1].session.seq, 2);
    ck_assert_uint_eq(clients[MANY - 1].writes, clients[0].writes);
    clients_pass(600);
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(clients[i].session.seq, 2);
    ck_assert_uint_eq(clients[0].writes, clients[MANY - 1].writes + 1);
}
END_TEST

START_TEST(lost_history_is_a_resync_for_all)
{
    wire_event_t event;
    clients_send_board(1);
    clients_place(1, 1);
    client_t *client = clients_join(0, 1);
    client_expect(client, WIRE_HELLO, &event);
    clients_seq = 0;
    clients_send_board(2);
    clients_pass(30);
    client_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_BOARD_CHANGED);
    ck_assert_int_eq(clients_edge.metrics[EDGE_RESYNC_CHANGED], 1);
    ck_assert_int_eq(clients_edge.metrics[EDGE_RESYNC_TOO_OLD], 0);
    client_expect(client, WIRE_BEAT, &event);
}
END_TEST

START_TEST(changed_settings_are_noticed_once)
{
    char json[CANVAS_JSON_MAX];
    wire_event_t event;
    canvas_t canvas;
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client_expect(client, WIRE_HELLO, &event);
    clients_pass(30);
    client_expect(client, WIRE_BEAT, &event);
    canvas_init(&canvas, CLIENTS_SIDE, CLIENTS_SIDE, 4);
    canvas.paused = true;
    bus_body_t body = {.epoch = 1, .body = (uint8_t *)json};
    body.size = canvas_to_json(&canvas, json, sizeof json);
    mirror_on_canvas(clients_edge.mirror, &body);
    clients_pass(60);
    client_expect(client, WIRE_NOTICE, &event);
    ck_assert_int_eq(client_next(client, &event), 0);
}
END_TEST

START_TEST(stopped_reader_is_closed_after_a_minute_without_progress)
{
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client->blocked = true;
    clients_place(1, 1);
    clients_pass(40000);
    client->acknowledged = 100; /* it reads a little */
    clients_pass(58000);
    ck_assert(!client->killed);
    clients_pass(5000);
    ck_assert(client->killed);
    ck_assert_int_eq(clients_edge.metrics[EDGE_CLOSED_SLOW], 1);
}
END_TEST

START_TEST(silent_peer_is_pinged_and_then_closed)
{
    wire_event_t event;
    clients_send_board(1);
    client_t *silent = clients_join(0, 0), *lively = clients_join(1, 0);
    for (int s = 0; s < 65; s++) {
        clients_pass(1000);
        session_heard(&lively->session);
        while (client_next(silent, &event))
            ;
    }
    ck_assert_uint_ge(silent->pings, 2);
    ck_assert(silent->killed);
    ck_assert(!lively->killed);
}
END_TEST

Suite *suite_edge_session(void)
{
    Suite *suite = suite_create("edge/session");
    TCase *tcase = tcase_create("session");
    tcase_add_checked_fixture(tcase, clients_setup, clients_teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, beat_is_behind_the_ticks_diff_in_one_write);
    tcase_add_test(tcase,
                   who_does_not_read_holds_one_frame_and_heals_with_one_diff);
    tcase_add_test(tcase, laggards_with_an_equal_start_share_one_diff);
    tcase_add_test(tcase, every_reader_gets_every_tick_whoever_lags);
    tcase_add_test(tcase, later_slices_bring_what_came_meanwhile);
    tcase_add_test(tcase, lost_history_is_a_resync_for_all);
    tcase_add_test(tcase, changed_settings_are_noticed_once);
    tcase_add_test(tcase,
                   stopped_reader_is_closed_after_a_minute_without_progress);
    tcase_add_test(tcase, silent_peer_is_pinged_and_then_closed);
    suite_add_tcase(suite, tcase);
    return suite;
}
