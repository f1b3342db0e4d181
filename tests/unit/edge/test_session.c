/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions and the fan-out over sockets that are none: what each client is sent
 * and when, with a clock turned by hand.
 */
#include "edge/session.h"

#include "common/clock.h"
#include "common/diff.h"
#include "common/mem.h"
#include "common/touched.h"
#include "edge/fanout.h"
#include "edge/mirror.h"
#include "edge/socket.h"
#include "edge/uplink.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_session(void);

#define SIDE 32
#define PIXELS (SIDE * SIDE)
#define MANY 1200

/* --- Sockets that are none --- */

typedef struct {
    session_t session;
    bool blocked;    /* does not read: a write is partial, then none */
    bool unfinished; /* such a write happened */
    bool killed;
    uint32_t acknowledged;
    uint8_t bytes[8192]; /* what it was sent */
    size_t size, at;
    unsigned writes, pings;
} client_t;

static client_t *s_client(struct lws *wsi)
{
    return (client_t *)wsi;
}

static bool s_blocked(struct lws *wsi)
{
    return s_client(wsi)->unfinished;
}

static socket_result_t s_write(struct lws *wsi, const uint8_t *bytes,
                               size_t size)
{
    client_t *client = s_client(wsi);
    ck_assert(!client->unfinished);
    ck_assert_uint_le(client->size + size, sizeof client->bytes);
    memcpy(client->bytes + client->size, bytes, size);
    client->size += size;
    client->writes += bytes[0] != (0x80 | FRAME_PING);
    client->unfinished = client->blocked;
    return client->blocked ? SOCKET_PARTIAL : SOCKET_SENT;
}

static void s_kill(struct lws *wsi)
{
    s_client(wsi)->killed = true;
}

static uint32_t s_acknowledged(struct lws *wsi)
{
    return s_client(wsi)->acknowledged;
}

static void s_set_send_buffer(struct lws *wsi, int bytes)
{
    (void)wsi, (void)bytes;
}

static const socket_ops_t s_sockets = {s_blocked, s_write, s_kill,
                                       s_acknowledged, s_set_send_buffer};

/* --- A clock by hand --- */

static uint64_t s_ms;

static uint64_t s_clock(void)
{
    return s_ms;
}

static const clock_source_t s_time = {s_clock, s_clock};

/* --- The edge --- */

static edge_config_t s_config;
static edge_t s_edge;
static board_t *s_board;
static uint64_t s_seq;
static client_t *s_clients;

static void s_setup(void)
{
    s_ms = 1000000;
    clock_use(&s_time);
    socket_use(&s_sockets);
    s_config = (edge_config_t){.tick_min_ms = 20,
                               .tick_max_ms = 500,
                               .brokers = "ipc:///nonexistent/broker",
                               .common.curve = "off",
                               .place_rate = "auto"};
    s_edge = (edge_t){.config = &s_config};
    s_edge.mirror = mirror_new(65536);
    s_edge.fanout = fanout_new(&s_edge);
    s_edge.uplink = uplink_new(&s_edge);
    s_board = board_new(SIDE, SIDE, 4);
    s_seq = 0;
    s_clients = calloc(MANY, sizeof *s_clients);
}

static void s_teardown(void)
{
    for (int i = 0; i < MANY; i++)
        session_fini(&s_clients[i].session);
    free(s_clients);
    uplink_destroy(&s_edge.uplink);
    fanout_destroy(&s_edge.fanout);
    mirror_destroy(&s_edge.mirror);
    board_destroy(&s_board);
    socket_use(NULL);
    clock_use(&clock_system);
}

static void s_send_board(uint32_t epoch)
{
    char json[CANVAS_JSON_MAX];
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    bus_board_t board = {.epoch = epoch,
                         .seq = s_seq,
                         .json = json,
                         .json_size =
                             canvas_to_json(&canvas, json, sizeof json),
                         .pixels = board_bytes(s_board),
                         .pixels_size = board_size_bytes(s_board)};
    mirror_on_board(s_edge.mirror, &board);
}

