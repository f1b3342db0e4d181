/* SPDX-License-Identifier: Apache-2.0
 *
 * What the edge says to brokers, and whom it follows.
 */
#include "tests/unit/edge/leader_stage.h"

Suite *suite_edge_uplink(void);

static bus_verdict_t verdict; /* that an asker got last */
static bus_place_t placed;
static unsigned verdicts;

static void s_on_verdict(void *context, const bus_place_t *place,
                         const bus_verdict_t *got_verdict)
{
    ck_assert_ptr_eq(context, &verdicts);
    verdict = *got_verdict;
    placed = *place;
    verdicts++;
}

static void s_verdict(int broker, uint64_t ticket, uint8_t status,
                      uint64_t at_seq)
{
    uint8_t bytes[64];
    bus_verdict_t said = {.ticket = ticket, .status = status, .seq = at_seq};
    s_say(broker, bytes, bus_put_verdicts(bytes, &said, 1));
}

/* ---- placements ------------------------------------------------------ */

static uint64_t s_place(uint64_t user)
{
    bus_place_t place = {.user = user, .request = 9, .x = 1, .y = 2};
    return uplink_place(uplink, &place, s_on_verdict, &verdicts);
}

/* The only placement of the message that broker gets. */
static bus_place_t s_expect_place(int broker)
{
    static bus_place_t places[BUS_PLACES_MAX];
    uplink_turn(uplink);
    uint8_t type = s_next(broker);
    ck_assert(type == BUS_PLACES || type == BUS_PLACES_TOLD);
    ck_assert_int_eq(bus_decode_places(places, got, got_size), 1);
    return places[0];
}

START_TEST(without_a_leader_a_placement_is_unavailable_in_the_next_turn)
{
    ck_assert(!uplink_has_leader(uplink));
    ck_assert_uint_eq(uplink_online(uplink), 0);
    ck_assert_int_eq(uplink_tell(uplink, "x", 1), -1);
    ck_assert_str_eq(uplink_fault(uplink),
                     "No broker that leads is heard: the board may be old");
    uint64_t ticket = s_place(5);
    ck_assert_uint_eq(verdicts, 0); /* never from inside the call */
    uplink_turn(uplink);
    ck_assert_uint_eq(verdicts, 1);
    ck_assert_int_eq(verdict.status, VERDICT_UNAVAILABLE);
    ck_assert_uint_eq(verdict.ticket, ticket);
    ck_assert_uint_eq(placed.user, 5);
    ck_assert_int_eq(edge.metrics[EDGE_PLACES_EXPIRED], 1);
}
END_TEST

START_TEST(a_placement_goes_to_the_leader_and_its_verdict_to_the_asker)
{
    s_level();
    uint64_t ticket = s_place(5);
    bus_place_t place = s_expect_place(0);
    ck_assert_uint_eq(place.ticket, ticket);
    ck_assert_uint_eq(place.user, 5);
    ck_assert_uint_eq(place.unseen, 8); /* the board is at 7 */
    ck_assert_int_eq(edge.metrics[EDGE_PLACES_SENT], 1);
    s_verdict(0, ticket, VERDICT_OK, 20);
    s_await(EDGE_VERDICTS, 1);
    ck_assert_uint_eq(verdicts, 1);
    ck_assert_uint_eq(verdict.seq, 20);
    s_verdict(0, ticket, VERDICT_OK, 20); /* and once only */
    s_await(EDGE_VERDICTS, 2);
    ck_assert_uint_eq(verdicts, 1);
    ck_assert_int_eq(edge.metrics[EDGE_VERDICTS_LATE], 1);
    s_place(6);
    ck_assert_uint_eq(s_expect_place(0).unseen, 21);
}
END_TEST

START_TEST(a_question_of_the_cooldown_places_nothing)
{
    s_level();
    uplink_cooldown(uplink, 5, s_on_verdict, &verdicts);
    bus_place_t place = s_expect_place(0);
    ck_assert_uint_eq(place.flags, BUS_PLACE_ASK);
    ck_assert_uint_eq(place.user, 5);
}
END_TEST

