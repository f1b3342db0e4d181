/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/uplink.h"
#include "edge/ws/fanout.h"
#include "tests/unit/edge/clients.h"

#include <check.h>
#include <stdio.h>

Suite *suite_edge_request(void);

START_TEST(verdicts_of_one_turn_are_one_write_in_order)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client_expect(client, WIRE_HELLO, &event);
    client->writes = 0;
    for (uint32_t i = 1; i <= 5; i++) {
        wire_place_t place = {.request = i, .x = 1, .y = 1, .color = 1};
        size_t size = wire_put_place(bytes, &place);
        session_receive(&client->session, bytes, size, true, true, true);
    }
    fanout_flush(clients_edge.fanout);
    for (uint32_t i = 1; i <= 5; i++) {
        client_expect(client, WIRE_VERDICT, &event);
        ck_assert_uint_eq(event.verdict.request, i);
        ck_assert_int_eq(event.verdict.status, VERDICT_UNAUTHORIZED);
    }
    ck_assert_uint_eq(client->writes, 1);
}
END_TEST

START_TEST(verdicts_for_a_blocked_reader_are_bounded)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    clients_config.place_rate = "0";
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client->unfinished = true;
    wire_place_t place = {.request = 1};
    size_t size = wire_put_place(bytes, &place);
    for (int i = 0; i < 20000; i++)
        client_receive(client, bytes, size);
    ck_assert(client->session.closing);
    ck_assert_uint_le(client->session.outbox.capacity, OUTBOX_MAX);
    ck_assert_int_eq(clients_edge.metrics[EDGE_CLOSED_1008], 1);
    client->unfinished = client->blocked = false;
    session_writable(&client->session);
    ck_assert_int_eq(client->bytes[client->size - 4], 0x80 | FRAME_CLOSE);
}
END_TEST

/* A player, greeted, on a canvas where anyone may place at any rate. */
static client_t *s_player(bool json)
{
    clients_config.place_rate = "0";
    clients_send_board(1);
    upgrade_t upgrade = {
        .json = json,
        .player = true,
        .identity = {.user = 7, .expires_at_ms = clients_ms + 60000}};
    client_t *client = &clients[0];
    clients_open(client, &upgrade);
    session_start(&client->session, false);
    uplink_turn(clients_edge.uplink); /* nobody leads: HELLO need not wait */
    fanout_flush(clients_edge.fanout);
    return client;
}

/* As many as once closed the connection of a client that reads. */
START_TEST(verdicts_of_one_turn_fit_the_outbox)
{
    bool json = _i;
    int count = json ? 764 : 3277;
    client_t *client = s_player(json);
    for (int i = 0; i < count; i++) {
        char text[128];
        uint8_t bytes[WIRE_SMALL_MAX];
        wire_place_t place = {.request = UINT32_MAX - (uint32_t)i};
        size_t size =
            json ? (size_t)snprintf(text, sizeof text,
                                    "{\"type\":\"place\",\"request\":%u,"
                                    "\"x\":1,\"y\":1,\"color\":1}",
                                    place.request)
                 : wire_put_place(bytes, &place);
        session_receive(&client->session, json ? (const uint8_t *)text : bytes,
                        size, true, true, !json);
    }
    ck_assert_uint_eq(client->session.in_flight, count);
    uplink_turn(clients_edge.uplink);
    ck_assert_uint_eq(client->session.in_flight, 0);
    ck_assert(!client->session.closing);
    size_t before = client->size;
    fanout_flush(clients_edge.fanout);
    ck_assert_uint_ge(client->size - before, 65536);
    ck_assert_int_eq(clients_edge.metrics[EDGE_UNREAD], 0);
}
END_TEST

START_TEST(more_in_flight_than_the_outbox_holds_are_told_to_wait)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    client_t *client = s_player(false);
    client_expect(client, WIRE_HELLO, &event);
    for (uint32_t i = 0; i < 8192; i++) {
        wire_place_t place = {.request = i};
        session_receive(&client->session, bytes, wire_put_place(bytes, &place),
                        true, true, true);
    }
    fanout_flush(clients_edge.fanout);
    ck_assert_int_eq(client_next(client, &event), 0);
    wire_place_t place = {.request = 9999};
    client_receive(client, bytes, wire_put_place(bytes, &place));
    client_expect(client, WIRE_VERDICT, &event);
    ck_assert_int_eq(event.verdict.status, VERDICT_RATE_LIMITED);
    uplink_turn(clients_edge.uplink); /* answers the others */
}
END_TEST