/* One placement reaches the mirror. */
static void s_place(uint32_t index, uint8_t color)
{
    uint8_t bytes[64];
    touched_t *set = touched_new(PIXELS);
    board_set(s_board, index, color);
    touched_add(set, index);
    size_t size =
        diff_encode(bytes, sizeof bytes, s_seq, s_seq + 1, set, s_board);
    touched_destroy(&set);
    bus_body_t diff = {.epoch = 1, .body = bytes, .size = size};
    ck_assert_int_eq(mirror_on_diff(s_edge.mirror, &diff), MIRROR_OK);
    s_seq++;
}

/* Lets time pass, as the loop would. */
static void s_pass(uint64_t ms)
{
    for (uint64_t end = s_ms + ms; s_ms < end; s_ms += 10) {
        while (!fanout_poll(s_edge.fanout))
            fanout_slice(s_edge.fanout);
        fanout_flush(s_edge.fanout);
    }
}

static client_t *s_join(int i, uint64_t since)
{
    upgrade_t upgrade = {.since = since};
    client_t *client = &s_clients[i];
    session_open(&client->session, &s_edge, (struct lws *)client, &upgrade);
    session_start(&client->session);
    client->session.pinged_s = client->session.heard_s; /* not by chance */
    fanout_flush(s_edge.fanout);
    return client;
}

/* The next frame but pings: its type, 0 where there is none, or the opcode of
 * a control frame. */
static uint8_t s_next(client_t *client, wire_event_t *event)
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
        return s_next(client, event);
    }
    if ((frame[0] & 15) != FRAME_BINARY)
        return frame[0] & 15;
    ck_assert_int_eq(wire_decode_event(event, frame + head, length), 0);
    return event->type;
}

static void s_expect(client_t *client, uint8_t type, wire_event_t *event)
{
    uint8_t got = s_next(client, event);
    ck_assert_msg(got == type, "expected %#x, got %#x", type, got);
}

static void s_expect_diff(client_t *client, uint64_t from, uint64_t to)
{
    wire_event_t event;
    diff_t diff;
    s_expect(client, WIRE_DIFF, &event);
    ck_assert_int_eq(
        diff_open(&diff, event.diff.body, event.diff.size, PIXELS, 4), 0);
    ck_assert_uint_eq(diff.from, from);
    ck_assert_uint_eq(diff.to, to);
}

/* --- Facts --- */

START_TEST(hello_comes_first_and_then_the_diff_from_since)
{
    wire_event_t event;
    s_send_board(1);
    s_place(5, 3);
    s_place(6, 3);
    client_t *client = s_join(0, 1);
    s_expect(client, WIRE_HELLO, &event);
    ck_assert_uint_eq(event.hello.seq, 2);
    ck_assert_int_eq(event.hello.flags, HELLO_READ_ONLY);
    s_expect_diff(client, 1, 2);
    ck_assert_int_eq(s_next(client, &event), 0);
}
END_TEST

START_TEST(beat_is_behind_the_ticks_diff_in_one_write)
{
    wire_event_t event;
    s_send_board(1);
    client_t *client = s_join(0, 0);
    s_pass(1000);
    client->at = client->size;
    client->writes = 0;
    s_place(9, 1);
    s_pass(30);
    s_expect_diff(client, 0, 1);
    s_expect(client, WIRE_BEAT, &event);
    ck_assert_uint_eq(event.beat.seq, 1);
    ck_assert_uint_eq(event.beat.digest, board_digest(s_board));
    ck_assert_uint_eq(client->writes, 1);
}
END_TEST

START_TEST(who_does_not_read_holds_one_frame_and_heals_with_one_diff)
{
    wire_event_t event;
    s_send_board(1);
    client_t *client = s_join(0, 0);
    s_expect(client, WIRE_HELLO, &event);
    s_pass(30);
    s_expect(client, WIRE_BEAT, &event);
    client->blocked = true;
    for (int i = 0; i < 50; i++) {
        s_place((uint32_t)i, 2);
        s_pass(30);
    }
    ck_assert_uint_eq(client->session.seq, 1);
    s_expect_diff(client, 0, 1);
    ck_assert_int_eq(s_next(client, &event), 0);
    client->blocked = client->unfinished = false;
    session_writable(&client->session);
    s_pass(30);
    s_expect_diff(client, 1, 50);
    s_pass(1000);
    s_expect(client, WIRE_BEAT, &event);
    ck_assert_uint_eq(event.beat.seq, 50);
}
END_TEST

