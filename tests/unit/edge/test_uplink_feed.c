/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge makes of its feed and of the answers to its syncs, of what is
 * no message, and of lists of endpoints.
 */
#include "tests/unit/edge/leader_stage.h"

Suite *suite_edge_uplink_feed(void);

START_TEST(a_diff_of_the_leader_moves_the_board)
{
    s_level();
    seq = 8;
    s_diff(0, 1, 7);
    s_await(EDGE_FEED_DIFFS, 1);
    ck_assert_uint_eq(mirror_seq(edge.mirror), 8);
    ck_assert_uint_eq(board_get(mirror_board(edge.mirror), 3), 8);
    seq = 9;
    s_diff(1, 1, 8); /* nobody follows this one */
    s_diff(0, 1, 8);
    s_await(EDGE_FEED_DIFFS, 2);
    ck_assert_int_eq(edge.metrics[EDGE_BUS_BAD], 0);
}
END_TEST

START_TEST(a_gap_is_asked_for_and_a_range_heals_it)
{
    uint8_t bytes[256];
    s_level();
    seq = 10;
    s_diff(0, 1, 9);
    s_await(EDGE_MIRROR_GAPS, 1);
    s_pass(50);
    s_expect_sync(0);
    ck_assert_uint_eq(sync_got.epoch, 1);
    ck_assert_uint_eq(sync_got.seq, 7);
    s_say(0, bytes, s_body(bytes, BUS_RANGE, 1, 7));
    s_turn_until(s_is_synced);
    int64_t asked = edge.metrics[EDGE_SYNCS];
    s_pass(4000);
    ck_assert_int_eq(edge.metrics[EDGE_SYNCS], asked);
}
END_TEST

START_TEST(a_board_that_is_damaged_is_asked_for_whole)
{
    s_level();
    board_set(board, 5, 5); /* of which no diff told */
    s_beat(0, 1);
    s_await(EDGE_MIRROR_DAMAGED, 1);
    s_pass(50);
    s_expect_sync(0);
    ck_assert_uint_eq(sync_got.epoch, 0);
    ck_assert_uint_eq(sync_got.seq, 0);
}
END_TEST

START_TEST(a_canvas_of_the_leader_is_taken)
{
    char json[CANVAS_JSON_MAX];
    uint8_t bytes[CANVAS_JSON_MAX + BUS_BODY_HEAD_BYTES];
    canvas_t canvas;
    canvas_init(&canvas, SIDE, SIDE, 4);
    canvas.cooldown_ms = 1234;
    s_level();
    size_t at = bus_put_body_head(bytes, BUS_CANVAS, 1, (chain_t){{0}});
    size_t size = canvas_to_json(&canvas, json, sizeof json);
    memcpy(bytes + at, json, size);
    s_publish(0, bytes, at + size);
    seq = 8;
    s_diff(0, 1, 7); /* behind it */
    s_await(EDGE_FEED_DIFFS, 1);
    ck_assert_uint_eq(mirror_canvas(edge.mirror)->cooldown_ms, 1234);
}
END_TEST

/* ---- what is no message ---------------------------------------------- */

START_TEST(what_is_malformed_is_counted_and_passed_over)
{
    static const uint8_t both[][2] = {{0}, {BUS_SYNC}, {BUS_RECORDS, 1}};
    static const uint8_t feed[] = {BUS_BEAT, BUS_DIFF, BUS_CANVAS, BUS_POLICY};
    static const uint8_t ingress[] = {BUS_VERDICTS, BUS_ERRAND_DONE, BUS_BOARD,
                                      BUS_RANGE};
    int64_t bad = 0;
    s_level();
    for (size_t i = 0; i < 3; i++) {
        s_publish(0, both[i], 2);
        s_await(EDGE_BUS_BAD, ++bad);
        s_say(0, both[i], 2);
        s_await(EDGE_BUS_BAD, ++bad);
    }
    for (size_t i = 0; i < 4; i++) {
        s_publish(0, &feed[i], 1);
        s_await(EDGE_BUS_BAD, ++bad);
        s_say(0, &ingress[i], 1);
        s_await(EDGE_BUS_BAD, ++bad);
    }
    ck_assert(mirror_synced(edge.mirror));
    ck_assert(uplink_has_leader(uplink));
}
END_TEST