START_TEST(a_cancelled_placement_is_not_answered)
{
    s_level();
    uint64_t ticket = s_place(5);
    s_expect_place(0);
    uplink_cancel(uplink, ticket);
    s_verdict(0, ticket, VERDICT_OK, 20);
    s_await(EDGE_VERDICTS_LATE, 1);
    ck_assert_uint_eq(verdicts, 0);
}
END_TEST

START_TEST(a_placement_is_given_up_after_six_seconds)
{
    s_level();
    s_place(5);
    s_expect_place(0);
    for (int i = 0; i < 6; i++) {
        s_pass(i ? 1000 : 999);
        s_beat_on();
    }
    ck_assert_uint_eq(verdicts, 0);
    s_pass(1);
    ck_assert_uint_eq(verdicts, 1);
    ck_assert_int_eq(verdict.status, VERDICT_UNAVAILABLE);
}
END_TEST

START_TEST(what_is_unanswered_goes_out_again_after_a_while)
{
    s_level();
    uint64_t ticket = s_place(5);
    s_expect_place(0);
    s_pass(1550);
    ck_assert_int_eq(edge.metrics[EDGE_PLACES_RESENT], 1);
    bus_place_t place = s_expect_place(0);
    ck_assert_uint_eq(bus_ticket(place.ticket), ticket);
    ck_assert_uint_eq(bus_copy(place.ticket), 1);
    ck_assert(place.flags & BUS_PLACE_RESENT);
    /* A refusal of the first copy says nothing of the second. */
    s_verdict(0, ticket, VERDICT_COOLDOWN, 0);
    s_await(EDGE_VERDICTS_LATE, 1);
    ck_assert_uint_eq(verdicts, 0);
    s_verdict(0, place.ticket, VERDICT_COOLDOWN, 0);
    s_await(EDGE_VERDICTS, 2);
    ck_assert_uint_eq(verdicts, 1);
}
END_TEST

START_TEST(an_acceptance_of_an_older_copy_counts)
{
    static const uint8_t statuses[] = {VERDICT_OK, VERDICT_DUPLICATE};
    s_level();
    for (int i = 0; i < 2; i++) {
        uint64_t ticket = s_place(5);
        s_expect_place(0);
        s_pass(1550);
        s_beat_on();
        s_expect_place(0);
        s_verdict(0, ticket, statuses[i], 20);
        s_await(EDGE_VERDICTS, i + 1);
        ck_assert_uint_eq(verdicts, (unsigned)i + 1);
    }
}
END_TEST

/* ---- who leads ------------------------------------------------------- */

START_TEST(a_beat_makes_a_leader_that_is_asked_for_the_board)
{
    s_lead(0, 1, 1);
    ck_assert(uplink_has_leader(uplink));
    ck_assert_uint_eq(uplink_online(uplink), 55);
    uplink_tick(uplink, 3);
    ck_assert_int_eq(edge.metrics[EDGE_LEADER], 1);
    ck_assert_int_eq(edge.metrics[EDGE_SYNCS], 1);
    s_expect_sync(0);
    ck_assert_uint_eq(sync_got.epoch, 0); /* it has nothing */
    ck_assert_uint_eq(sync_got.seq, 0);
    s_pass(300); /* and again, with back-off */
    s_expect_sync(0);
    s_send_board(0, 1);
    int64_t asked = edge.metrics[EDGE_SYNCS];
    s_pass(4000);
    ck_assert_int_eq(edge.metrics[EDGE_SYNCS], asked);
    ck_assert_ptr_null(uplink_fault(uplink));
}
END_TEST

START_TEST(a_board_that_does_not_come_is_a_fault_after_lease_and_grace)
{
    s_level();
    s_lead(0, 2, 1);
    s_pass(LEASE_MS + 2000);
    ck_assert_ptr_null(uplink_fault(uplink));
    now_ms++;
    ck_assert_str_eq(uplink_fault(uplink), "The board is behind the leader's");
}
END_TEST

START_TEST(a_leader_that_falls_silent_is_none_after_lease_and_grace)
{
    s_level();
    s_pass(LEASE_MS + 2000);
    ck_assert(!uplink_has_leader(uplink));
    ck_assert_int_eq(edge.metrics[EDGE_LEADER], 0);
}
END_TEST