START_TEST(laggards_with_an_equal_start_share_one_diff)
{
    s_send_board(1);
    for (int i = 0; i < 100; i++)
        s_join(i, 0)->blocked = true;
    s_place(1, 1);
    s_pass(30);
    s_place(2, 1);
    s_pass(30);
    for (int i = 0; i < 100; i++)
        s_clients[i].blocked = s_clients[i].unfinished = false;
    s_place(3, 1);
    int64_t made = s_edge.metrics[EDGE_DIFFS_MADE];
    s_pass(20);
    ck_assert_int_eq(s_edge.metrics[EDGE_DIFFS_MADE] - made, 2);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(s_clients[i].session.seq, 3);
}
END_TEST

START_TEST(every_reader_gets_every_tick_whoever_lags)
{
    s_send_board(1);
    for (int i = 0; i < MANY; i++)
        s_join(i, 0)->blocked = i % 3 == 0;
    for (int n = 1; n <= 10; n++) {
        s_place((uint32_t)n, 4);
        s_pass(600); /* whatever the tick is by now */
        for (int i = 0; i < MANY; i++)
            if (i % 3)
                ck_assert_uint_eq(s_clients[i].session.seq, s_seq);
    }
}
END_TEST

START_TEST(since_ahead_waits_two_seconds_and_then_resyncs)
{
    wire_event_t event;
    s_send_board(1);
    client_t *client = s_join(0, 2);
    s_expect(client, WIRE_HELLO, &event);
    s_pass(1900);
    while (client->at < client->size)
        s_expect(client, WIRE_BEAT, &event);
    s_pass(200);
    s_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_UNKNOWN_SEQ);
}
END_TEST

START_TEST(since_ahead_that_we_reach_goes_on)
{
    wire_event_t event;
    s_send_board(1);
    client_t *client = s_join(0, 1);
    s_expect(client, WIRE_HELLO, &event);
    s_place(1, 1);
    s_place(2, 1);
    s_pass(30);
    s_expect_diff(client, 0, 2);
}
END_TEST

START_TEST(no_diff_between_resync_and_since)
{
    wire_event_t event;
    s_seq = 40;
    s_send_board(1);
    client_t *client = s_join(0, 3);
    s_expect(client, WIRE_HELLO, &event);
    s_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_TOO_OLD);
    s_place(1, 1);
    s_pass(30);
    s_expect(client, WIRE_BEAT, &event);
    ck_assert_int_eq(s_next(client, &event), 0);
    session_since(&client->session, 40);
    s_expect_diff(client, 40, 41);
}
END_TEST

START_TEST(lost_history_is_a_resync_for_all)
{
    wire_event_t event;
    s_send_board(1);
    s_place(1, 1);
    client_t *client = s_join(0, 1);
    s_expect(client, WIRE_HELLO, &event);
    s_seq = 0;
    s_send_board(2);
    s_pass(30);
    s_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_BOARD_CHANGED);
    s_expect(client, WIRE_BEAT, &event);
}
END_TEST

START_TEST(changed_settings_are_noticed_once)
{
    char json[CANVAS_JSON_MAX];
    wire_event_t event;
    canvas_t canvas;
    s_send_board(1);
    client_t *client = s_join(0, 0);
    s_expect(client, WIRE_HELLO, &event);
    s_pass(30);
    s_expect(client, WIRE_BEAT, &event);
    canvas_init(&canvas, SIDE, SIDE, 4);
    canvas.paused = true;
    bus_body_t body = {.epoch = 1, .body = (uint8_t *)json};
    body.size = canvas_to_json(&canvas, json, sizeof json);
    mirror_on_canvas(s_edge.mirror, &body);
    s_pass(60);
    s_expect(client, WIRE_NOTICE, &event);
    ck_assert_int_eq(s_next(client, &event), 0);
}
END_TEST

