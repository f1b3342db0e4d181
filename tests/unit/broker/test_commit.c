/* SPDX-License-Identifier: Apache-2.0
 *
 * What a placement comes to, for everybody who hears of it: the edge that sent
 * it, the feed, the journal.
 */
#include "common/diff.h"
#include "tests/unit/broker/peers.h"

static bus_place_t s_of(uint64_t user)
{
    return (bus_place_t){.ticket = user + 1000,
                         .user = user,
                         .request = 7,
                         .x = 3,
                         .y = 2,
                         .color = 5};
}

START_TEST(a_verdict_leaves_when_its_batch_is_durable_and_not_before)
{
    s_to_leading();
    bus_place_t place = s_of(1);
    s_edge_places(&place, 1);
    ck_assert_int_eq(fake.last, ASKED_COMMIT);
    ck_assert(!s_has_mail(edge));
    s_committed(true);
    bus_verdict_t verdict = s_verdict();
    ck_assert_uint_eq(verdict.ticket, 1001);
    ck_assert_int_eq(verdict.status, VERDICT_OK);
    ck_assert_uint_eq(verdict.seq, 1);
    ck_assert_uint_eq(broker_parts(broker)->world.seq, 1);
}
END_TEST

START_TEST(what_comes_while_a_batch_is_on_its_way_waits_for_the_next)
{
    s_to_leading();
    bus_place_t places[] = {s_of(1), s_of(2), s_of(3)};
    s_edge_places(&places[0], 1);
    s_edge_places(&places[1], 1);
    s_edge_places(&places[2], 1);
    ck_assert_uint_eq(fake.commit_to.seq, 1);
    s_committed(true);
    ck_assert_uint_eq(fake.commit_to.seq, 3); /* both in one */
    ck_assert_uint_eq(s_verdict().seq, 1);
    ck_assert(!s_has_mail(edge));
    s_committed(true);
    ck_assert_uint_eq(s_verdict().seq, 2);
    ck_assert_uint_eq(s_verdict().seq, 3);
}
END_TEST

START_TEST(the_journal_has_each_record_and_the_chain_before_it)
{
    s_to_leading();
    position_t before = world_head(&broker_parts(broker)->world);
    bus_place_t places[] = {s_of(1), s_of(2)};
    s_edge_places(places, 2);
    ck_assert(!s_has_mail(journal));
    s_committed(true);
    size_t size;
    bus_body_t body;
    const uint8_t *bytes = s_take(journal, &size);
    ck_assert_uint_eq(bytes[0], BUS_RECORDS);
    ck_assert_int_eq(bus_decode_body(&body, bytes, size), 0);
    ck_assert_uint_eq(body.epoch, broker_parts(broker)->world.epoch);
    ck_assert(chain_equal(body.chain, before.chain));
    record_t records[3];
    ck_assert_int_eq(records_decode(body.body, body.size, 1, records, 3), 2);
    ck_assert_uint_eq(records[0].user, 1);
    ck_assert_uint_eq(records[0].request, 7);
    ck_assert_uint_eq(records[0].x, 3);
    ck_assert_uint_eq(records[0].y, 2);
    ck_assert_uint_eq(records[0].color, 5);
    ck_assert_uint_eq(records[0].previous_color, 0);
    ck_assert_uint_eq(records[0].placed_at_ms, now.wall_ms);
    ck_assert_uint_eq(records[1].previous_color, 5);
    ck_assert(chain_equal(records_chain(before.chain, records, 2),
                          world_head(&broker_parts(broker)->world).chain));
}
END_TEST

START_TEST(a_message_of_rejections_alone_needs_no_commit)
{
    s_to_leading();
    bus_place_t place = s_of(1);
    place.x = WIDTH;
    broker_on_renew(broker, true);
    unsigned commits = fake.asked[ASKED_COMMIT];
    s_edge_places(&place, 1);
    ck_assert_uint_eq(fake.asked[ASKED_COMMIT], commits);
    ck_assert_int_eq(s_verdict().status, VERDICT_OUT_OF_BOUNDS);
}
END_TEST