START_TEST(a_new_leader_gets_what_the_old_one_left_unanswered)
{
    s_level();
    s_place(4);
    s_verdict(0, s_expect_place(0).ticket, VERDICT_OK, 20);
    s_await(EDGE_VERDICTS, 1);
    s_place(5);
    s_expect_place(0);
    s_lead(1, 2, 1);
    bus_acked_t acked;            /* what it has to hold, first */
    while (s_next(1) == BUS_SYNC) /* of the time before */
        continue;
    ck_assert_uint_eq(got[0], BUS_ACKED);
    ck_assert_int_eq(bus_decode_acked(&acked, got, got_size), 0);
    ck_assert_uint_eq(acked.seq, 20);
    ck_assert_uint_eq(acked.user, 4);
    ck_assert_uint_eq(s_expect_place(1).user, 5);
    s_pass(50);
    s_expect_sync(1);
    ck_assert_uint_eq(sync_got.epoch, 1); /* where the edge is */
    ck_assert_uint_eq(sync_got.seq, 7);
    ck_assert_int_eq(edge.metrics[EDGE_PLACES_RESENT], 1);
}
END_TEST

START_TEST(a_broker_that_leads_below_is_told_of_the_higher_epoch)
{
    s_level();
    s_lead(1, 5, 1);
    s_pass(50);
    s_expect_sync(1);
    s_beat(0, 3);
    int64_t end = zclock_mono() + PATIENCE_MS;
    zsock_set_rcvtimeo(brokers[0].ingress, 1);
    do {
        uplink_turn(uplink);
        got[0] = 0;
    } while (zclock_mono() < end &&
             (!s_receive(brokers[0].ingress, &brokers[0].edge) ||
              got[0] != BUS_SYNC));
    ck_assert_int_eq(bus_decode_sync(&sync_got, got, got_size), 0);
    ck_assert_uint_eq(sync_got.epoch, 5);
    ck_assert_uint_eq(sync_got.seq, 7);
    ck_assert(uplink_has_leader(uplink));
}
END_TEST

START_TEST(each_second_every_broker_hears_how_many_watch)
{
    bus_report_t report;
    s_level();
    s_pass(1000);
    ck_assert(s_receive(brokers[1].ingress, &brokers[1].edge));
    ck_assert_int_eq(bus_decode_report(&report, got, got_size), 0);
    ck_assert_uint_eq(report.viewers, 3);
    s_expect_sync(1); /* who does not lead hears of the epoch as well */
    ck_assert_uint_eq(sync_got.epoch, 1);
    ck_assert(s_receive(brokers[0].ingress, &brokers[0].edge));
    ck_assert_uint_eq(got[0], BUS_REPORT);
}
END_TEST

Suite *suite_edge_uplink(void)
{
    Suite *suite = suite_create("edge/uplink");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_setup, s_teardown);
    tcase_add_test(
        all, without_a_leader_a_placement_is_unavailable_in_the_next_turn);
    tcase_add_test(all,
                   a_placement_goes_to_the_leader_and_its_verdict_to_the_asker);
    tcase_add_test(all, a_question_of_the_cooldown_places_nothing);
    tcase_add_test(all, a_cancelled_placement_is_not_answered);
    tcase_add_test(all, a_placement_is_given_up_after_six_seconds);
    tcase_add_test(all, what_is_unanswered_goes_out_again_after_a_while);
    tcase_add_test(all, an_acceptance_of_an_older_copy_counts);
    tcase_add_test(all, a_beat_makes_a_leader_that_is_asked_for_the_board);
    tcase_add_test(all,
                   a_board_that_does_not_come_is_a_fault_after_lease_and_grace);
    tcase_add_test(all,
                   a_leader_that_falls_silent_is_none_after_lease_and_grace);
    tcase_add_test(all, a_new_leader_gets_what_the_old_one_left_unanswered);
    tcase_add_test(all, a_broker_that_leads_below_is_told_of_the_higher_epoch);
    tcase_add_test(all, each_second_every_broker_hears_how_many_watch);
    suite_add_tcase(suite, all);
    return suite;
}