START_TEST(stopped_reader_is_closed_after_a_minute_without_progress)
{
    s_send_board(1);
    client_t *client = s_join(0, 0);
    client->blocked = true;
    s_place(1, 1);
    s_pass(40000);
    client->acknowledged = 100; /* it reads a little */
    s_pass(58000);
    ck_assert(!client->killed);
    s_pass(5000);
    ck_assert(client->killed);
    ck_assert_int_eq(s_edge.metrics[EDGE_CLOSED_SLOW], 1);
}
END_TEST

START_TEST(silent_peer_is_pinged_and_then_closed)
{
    wire_event_t event;
    s_send_board(1);
    client_t *silent = s_join(0, 0), *lively = s_join(1, 0);
    for (int s = 0; s < 65; s++) {
        s_pass(1000);
        session_heard(&lively->session);
        while (s_next(silent, &event))
            ;
    }
    ck_assert_uint_ge(silent->pings, 2);
    ck_assert(silent->killed);
    ck_assert(!lively->killed);
}
END_TEST

static void s_receive(client_t *client, const void *bytes, size_t size)
{
    session_receive(&client->session, bytes, size, true, true, true);
    fanout_flush(s_edge.fanout);
}

START_TEST(verdicts_of_one_turn_are_one_write_in_order)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    s_send_board(1);
    client_t *client = s_join(0, 0);
    s_expect(client, WIRE_HELLO, &event);
    client->writes = 0;
    for (uint32_t i = 1; i <= 5; i++) {
        wire_place_t place = {.request = i, .x = 1, .y = 1, .color = 1};
        size_t size = wire_put_place(bytes, &place);
        session_receive(&client->session, bytes, size, true, true, true);
    }
    fanout_flush(s_edge.fanout);
    for (uint32_t i = 1; i <= 5; i++) {
        s_expect(client, WIRE_VERDICT, &event);
        ck_assert_uint_eq(event.verdict.request, i);
        ck_assert_int_eq(event.verdict.status, VERDICT_UNAUTHORIZED);
    }
    ck_assert_uint_eq(client->writes, 1);
}
END_TEST

START_TEST(verdicts_for_a_blocked_reader_are_bounded)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    s_config.place_rate = "0";
    s_send_board(1);
    client_t *client = s_join(0, 0);
    client->unfinished = true;
    wire_place_t place = {.request = 1};
    size_t size = wire_put_place(bytes, &place);
    for (int i = 0; i < 5000; i++)
        s_receive(client, bytes, size);
    ck_assert(client->session.closing);
    ck_assert_uint_le(client->session.outbox.capacity, OUTBOX_MAX);
    ck_assert_int_eq(s_edge.metrics[EDGE_CLOSED_1008], 1);
    client->unfinished = client->blocked = false;
    session_writable(&client->session);
    ck_assert_int_eq(client->bytes[client->size - 4], 0x80 | FRAME_CLOSE);
}
END_TEST

START_TEST(too_many_messages_close_the_connection)
{
    s_send_board(1);
    client_t *client = s_join(0, 0);
    uint8_t since[WIRE_SMALL_MAX];
    size_t size = wire_put_since(since, 0);
    /* The default canvas has a cooldown: there is a rate. */
    for (int i = 0; i < 1000 && !client->session.closing; i++)
        s_receive(client, since, size);
    ck_assert(client->session.closing);
}
END_TEST

START_TEST(placement_without_a_leader_is_unavailable_at_once)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    s_send_board(1);
    upgrade_t upgrade = {
        .player = true, .identity = {.user = 7, .expires_at_ms = s_ms + 60000}};
    client_t *client = &s_clients[0];
    session_open(&client->session, &s_edge, (struct lws *)client, &upgrade);
    session_start(&client->session);
    uplink_turn(s_edge.uplink); /* nobody leads: HELLO need not wait */
    fanout_flush(s_edge.fanout);
    s_expect(client, WIRE_HELLO, &event);
    ck_assert_int_eq(event.hello.flags, 0);
    wire_place_t place = {.request = 3, .x = 1, .y = 1, .color = 1};
    s_receive(client, bytes, wire_put_place(bytes, &place));
    uplink_turn(s_edge.uplink);
    fanout_flush(s_edge.fanout);
    s_expect(client, WIRE_VERDICT, &event);
    ck_assert_int_eq(event.verdict.status, VERDICT_UNAVAILABLE);
    s_ms += 70000; /* the token expires on the open connection */
    s_receive(client, bytes, wire_put_place(bytes, &place));
    s_expect(client, WIRE_VERDICT, &event);
    ck_assert_int_eq(event.verdict.status, VERDICT_UNAUTHORIZED);
    ck_assert(!client->session.closing);
}
END_TEST