START_TEST(a_redis_without_room_refuses_all_that_hangs_on_the_batch)
{
    s_to_leading();
    s_play(1);
    uint32_t digest = board_digest(broker_parts(broker)->world.board);
    broker_parts(broker)->world.canvas.cooldown_ms = 60000;
    bus_place_t out = s_of(3);
    out.y = HEIGHT;
    bus_place_t places[] = {s_of(2), s_of(2), out};
    uint8_t bytes[200];
    s_ingress(bytes, bus_put_places(bytes, places, 3));
    uint64_t refused = metrics[METRIC_REDIS_REFUSED];
    fake.ledger.full = true;
    broker_on_commit(broker, false);
    broker_settle(broker);
    ck_assert_uint_eq(metrics[METRIC_REDIS_REFUSED], refused + 1);
    size_t size;
    static bus_verdict_t verdicts[BUS_PLACES_MAX];
    const uint8_t *answer = s_take(edge, &size);
    ck_assert_int_eq(bus_decode_verdicts(verdicts, answer, size), 3);
    ck_assert_int_eq(verdicts[0].status, VERDICT_UNAVAILABLE);
    ck_assert_uint_eq(verdicts[0].ticket, places[0].ticket);
    ck_assert_int_eq(verdicts[1].status, VERDICT_UNAVAILABLE);
    ck_assert_uint_eq(verdicts[1].remaining_ms, 0);
    ck_assert_int_eq(verdicts[2].status, VERDICT_OUT_OF_BOUNDS);
    ck_assert_uint_eq(board_digest(broker_parts(broker)->world.board), digest);
    ck_assert_int_eq(broker_state(broker), LEADING);
    /* The user who was refused has placed nothing: no cooldown. */
    fake.ledger.full = false;
    s_edge_places(&places[0], 1);
    s_committed(true);
    ck_assert_int_eq(s_verdict().status, VERDICT_OK);
}
END_TEST

START_TEST(a_full_redis_is_looked_at_each_second)
{
    s_to_leading();
    unsigned probed = fake.probed;
    s_pass(1000);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.probed, probed);
    fake.ledger.full = true;
    s_pass(1000);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.probed, probed + 1);
}
END_TEST

START_TEST(the_feed_gets_one_diff_of_what_was_committed_since)
{
    s_to_leading();
    s_drain(feed);
    s_play(3);
    broker_on_publish(broker);
    broker_settle(broker);
    size_t size;
    bus_body_t body;
    diff_t diff;
    const uint8_t *bytes = s_take(feed, &size);
    ck_assert_uint_eq(bytes[0], BUS_DIFF);
    ck_assert_int_eq(bus_decode_body(&body, bytes, size), 0);
    const world_t *world = &broker_parts(broker)->world;
    ck_assert(chain_equal(body.chain, world_head(world).chain));
    ck_assert_int_eq(diff_open(&diff, body.body, body.size, WIDTH * HEIGHT, 4),
                     0);
    ck_assert_uint_eq(diff.from, 0);
    ck_assert_uint_eq(diff.to, 3);
    ck_assert_uint_eq(diff.count, 3);
    /* Nothing new: nothing is said. */
    broker_on_publish(broker);
    broker_settle(broker);
    ck_assert(!s_has_mail(feed));
}
END_TEST

START_TEST(each_second_has_a_beat_and_the_settings_behind_it)
{
    uint8_t report[BUS_SMALL_MAX];
    s_to_leading();
    s_play(2);
    s_drain(feed);
    s_ingress(report, bus_put_report(report, &(bus_report_t){.viewers = 41}));
    s_pass(1000);
    broker_on_second(broker);
    broker_settle(broker);
    size_t size;
    const uint8_t *bytes = s_take(feed, &size);
    ck_assert_uint_eq(bytes[0], BUS_DIFF); /* a beat comes behind its diff */
    bus_beat_t beat;
    bytes = s_take(feed, &size);
    ck_assert_int_eq(bus_decode_beat(&beat, bytes, size), 0);
    const world_t *world = &broker_parts(broker)->world;
    ck_assert_uint_eq(beat.seq, 2);
    ck_assert_uint_eq(beat.epoch, world->epoch);
    ck_assert_uint_eq(beat.digest, board_digest(world->board));
    ck_assert_uint_eq(beat.online, 41);
    ck_assert_uint_eq(beat.lease_ms, LEASE_MS);
    ck_assert(chain_equal(beat.chain, world_head(world).chain));
    bus_body_t body;
    canvas_t canvas;
    bytes = s_take(feed, &size);
    ck_assert_uint_eq(bytes[0], BUS_CANVAS);
    ck_assert_int_eq(bus_decode_body(&body, bytes, size), 0);
    ck_assert_int_eq(
        canvas_from_json(&canvas, (const char *)body.body, body.size), 0);
    ck_assert_uint_eq(canvas.width, WIDTH);
    ck_assert(!s_has_mail(feed));
}
END_TEST

