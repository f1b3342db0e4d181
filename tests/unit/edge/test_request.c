/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/fanout.h"
#include "edge/uplink.h"
#include "tests/unit/edge/clients.h"

#include <check.h>

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
    for (int i = 0; i < 5000; i++)
        client_receive(client, bytes, size);
    ck_assert(client->session.closing);
    ck_assert_uint_le(client->session.outbox.capacity, OUTBOX_MAX);
    ck_assert_int_eq(clients_edge.metrics[EDGE_CLOSED_1008], 1);
    client->unfinished = client->blocked = false;
    session_writable(&client->session);
    ck_assert_int_eq(client->bytes[client->size - 4], 0x80 | FRAME_CLOSE);
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
    tcase_add_test(tcase, too_many_messages_close_the_connection);
    tcase_add_test(tcase, placement_without_a_leader_is_unavailable_at_once);
    tcase_add_test(tcase, edge_judges_in_the_protocols_order);
    tcase_add_test(tcase, message_in_pieces_is_one_message);
    suite_add_tcase(suite, tcase);
    return suite;
}