START_TEST(edge_judges_in_the_protocols_order)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    s_config.place_rate = "2"; /* burst 4 */
    s_send_board(1);
    upgrade_t upgrade = {
        .player = true, .identity = {.user = 7, .expires_at_ms = s_ms + 60000}};
    client_t *client = &s_clients[0];
    session_open(&client->session, &s_edge, (struct lws *)client, &upgrade);
    session_start(&client->session);
    uplink_turn(s_edge.uplink);
    fanout_flush(s_edge.fanout);
    s_expect(client, WIRE_HELLO, &event);
    static const struct {
        wire_place_t place;
        verdict_status_t status;
    } cases[] = {
        {{1, SIDE, 0, 99}, VERDICT_OUT_OF_BOUNDS},
        {{2, 0, SIDE, 0}, VERDICT_OUT_OF_BOUNDS},
        {{3, 0, 0, 16}, VERDICT_BAD_COLOR},
        {{4, 0, 0, 255}, VERDICT_BAD_COLOR},
        {{5, SIDE, 0, 99}, VERDICT_RATE_LIMITED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_receive(client, bytes, wire_put_place(bytes, &cases[i].place));
        s_expect(client, WIRE_VERDICT, &event);
        ck_assert_int_eq(event.verdict.status, cases[i].status);
    }
    ck_assert_uint_gt(event.verdict.cooldown_remaining_ms, 0);
    ck_assert_uint_le(event.verdict.cooldown_remaining_ms, 500);
}
END_TEST

START_TEST(message_in_pieces_is_one_message)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    wire_place_t place = {.request = 77};
    size_t size = wire_put_place(bytes, &place);
    s_send_board(1);
    client_t *client = s_join(0, 0);
    s_expect(client, WIRE_HELLO, &event);
    for (size_t i = 0; i < size; i++)
        session_receive(&client->session, bytes + i, 1, i == 0, i == size - 1,
                        true);
    fanout_flush(s_edge.fanout);
    s_expect(client, WIRE_VERDICT, &event);
    ck_assert_uint_eq(event.verdict.request, 77);
}
END_TEST

Suite *suite_edge_session(void)
{
    Suite *suite = suite_create("edge/session");
    TCase *tcase = tcase_create("session");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, hello_comes_first_and_then_the_diff_from_since);
    tcase_add_test(tcase, beat_is_behind_the_ticks_diff_in_one_write);
    tcase_add_test(tcase,
                   who_does_not_read_holds_one_frame_and_heals_with_one_diff);
    tcase_add_test(tcase, laggards_with_an_equal_start_share_one_diff);
    tcase_add_test(tcase, every_reader_gets_every_tick_whoever_lags);
    tcase_add_test(tcase, since_ahead_waits_two_seconds_and_then_resyncs);
    tcase_add_test(tcase, since_ahead_that_we_reach_goes_on);
    tcase_add_test(tcase, no_diff_between_resync_and_since);
    tcase_add_test(tcase, lost_history_is_a_resync_for_all);
    tcase_add_test(tcase, changed_settings_are_noticed_once);
    tcase_add_test(tcase,
                   stopped_reader_is_closed_after_a_minute_without_progress);
    tcase_add_test(tcase, silent_peer_is_pinged_and_then_closed);
    tcase_add_test(tcase, verdicts_of_one_turn_are_one_write_in_order);
    tcase_add_test(tcase, verdicts_for_a_blocked_reader_are_bounded);
    tcase_add_test(tcase, too_many_messages_close_the_connection);
    tcase_add_test(tcase, placement_without_a_leader_is_unavailable_at_once);
    tcase_add_test(tcase, edge_judges_in_the_protocols_order);
    tcase_add_test(tcase, message_in_pieces_is_one_message);
    suite_add_tcase(suite, tcase);
    return suite;
}
