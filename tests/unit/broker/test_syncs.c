/* SPDX-License-Identifier: Apache-2.0
 *
 * How an edge that holds some seq of some history comes to the committed one,
 * and what the ingress does with everything else.
 */
#include "common/diff.h"
#include "tests/unit/broker/peers.h"

static chain_t chains[10]; /* behind each seq */

/* A leader with five placements behind it; its log has all of them. */
static void s_lead(void)
{
    s_set_up_peers();
    s_to_leading();
    parts_t *parts = broker_parts(broker);
    s_play(5);
    for (uint64_t seq = 0; seq <= 5; seq++)
        chains[seq] = history_chain(parts->world.history, seq);
}

static void s_sync(uint32_t epoch, uint64_t seq, chain_t chain)
{
    uint8_t bytes[BUS_SMALL_MAX];
    bus_sync_t sync = {.epoch = epoch, .seq = seq, .chain = chain};
    s_ingress(bytes, bus_put_sync(bytes, &sync));
}

static void s_expect_range(uint64_t from)
{
    size_t size;
    bus_body_t body;
    diff_t diff;
    const uint8_t *bytes = s_take(edge, &size);
    ck_assert_uint_eq(bytes[0], BUS_RANGE);
    ck_assert_int_eq(bus_decode_body(&body, bytes, size), 0);
    ck_assert(chain_equal(body.chain, chains[5]));
    ck_assert_int_eq(diff_open(&diff, body.body, body.size, WIDTH * HEIGHT, 4),
                     0);
    ck_assert_uint_eq(diff.from, from);
    ck_assert_uint_eq(diff.to, 5);
    ck_assert_uint_eq(diff.count, 5 - from);
}

static void s_expect_board(history_relation_t relation)
{
    size_t size;
    bus_board_t board;
    const world_t *world = &broker_parts(broker)->world;
    const uint8_t *bytes = s_take(edge, &size);
    ck_assert_uint_eq(bytes[0], BUS_BOARD);
    ck_assert_int_eq(bus_decode_board(&board, bytes, size), 0);
    ck_assert_uint_eq(board.epoch, world->epoch);
    ck_assert_uint_eq(board.seq, world->seq);
    ck_assert(chain_equal(board.chain, world_head(world).chain));
    ck_assert_int_eq(board.relation, relation);
    ck_assert_uint_eq(board.pixels_size, WIDTH * HEIGHT / 2);
    ck_assert_mem_eq(board.pixels, board_bytes(world->board),
                     board.pixels_size);
}

START_TEST(an_edge_that_holds_part_of_the_history_gets_the_rest)
{
    uint32_t epoch = broker_parts(broker)->world.epoch;
    uint64_t ranges = metrics[METRIC_SYNCS_RANGE];
    for (uint64_t seq = 0; seq <= 5; seq++) {
        s_sync(epoch, seq, chains[seq]);
        s_expect_range(seq);
    }
    ck_assert_uint_eq(metrics[METRIC_SYNCS_RANGE], ranges + 6);
}
END_TEST

START_TEST(an_edge_that_holds_nothing_gets_the_board)
{
    uint64_t boards = metrics[METRIC_SYNCS_BOARD];
    s_sync(0, 0, CHAIN_UNKNOWN);
    s_expect_board(HISTORY_CONTINUES);
    s_sync(0, 0, CHAIN_UNKNOWN); /* the message that was made for the other */
    s_expect_board(HISTORY_CONTINUES);
    ck_assert_uint_eq(metrics[METRIC_SYNCS_BOARD], boards + 2);
    bus_place_t place = {.ticket = 9, .user = 9, .x = 5, .y = 5, .color = 9};
    s_edge_places(&place, 1);
    s_committed(true);
    s_drain(edge);
    s_sync(0, 0, CHAIN_UNKNOWN); /* and not the one of before */
    s_expect_board(HISTORY_CONTINUES);
}
END_TEST

START_TEST(an_edge_of_another_history_gets_the_board_and_is_told)
{
    uint32_t epoch = broker_parts(broker)->world.epoch;
    uint64_t lost = metrics[METRIC_HISTORY_LOST];
    s_sync(epoch, 3, (chain_t){{9}});
    s_expect_board(HISTORY_FORKED);
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost + 1);
    s_sync(epoch, 3, (chain_t){{9}}); /* said once per lead */
    s_expect_board(HISTORY_FORKED);
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost + 1);
}
END_TEST

