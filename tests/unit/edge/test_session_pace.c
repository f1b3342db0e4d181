/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that asked for a pace of their own.
 */
#include "tests/unit/edge/clients.h"

#include "common/diff.h"
#include "edge/mirror.h"

#include <check.h>

Suite *suite_edge_session_pace(void);

#define PIXELS (CLIENTS_SIDE * CLIENTS_SIDE)

static void s_pace(client_t *client, uint16_t ms)
{
    uint8_t bytes[WIRE_SMALL_MAX];
    client_receive(client, bytes, wire_put_pace(bytes, ms));
}

/* Counts what came, and that each BEAT is at the client's own seq. */
static unsigned s_count_diffs(client_t *client, uint64_t *seq, unsigned *beats)
{
    wire_event_t event;
    unsigned diffs = 0;
    uint8_t type;
    while ((type = client_next(client, &event))) {
        if (type == WIRE_DIFF) {
            diff_t diff;
            ck_assert_int_eq(
                diff_open(&diff, event.diff.body, event.diff.size, PIXELS, 4),
                0);
            ck_assert_uint_le(diff.from, *seq);
            *seq = diff.to;
            diffs++;
        }
        if (type == WIRE_BEAT) {
            ck_assert_uint_eq(event.beat.seq, *seq);
            ++*beats;
        }
    }
    return diffs;
}

START_TEST(paced_client_gets_one_diff_per_pace)
{
    uint64_t seq = 0;
    unsigned beats = 0;
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    clients_pass(100);
    s_count_diffs(client, &seq, &beats);
    s_pace(client, 2000);
    beats = 0;
    for (int i = 0; i < 500; i++) { /* ten seconds */
        clients_place((uint32_t)i, 3);
        clients_pass(20);
    }
    unsigned diffs = s_count_diffs(client, &seq, &beats);
    ck_assert_uint_ge(diffs, 4);
    ck_assert_uint_le(diffs, 5);
    ck_assert_uint_eq(beats, diffs);
    s_pace(client, 0);
    clients_pass(30);
    ck_assert_uint_eq(s_count_diffs(client, &seq, &beats), 1);
    ck_assert_uint_eq(seq, clients_seq);
}
END_TEST

START_TEST(fast_pace_keeps_the_beat_of_each_second)
{
    uint64_t seq = 0;
    unsigned beats = 0;
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    s_pace(client, 300);
    for (int i = 0; i < 500; i++) {
        clients_place((uint32_t)i, 3);
        clients_pass(20);
    }
    unsigned diffs = s_count_diffs(client, &seq, &beats);
    ck_assert_uint_ge(diffs, 25);
    ck_assert_uint_le(diffs, 33);
    ck_assert_uint_ge(beats, 9);
    ck_assert_uint_le(beats, 11);
}
END_TEST

START_TEST(paced_client_hears_of_everything_else_at_once)
{
    wire_event_t event;
    uint8_t bytes[WIRE_SMALL_MAX];
    char json[CANVAS_JSON_MAX];
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client_expect(client, WIRE_HELLO, &event);
    s_pace(client, 60000);
    clients_pass(100);
    clients_place(1, 1);
    clients_pass(100);
    wire_place_t place = {.request = 7};
    client_receive(client, bytes, wire_put_place(bytes, &place));
    client_expect(client, WIRE_VERDICT, &event);
    canvas_t canvas;
    canvas_init(&canvas, CLIENTS_SIDE, CLIENTS_SIDE, 4);
    canvas.paused = true;
    bus_body_t body = {.epoch = 1, .body = (uint8_t *)json};
    body.size = canvas_to_json(&canvas, json, sizeof json);
    mirror_on_canvas(clients_edge.mirror, &body);
    clients_pass(60);
    client_expect(client, WIRE_NOTICE, &event);
    clients_seq = 0;
    clients_send_board(2);
    clients_pass(60);
    client_expect(client, WIRE_RESYNC, &event);
    client_expect(client, WIRE_NOTICE, &event);
    ck_assert_int_eq(client_next(client, &event), 0);
    for (int s = 0; s < 58; s++) {
        clients_pass(1000);
        session_heard(&client->session);
    }
    ck_assert_int_eq(client_next(client, &event), 0);
    ck_assert_uint_ge(client->pings, 1);
    ck_assert(!client->killed);
}
END_TEST

START_TEST(paced_clients_share_and_are_visited_only_when_due)
{
    clients_send_board(1);
    for (int i = 0; i < 1000; i++)
        s_pace(clients_join(i, 0), 5000);
    for (int i = 0; i < 1500; i++) {
        clients_place((uint32_t)i % PIXELS, (uint8_t)(i % 15));
        clients_pass(20);
    }
    /* One start and end for all, six times; nobody else is there. */
    ck_assert_int_le(clients_edge.metrics[EDGE_FRAMES_LAGGARD], 6000);
    ck_assert_int_ge(clients_edge.metrics[EDGE_FRAMES_LAGGARD], 5000);
    ck_assert_int_lt(clients_edge.metrics[EDGE_DIFFS_MADE], 20);
}
END_TEST

START_TEST(silent_paced_peer_is_closed_too)
{
    wire_event_t event;
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    s_pace(client, 60000);
    clients_pass(70000);
    while (client_next(client, &event))
        ;
    ck_assert_uint_ge(client->pings, 2);
    ck_assert(client->killed);
}
END_TEST

Suite *suite_edge_session_pace(void)
{
    Suite *suite = suite_create("edge/session_pace");
    TCase *tcase = tcase_create("pace");
    tcase_add_checked_fixture(tcase, clients_setup, clients_teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, paced_client_gets_one_diff_per_pace);
    tcase_add_test(tcase, fast_pace_keeps_the_beat_of_each_second);
    tcase_add_test(tcase, paced_client_hears_of_everything_else_at_once);
    tcase_add_test(tcase, paced_clients_share_and_are_visited_only_when_due);
    tcase_add_test(tcase, silent_paced_peer_is_closed_too);
    suite_add_tcase(suite, tcase);
    return suite;
}