START_TEST(a_peer_of_another_format_is_not_heard)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_beat_t beat = {.epoch = 9, .lease_ms = LEASE_MS};
    size_t size = bus_put_beat(bytes, &beat);
    bytes[1] = BUS_FORMAT + 1;
    s_publish(0, bytes, size);
    s_await(EDGE_BUS_BAD, 1);
    ck_assert(!uplink_has_leader(uplink));
}
END_TEST

/* ---- sockets --------------------------------------------------------- */

START_TEST(each_broker_has_two_descriptors_and_persisters_one)
{
    int fds[8];
    ck_assert_uint_eq(uplink_fds(uplink, fds, 8), 5);
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(fds[i], fds[j]);
    ck_assert_uint_eq(uplink_fds(uplink, fds, 5), 5);
    ck_assert_uint_eq(uplink_fds(uplink, fds, 4), 4);
    ck_assert_uint_eq(uplink_fds(uplink, fds, 3), 3); /* and the persister's */
}
END_TEST

START_TEST(bad_endpoints_make_no_uplink)
{
    static const char *const bad[][2] = {
        {"", ""},
        {"nonsense", ""},
        {"ipc:///a", "nonsense"},
        {"ipc:///a,ipc:///a,ipc:///a,ipc:///a,ipc:///a,ipc:///a,"
         "ipc:///a,ipc:///a,ipc:///a,ipc:///a,ipc:///a,ipc:///a,"
         "ipc:///a,ipc:///a,ipc:///a,ipc:///a,ipc:///a",
         ""}, /* seventeen */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        edge_config_t other = config;
        edge_t alone = {.config = &other, .mirror = edge.mirror};
        other.brokers = (char *)bad[i][0];
        other.persisters = (char *)bad[i][1];
        ck_assert_msg(!uplink_new(&alone), "%zu", i);
    }
}
END_TEST

START_TEST(sixteen_brokers_and_no_persister_make_one)
{
    edge_config_t other = config;
    edge_t alone = {.config = &other, .mirror = edge.mirror};
    int fds[64];
    other.persisters = NULL;
    other.brokers = (char *)"ipc:///a,ipc:///b,ipc:///c,ipc:///d,ipc:///e,"
                            "ipc:///f,ipc:///g,ipc:///h,ipc:///i,ipc:///j,"
                            "ipc:///k,ipc:///l,ipc:///m,ipc:///n,ipc:///o,"
                            "ipc:///p";
    uplink_t *many = uplink_new(&alone);
    ck_assert_ptr_nonnull(many);
    ck_assert_uint_eq(uplink_fds(many, fds, 64), 32);
    uplink_destroy(&many);
}
END_TEST

Suite *suite_edge_uplink_feed(void)
{
    Suite *suite = suite_create("edge/uplink_feed");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_setup, s_teardown);
    tcase_add_test(all, a_diff_of_the_leader_moves_the_board);
    tcase_add_test(all, a_gap_is_asked_for_and_a_range_heals_it);
    tcase_add_test(all, a_board_that_is_damaged_is_asked_for_whole);
    tcase_add_test(all, a_canvas_of_the_leader_is_taken);
    tcase_add_test(all, what_is_malformed_is_counted_and_passed_over);
    tcase_add_test(all, a_peer_of_another_format_is_not_heard);
    tcase_add_test(all, each_broker_has_two_descriptors_and_persisters_one);
    tcase_add_test(all, bad_endpoints_make_no_uplink);
    tcase_add_test(all, sixteen_brokers_and_no_persister_make_one);
    suite_add_tcase(suite, all);
    return suite;
}