START_TEST(a_log_that_no_store_confirms_is_full_at_its_limit)
{
    config.log_limit = 3;
    s_to_leading();
    s_play(3);
    uint64_t told = metrics[METRIC_LOG_FULL];
    broker_on_renew(broker, true);
    bus_place_t place = s_of(9);
    s_edge_places(&place, 1);
    ck_assert_int_eq(s_verdict().status, VERDICT_UNAVAILABLE);
    ck_assert_uint_eq(metrics[METRIC_LOG_FULL], told + 1);
    /* A store confirms them: there is room. */
    position_t at = world_head(&broker_parts(broker)->world);
    s_word(at.seq, at.chain, broker_parts(broker)->world.epoch);
    s_edge_places(&place, 1);
    s_committed(true);
    ck_assert_int_eq(s_verdict().status, VERDICT_OK);
}
END_TEST

/* Trims: what is confirmed and past the window or the limit goes, in parts of
 * 256 at least. */
START_TEST(the_log_is_trimmed_to_what_is_needed)
{
    config.log_limit = 100;
    s_to_leading();
    parts_t *parts = broker_parts(broker);
    for (uint64_t user = 1; user <= 400; user++) {
        bus_place_t place = s_of(user);
        s_edge_places(&place, 1);
        s_committed(true);
        position_t at = world_head(&parts->world);
        s_word(at.seq, at.chain, parts->world.epoch);
    }
    s_drain(edge);
    ck_assert_uint_eq(fake.trimmed, 0);
    uint64_t trims = metrics[METRIC_TRIMS];
    s_pass(1);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.trimmed, 300); /* 100 stay */
    ck_assert_uint_eq(metrics[METRIC_TRIMS], trims + 1);
    ck_assert_uint_eq(history_first(parts->world.history), 301);
    broker_on_second(broker);
    ck_assert_uint_eq(metrics[METRIC_TRIMS], trims + 1);
}
END_TEST

START_TEST(what_no_store_has_is_not_trimmed)
{
    config.log_limit = 100000;
    s_to_leading();
    s_play(300);
    now.wall_ms += 100000000; /* the window is over for all of them */
    s_pass(1);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.trimmed, 0);
    position_t at = world_head(&broker_parts(broker)->world);
    s_word(at.seq, at.chain, broker_parts(broker)->world.epoch);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.trimmed, 0); /* the clock has only jumped */
    s_pass(HISTORY_RECENT_MS);
    s_word(at.seq, at.chain, broker_parts(broker)->world.epoch);
    broker_on_second(broker);
    ck_assert_uint_eq(fake.trimmed, 300);
}
END_TEST

Suite *suite_broker_commit(void);
Suite *suite_broker_commit(void)
{
    Suite *suite = suite_create("broker/commit");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 20);
    tcase_add_checked_fixture(all, s_set_up_peers, s_tear_down_peers);
    tcase_add_test(all,
                   a_verdict_leaves_when_its_batch_is_durable_and_not_before);
    tcase_add_test(all,
                   what_comes_while_a_batch_is_on_its_way_waits_for_the_next);
    tcase_add_test(all, the_journal_has_each_record_and_the_chain_before_it);
    tcase_add_test(all, a_message_of_rejections_alone_needs_no_commit);
    tcase_add_test(all,
                   a_redis_without_room_refuses_all_that_hangs_on_the_batch);
    tcase_add_test(all, a_full_redis_is_looked_at_each_second);
    tcase_add_test(all, the_feed_gets_one_diff_of_what_was_committed_since);
    tcase_add_test(all, each_second_has_a_beat_and_the_settings_behind_it);
    tcase_add_test(all, a_log_that_no_store_confirms_is_full_at_its_limit);
    tcase_add_test(all, the_log_is_trimmed_to_what_is_needed);
    tcase_add_test(all, what_no_store_has_is_not_trimmed);
    suite_add_tcase(suite, all);
    return suite;
}