START_TEST(an_edge_of_a_lower_epoch_that_is_ahead_has_seen_what_is_lost)
{
    parts_t *parts = broker_parts(broker);
    uint64_t lost = metrics[METRIC_HISTORY_LOST];
    s_sync(parts->world.epoch - 1, 8, (chain_t){{9}});
    s_expect_board(HISTORY_UNKNOWN);
    ck_assert_uint_eq(metrics[METRIC_HISTORY_LOST], lost + 3);
}
END_TEST

START_TEST(an_edge_without_chains_is_known_by_its_epoch)
{
    parts_t *parts = broker_parts(broker);
    parts->world.born = 3;
    s_sync(parts->world.epoch, 2, CHAIN_UNKNOWN);
    s_expect_range(2);
    s_sync(3, 2, CHAIN_UNKNOWN);
    s_expect_range(2);
    s_sync(2, 2, CHAIN_UNKNOWN); /* before this history began */
    s_expect_board(HISTORY_UNKNOWN);
    s_sync(3, 6, CHAIN_UNKNOWN); /* more than there is */
    s_expect_board(HISTORY_UNKNOWN);
}
END_TEST

START_TEST(what_the_log_reaches_no_more_is_a_board)
{
    parts_t *parts = broker_parts(broker);
    uint32_t epoch = parts->world.epoch;
    history_trim(parts->world.history, 3); /* it begins at 4 */
    s_sync(epoch, 3, chains[3]);
    s_expect_range(3);
    s_sync(epoch, 2, CHAIN_UNKNOWN);
    s_expect_board(HISTORY_UNKNOWN);
}
END_TEST

START_TEST(an_edge_of_a_higher_epoch_is_not_answered_but_heard)
{
    parts_t *parts = broker_parts(broker);
    uint32_t epoch = parts->world.epoch;
    uint64_t doubted = metrics[METRIC_EPOCHS_DOUBTED];
    /* no cluster has come so far */
    s_sync(epoch + EPOCH_STEP_MAX + 1, 5, chains[5]);
    ck_assert_uint_eq(metrics[METRIC_EPOCHS_DOUBTED], doubted + 1);
    ck_assert_uint_eq(parts->syncs.epochs.told, 0);
    s_sync(epoch + EPOCH_STEP_MAX, 5, chains[5]);
    ck_assert_uint_eq(parts->syncs.epochs.told, epoch + EPOCH_STEP_MAX);
    s_sync(epoch + 1, 5, chains[5]);
    ck_assert_uint_eq(parts->syncs.epochs.told, epoch + EPOCH_STEP_MAX);
    ck_assert(!s_has_mail(edge));
}
END_TEST

/* ---- the ingress ------------------------------------------------------- */

START_TEST(viewers_of_edges_are_heard_by_any_state)
{
    uint8_t bytes[BUS_SMALL_MAX];
    s_ingress(bytes, bus_put_report(bytes, &(bus_report_t){.viewers = 12}));
    ck_assert_uint_eq(edges_viewers(broker_parts(broker)->ingress.edges), 12);
}
END_TEST

START_TEST(a_standby_drops_placements_and_syncs)
{
    uint8_t bytes[BUS_SMALL_MAX];
    uint64_t places = metrics[METRIC_PLACES_IGNORED];
    uint64_t syncs = metrics[METRIC_SYNCS_IGNORED];
    s_to_standby();
    s_edge_places(&(bus_place_t){.ticket = 1, .user = 1}, 1);
    s_ingress(bytes, bus_put_sync(bytes, &(bus_sync_t){0}));
    ck_assert_uint_eq(metrics[METRIC_PLACES_IGNORED], places + 1);
    ck_assert_uint_eq(metrics[METRIC_SYNCS_IGNORED], syncs + 1);
    ck_assert_uint_eq(broker_parts(broker)->ingress.places_waiting, 0);
    ck_assert(!s_has_mail(edge));
}
END_TEST