/* Together they hold too much: who has the least to read stays. */
START_TEST(unread_replies_are_bounded_for_all_together)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    clients_config.place_rate = "0";
    clients_config.unread_bytes = 200000;
    clients_send_board(1);
    wire_place_t place = {.request = 1};
    size_t size = wire_put_place(bytes, &place);
    for (int i = 0; i < 100; i++) {
        client_t *client = clients_join(i, 0);
        client->unfinished = true;
        for (int n = 0; n < (i ? 1000 : 20); n++)
            client_receive(client, bytes, size);
    }
    ck_assert_int_lt(clients_edge.metrics[EDGE_UNREAD], 200000 + 100 * 8192);
    ck_assert_int_gt(clients_edge.metrics[EDGE_CLOSED_1008], 80);
    ck_assert(!clients[0].session.closing);
}
END_TEST

START_TEST(too_many_messages_close_the_connection)
{
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    uint8_t since[WIRE_SMALL_MAX];
    size_t size = wire_put_since(since, 0);
    /* The default canvas has a cooldown: there is a rate. */
    for (int i = 0; i < 1000 && !client->session.closing; i++)
        client_receive(client, since, size);
    ck_assert(client->session.closing);
}
END_TEST

START_TEST(placement_without_a_leader_is_unavailable_at_once)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    clients_send_board(1);
    upgrade_t upgrade = {
        .player = true,
        .identity = {.user = 7, .expires_at_ms = clients_ms + 60000}};
    client_t *client = &clients[0];
    clients_open(client, &upgrade);
    session_start(&client->session, false);
    uplink_turn(clients_edge.uplink); /* nobody leads: HELLO need not wait */
    fanout_flush(clients_edge.fanout);
    client_expect(client, WIRE_HELLO, &event);
    ck_assert_int_eq(event.hello.flags, 0);
    wire_place_t place = {.request = 3, .x = 1, .y = 1, .color = 1};
    client_receive(client, bytes, wire_put_place(bytes, &place));
    uplink_turn(clients_edge.uplink);
    fanout_flush(clients_edge.fanout);
    client_expect(client, WIRE_VERDICT, &event);
    ck_assert_int_eq(event.verdict.status, VERDICT_UNAVAILABLE);
    clients_ms += 70000; /* the token expires on the open connection */
    client_receive(client, bytes, wire_put_place(bytes, &place));
    client_expect(client, WIRE_VERDICT, &event);
    ck_assert_int_eq(event.verdict.status, VERDICT_UNAUTHORIZED);
    ck_assert(!client->session.closing);
}
END_TEST

START_TEST(edge_judges_in_the_protocols_order)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    clients_config.place_rate = "2"; /* burst 4 */
    clients_send_board(1);
    upgrade_t upgrade = {
        .player = true,
        .identity = {.user = 7, .expires_at_ms = clients_ms + 60000}};
    client_t *client = &clients[0];
    clients_open(client, &upgrade);
    session_start(&client->session, false);
    uplink_turn(clients_edge.uplink);
    fanout_flush(clients_edge.fanout);
    client_expect(client, WIRE_HELLO, &event);
    static const struct {
        wire_place_t place;
        verdict_status_t status;
    } cases[] = {
        {{1, CLIENTS_SIDE, 0, 99}, VERDICT_OUT_OF_BOUNDS},
        {{2, 0, CLIENTS_SIDE, 0}, VERDICT_OUT_OF_BOUNDS},
        {{3, 0, 0, 16}, VERDICT_BAD_COLOR},
        {{4, 0, 0, 255}, VERDICT_BAD_COLOR},
        {{5, CLIENTS_SIDE, 0, 99}, VERDICT_RATE_LIMITED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        client_receive(client, bytes, wire_put_place(bytes, &cases[i].place));
        client_expect(client, WIRE_VERDICT, &event);
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
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client_expect(client, WIRE_HELLO, &event);
    for (size_t i = 0; i < size; i++)
        session_receive(&client->session, bytes + i, 1, i == 0, i == size - 1,
                        true);
    fanout_flush(clients_edge.fanout);
    client_expect(client, WIRE_VERDICT, &event);
    ck_assert_uint_eq(event.verdict.request, 77);
}
END_TEST

Suite *suite_edge_request(void)
{
    Suite *suite = suite_create("edge/request");
    TCase *tcase = tcase_create("request");
    tcase_add_checked_fixture(tcase, clients_setup, clients_teardown);
    tcase_add_test(tcase, verdicts_of_one_turn_are_one_write_in_order);
    tcase_add_test(tcase, verdicts_for_a_blocked_reader_are_bounded);
    tcase_add_loop_test(tcase, verdicts_of_one_turn_fit_the_outbox, 0, 2);
    tcase_add_test(tcase,
                   more_in_flight_than_the_outbox_holds_are_told_to_wait);
    tcase_add_test(tcase, unread_replies_are_bounded_for_all_together);
    tcase_add_test(tcase, too_many_messages_close_the_connection);
    tcase_add_test(tcase, placement_without_a_leader_is_unavailable_at_once);
    tcase_add_test(tcase, edge_judges_in_the_protocols_order);
    tcase_add_test(tcase, message_in_pieces_is_one_message);
    suite_add_tcase(suite, tcase);
    return suite;
}
