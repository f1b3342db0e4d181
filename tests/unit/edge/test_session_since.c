/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session begins: HELLO, what `since` is answered with, and the wait of
 * one who is ahead of this edge.
 */
#include "tests/unit/edge/clients.h"

#include "edge/ws/frames.h"

#include <check.h>

Suite *suite_edge_session_since(void);

START_TEST(hello_comes_first_and_then_the_diff_from_since)
{
    wire_event_t event;
    clients_send_board(1);
    clients_place(5, 3);
    clients_place(6, 3);
    client_t *client = clients_join(0, 1);
    client_expect(client, WIRE_HELLO, &event);
    ck_assert_uint_eq(event.hello.seq, 2);
    ck_assert_int_eq(event.hello.flags, HELLO_READ_ONLY);
    client_expect_diff(client, 1, 2);
    ck_assert_int_eq(client_next(client, &event), 0);
}
END_TEST

/* The second diff brings on whom the first one, shared with others, left a
 * little behind. */
START_TEST(hello_and_all_diffs_of_a_newcomer_are_one_write)
{
    wire_event_t event;
    clients_send_board(1);
    for (uint32_t i = 0; i < 100; i++)
        clients_place(i, 3);
    clients_join(0, 1);
    clients_place(100, 3);
    client_t *second = clients_join(1, 1);
    ck_assert_uint_eq(second->writes, 1);
    client_expect(second, WIRE_HELLO, &event);
    client_expect_diff(second, frames_start(1, 100), 100);
    client_expect_diff(second, 100, 101);
}
END_TEST

START_TEST(since_ahead_waits_two_seconds_and_then_resyncs)
{
    wire_event_t event;
    clients_send_board(1);
    client_t *client = clients_join(0, 2);
    client_expect(client, WIRE_HELLO, &event);
    clients_pass(1900);
    while (client->at < client->size)
        client_expect(client, WIRE_BEAT, &event);
    clients_pass(200);
    client_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_UNKNOWN_SEQ);
}
END_TEST

START_TEST(since_ahead_that_we_reach_goes_on)
{
    wire_event_t event;
    clients_send_board(1);
    client_t *client = clients_join(0, 1);
    client_expect(client, WIRE_HELLO, &event);
    clients_place(1, 1);
    clients_place(2, 1);
    clients_pass(30);
    client_expect_diff(client, 0, 2);
}
END_TEST

START_TEST(no_diff_between_resync_and_since)
{
    wire_event_t event;
    clients_seq = 40;
    clients_send_board(1);
    client_t *client = clients_join(0, 3);
    client_expect(client, WIRE_HELLO, &event);
    client_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_TOO_OLD);
    clients_place(1, 1);
    clients_pass(30);
    client_expect(client, WIRE_BEAT, &event);
    ck_assert_int_eq(client_next(client, &event), 0);
    session_since(&client->session, 40);
    client_expect_diff(client, 40, 41);
}
END_TEST

/* Who asks for the same diff again and again, which costs the edge its bytes
 * each time, is sent to the board; the others are not. */
START_TEST(diffs_for_one_connection_are_bounded)
{
    wire_event_t event;
    clients_send_board(1);
    for (uint32_t i = 0; i < 200; i++)
        clients_place(i, i % 15 + 1);
    client_t *client = clients_join(0, 1);
    client_expect(client, WIRE_HELLO, &event);
    size_t each = client->size - client->at;
    client_expect_diff(client, frames_start(1, 200), 200);
    clients_config.catch_up_per_connection = (int64_t)(3 * each + each / 2);
    for (int i = 0; i < 3; i++) {
        session_since(&client->session, 1);
        client_expect_diff(client, frames_start(1, 200), 200);
    }
    session_since(&client->session, 1);
    client_expect(client, WIRE_RESYNC, &event);
    ck_assert_int_eq(event.resync, RESYNC_TOO_OLD);
    ck_assert_int_eq(clients_edge.metrics[EDGE_DIFFS_REFUSED], 1);
    client_t *other = clients_join(1, 1);
    client_expect(other, WIRE_HELLO, &event);
    client_expect_diff(other, frames_start(1, 200), 200);
    clients_pass(60000); /* it comes back */
    while (client->at < client->size)
        client_next(client, &event);
    session_since(&client->session, 1);
    client_expect_diff(client, frames_start(1, 200), 200);
}
END_TEST

Suite *suite_edge_session_since(void)
{
    Suite *suite = suite_create("edge/session_since");
    TCase *tcase = tcase_create("session_since");
    tcase_add_checked_fixture(tcase, clients_setup, clients_teardown);
    tcase_add_test(tcase, hello_comes_first_and_then_the_diff_from_since);
    tcase_add_test(tcase, hello_and_all_diffs_of_a_newcomer_are_one_write);
    tcase_add_test(tcase, since_ahead_waits_two_seconds_and_then_resyncs);
    tcase_add_test(tcase, since_ahead_that_we_reach_goes_on);
    tcase_add_test(tcase, no_diff_between_resync_and_since);
    tcase_add_test(tcase, diffs_for_one_connection_are_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