START_TEST(nonsense_is_counted_and_passed_over)
{
    uint64_t malformed = metrics[METRIC_MALFORMED_INGRESS];
    s_to_leading();
    s_ingress("", 0);
    s_ingress("\x7f", 1);
    s_ingress("\x15\1", 2); /* a report that is cut off */
    ck_assert_uint_eq(metrics[METRIC_MALFORMED_INGRESS], malformed + 3);
    zstr_sendx(edge, "two", "frames", NULL);
    s_ingress("\x10\0", 2); /* placements that are cut off */
    ck_assert_uint_eq(metrics[METRIC_MALFORMED_INGRESS], malformed + 5);
    ck_assert(!s_has_mail(edge));
}
END_TEST

START_TEST(what_waits_is_counted_until_it_is_taken)
{
    s_to_leading();
    ingress_t *ingress = &broker_parts(broker)->ingress;
    bus_place_t places[3] = {{.user = 1}, {.user = 2}, {.user = 3}};
    s_edge_places(places, 1); /* is on its way */
    s_edge_places(places, 3);
    s_edge_places(places, 2);
    ck_assert_uint_eq(ingress->places_waiting, 5);
    mail_t mail;
    ck_assert(ingress_next_places(ingress, &mail));
    mail_close(&mail);
    ck_assert_uint_eq(ingress->places_waiting, 2);
    ingress_clear(ingress);
    ck_assert_uint_eq(ingress->places_waiting, 0);
    ck_assert(!ingress_next_places(ingress, &mail));
    ck_assert(!ingress_next_sync(ingress, &mail));
}
END_TEST

START_TEST(it_is_not_read_while_too_much_waits)
{
    s_to_leading();
    ingress_t *ingress = &broker_parts(broker)->ingress;
    s_edge_places(&(bus_place_t){.user = 1}, 1);
    ck_assert(ingress_has_room(ingress));
    ingress->places_waiting = INGRESS_PLACES_MAX - 1;
    ck_assert(ingress_has_room(ingress));
    ingress->places_waiting = INGRESS_PLACES_MAX;
    ck_assert(!ingress_has_room(ingress));
    s_edge_places(&(bus_place_t){.user = 2}, 1);
    ck_assert_uint_eq(mailbox_count(&ingress->places), 0);
    ingress->places_waiting = 0;
    ck_assert(ingress_read(ingress, true, now.mono_ms));
    ck_assert_uint_eq(mailbox_count(&ingress->places), 1);
}
END_TEST

Suite *suite_broker_syncs(void);
Suite *suite_broker_syncs(void)
{
    Suite *suite = suite_create("broker/syncs");
    TCase *syncs = tcase_create("syncs"), *ingress = tcase_create("ingress");
    tcase_set_timeout(syncs, 20);
    tcase_set_timeout(ingress, 20);
    tcase_add_checked_fixture(syncs, s_lead, s_tear_down_peers);
    tcase_add_test(syncs, an_edge_that_holds_part_of_the_history_gets_the_rest);
    tcase_add_test(syncs, an_edge_that_holds_nothing_gets_the_board);
    tcase_add_test(syncs,
                   an_edge_of_another_history_gets_the_board_and_is_told);
    tcase_add_test(
        syncs, an_edge_of_a_lower_epoch_that_is_ahead_has_seen_what_is_lost);
    tcase_add_test(syncs, an_edge_without_chains_is_known_by_its_epoch);
    tcase_add_test(syncs, what_the_log_reaches_no_more_is_a_board);
    tcase_add_test(syncs, an_edge_of_a_higher_epoch_is_not_answered_but_heard);
    suite_add_tcase(suite, syncs);
    tcase_add_checked_fixture(ingress, s_set_up_peers, s_tear_down_peers);
    tcase_add_test(ingress, viewers_of_edges_are_heard_by_any_state);
    tcase_add_test(ingress, a_standby_drops_placements_and_syncs);
    tcase_add_test(ingress, nonsense_is_counted_and_passed_over);
    tcase_add_test(ingress, what_waits_is_counted_until_it_is_taken);
    tcase_add_test(ingress, it_is_not_read_while_too_much_waits);
    suite_add_tcase(suite, ingress);
    return suite;
}
