/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/feed.h"

#include "common/diff.h"

#include <check.h>

#define PIXELS 10000u

static zsock_t *publisher, *subscriber;
static feed_t *feed;
static board_t *board;
static batch_t *batch;

static void s_set_up(void)
{
    publisher = zsock_new_pub("inproc://feed");
    subscriber = zsock_new_sub("inproc://feed", "");
    zsock_set_rcvtimeo(subscriber, 1000);
    feed = feed_new(publisher);
    board = board_new(100, 100, 4);
    batch = batch_new(100);
    feed_begin(feed, 0, PIXELS);
}

static void s_tear_down(void)
{
    feed_destroy(&feed);
    board_destroy(&board);
    batch_destroy(&batch);
    zsock_destroy(&publisher);
    zsock_destroy(&subscriber);
    zsys_shutdown();
}

/* A committed batch of one placement behind `seq`. */
static void s_commit(uint64_t seq, uint32_t index, uint8_t color)
{
    record_t record = {.seq = seq + 1, .color = color};
    board_set(board, index, color);
    batch_begin(batch, (position_t){.seq = seq}, 4);
    batch_add(batch, &record, index);
    feed_add(feed, batch);
}

/* The DIFF that came, opened; its frame is the caller's. */
static zframe_t *s_receive(diff_t *diff)
{
    bus_body_t body;
    zframe_t *frame = zframe_recv(subscriber);
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(*zframe_data(frame), BUS_DIFF);
    ck_assert_int_eq(
        bus_decode_body(&body, zframe_data(frame), zframe_size(frame)), 0);
    ck_assert_uint_eq(body.epoch, 9);
    ck_assert_int_eq(diff_open(diff, body.body, body.size, PIXELS, 4), 0);
    return frame;
}

START_TEST(range_is_net_and_goes_on_from_the_one_before)
{
    diff_t diff;
    uint32_t index;
    uint8_t color;
    s_commit(0, 50, 3);
    s_commit(1, 7, 1);
    s_commit(2, 50, 0);
    feed_publish(feed, 9, (position_t){.seq = 3}, board);
    zframe_t *frame = s_receive(&diff);
    ck_assert_uint_eq(diff.from, 0);
    ck_assert_uint_eq(diff.to, 3);
    ck_assert_uint_eq(diff.count, 2);
    ck_assert_int_eq(diff_next(&diff, &index, &color), 1);
    ck_assert_uint_eq(index, 7);
    ck_assert_int_eq(diff_next(&diff, &index, &color), 1);
    ck_assert_uint_eq(index, 50);
    ck_assert_uint_eq(color, 0);
    ck_assert_int_eq(diff_next(&diff, &index, &color), 0);
    zframe_destroy(&frame);
    s_commit(3, 8, 2);
    feed_publish(feed, 9, (position_t){.seq = 4}, board);
    frame = s_receive(&diff);
    ck_assert_uint_eq(diff.from, 3);
    ck_assert_uint_eq(diff.to, 4);
    ck_assert_uint_eq(diff.count, 1);
    zframe_destroy(&frame);
}
END_TEST

START_TEST(nothing_is_sent_where_seq_stands)
{
    bus_beat_t beat = {.epoch = 9, .seq = 0, .online = 5};
    feed_publish(feed, 9, (position_t){.seq = 0}, board);
    feed_beat(feed, &beat);
    zframe_t *frame = zframe_recv(subscriber);
    bus_beat_t got;
    ck_assert_int_eq(
        bus_decode_beat(&got, zframe_data(frame), zframe_size(frame)), 0);
    ck_assert_uint_eq(got.online, 5);
    zframe_destroy(&frame);
}
END_TEST

START_TEST(canvas_is_told_as_its_json)
{
    canvas_t canvas, got = {0};
    bus_body_t body;
    canvas_init(&canvas, 100, 100, 4);
    canvas.epoch = 9;
    feed_canvas(feed, &canvas);
    zframe_t *frame = zframe_recv(subscriber);
    ck_assert_int_eq(
        bus_decode_body(&body, zframe_data(frame), zframe_size(frame)), 0);
    ck_assert_int_eq(canvas_from_json(&got, (const char *)body.body, body.size),
                     0);
    ck_assert(canvas_equal(&canvas, &got));
    zframe_destroy(&frame);
}
END_TEST

START_TEST(what_edges_took_is_told_if_there_is_any)
{
    static const bus_taken_t taken[] = {{7, 1}, {8, 2}, {7, 4}};
    bus_taken_t rows[BUS_TAKEN_MAX];
    bus_beat_t beat = {.epoch = 9};
    bus_body_t body;
    tally_t *tally = tally_new();
    feed_taken(feed, 9, tally);
    feed_beat(feed, &beat);
    tally_add(tally, taken, 3);
    feed_taken(feed, 9, tally);
    zframe_t *frame = zframe_recv(subscriber);
    ck_assert_uint_eq(*zframe_data(frame), BUS_BEAT);
    zframe_destroy(&frame);
    frame = zframe_recv(subscriber);
    ck_assert_uint_eq(*zframe_data(frame), BUS_TAKEN_BY_ALL);
    ck_assert_int_eq(
        bus_decode_body(&body, zframe_data(frame), zframe_size(frame)), 0);
    ck_assert_uint_eq(body.epoch, 9);
    ck_assert_int_eq(bus_decode_taken_rows(rows, body.body, body.size), 2);
    ck_assert_uint_eq(rows[0].key, 7);
    ck_assert_uint_eq(rows[0].count, 5);
    zframe_destroy(&frame);
    tally_destroy(&tally);
}
END_TEST

Suite *suite_broker_feed(void);
Suite *suite_broker_feed(void)
{
    Suite *suite = suite_create("broker/feed");
    TCase *tc = tcase_create("feed");
    tcase_add_checked_fixture(tc, s_set_up, s_tear_down);
    tcase_add_test(tc, range_is_net_and_goes_on_from_the_one_before);
    tcase_add_test(tc, nothing_is_sent_where_seq_stands);
    tcase_add_test(tc, canvas_is_told_as_its_json);
    tcase_add_test(tc, what_edges_took_is_told_if_there_is_any);
    suite_add_tcase(suite, tc);
    return suite;
}
