/* SPDX-License-Identifier: Apache-2.0
 *
 * What edges get to hear of a store, and what of it is counted.
 */
#include "persister/reader.h"

#include "common/bus_query.h"
#include "tests/unit/persister/chronicle.h"

static zsock_t *edge;
static zactor_t *reader;
static uint8_t got[1 << 16];
static size_t got_size;

static void s_set_up(void)
{
    s_set_up_store();
    s_write(1, 300);
    zsock_t *query = zsock_new_router("inproc://query");
    edge = zsock_new_dealer("inproc://query");
    zsock_set_rcvtimeo(edge, 10000);
    reader = reader_new(url, &query);
    ck_assert_ptr_nonnull(reader);
    ck_assert_ptr_null(query); /* it is the reader's */
    zsock_set_rcvtimeo(reader, 10000);
}

static void s_tear_down(void)
{
    zsock_destroy(&edge);
    zactor_destroy(&reader);
    s_tear_down_store();
}

static void s_send(const void *bytes, size_t size)
{
    ck_assert_int_eq(zmq_send(zsock_resolve(edge), bytes, size, 0), (int)size);
}

static void s_ask(bus_type_t type, const bus_query_t *query)
{
    uint8_t bytes[BUS_SMALL_MAX];
    s_send(bytes, bus_put_query(bytes, type, query));
    int size = zmq_recv(zsock_resolve(edge), got, sizeof got, 0);
    ck_assert_int_gt(size, 0);
    got_size = (size_t)size;
}

static bus_answer_t s_look_up(bus_type_t type, const bus_query_t *query)
{
    bus_answer_t answer;
    s_ask(type, query);
    ck_assert_int_eq(bus_decode_answer(&answer, got, got_size), 0);
    ck_assert_uint_eq(answer.ticket, query->ticket);
    return answer;
}

/* The counters when they are told next. */
static reader_news_t s_news(void)
{
    reader_news_t news;
    zframe_t *frame = zframe_recv(reader);
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(zframe_size(frame), sizeof news);
    memcpy(&news, zframe_data(frame), sizeof news);
    zframe_destroy(&frame);
    return news;
}

/* The newest record of a pixel, or of a user where x < 0. */
static const record_t *s_newest(int x, int y, uint64_t user)
{
    for (size_t i = 300; i--;)
        if (x < 0 ? told[i].user == user : told[i].x == x && told[i].y == y)
            return &told[i];
    return NULL;
}

START_TEST(a_pixel_and_a_user_have_a_newest_placement)
{
    const record_t *some = &told[123];
    bus_answer_t answer = s_look_up(
        BUS_PIXEL, &(bus_query_t){.ticket = 5, .x = some->x, .y = some->y});
    ck_assert_uint_eq(answer.status, BUS_FOUND);
    ck_assert_uint_eq(answer.record.seq, s_newest(some->x, some->y, 0)->seq);
    answer =
        s_look_up(BUS_USER, &(bus_query_t){.ticket = 6, .user = some->user});
    ck_assert_uint_eq(answer.status, BUS_FOUND);
    ck_assert_uint_eq(answer.record.seq, s_newest(-1, 0, some->user)->seq);
    ck_assert_uint_eq(answer.record.user, some->user);
}
END_TEST

START_TEST(who_never_placed_is_not_found)
{
    bus_answer_t answer =
        s_look_up(BUS_USER, &(bus_query_t){.ticket = 7, .user = 1000});
    ck_assert_uint_eq(answer.status, BUS_NONE);
    answer = s_look_up(BUS_PIXEL, &(bus_query_t){.ticket = 8, .x = 60000});
    ck_assert_uint_eq(answer.status, BUS_NONE);
}
END_TEST

START_TEST(a_pixels_history_is_a_page)
{
    const record_t *some = &told[123];
    bus_page_t page;
    s_ask(BUS_HISTORY, &(bus_query_t){.ticket = 9,
                                      .x = some->x,
                                      .y = some->y,
                                      .from = UINT64_MAX,
                                      .max = 100});
    ck_assert_int_eq(bus_decode_page(&page, got, got_size), 0);
    ck_assert_uint_eq(page.ticket, 9);
    ck_assert_uint_eq(page.status, BUS_FOUND);
    ck_assert_uint_eq(record_decode(page.bytes).seq,
                      s_newest(some->x, some->y, 0)->seq);
}
END_TEST

START_TEST(each_answer_is_counted_by_its_status)
{
    s_look_up(BUS_USER, &(bus_query_t){.user = told[9].user});
    reader_news_t news = s_news();
    ck_assert_uint_eq(news.found, 1);
    ck_assert_uint_eq(news.none + news.failed + news.bad + news.too_much, 0);
    s_send("x", 1); /* no question */
    s_look_up(BUS_USER, &(bus_query_t){.user = 1000});
    s_look_up(BUS_USER, &(bus_query_t){.user = 1000});
    news = s_news();
    ck_assert_uint_eq(news.found, 1);
    ck_assert_uint_eq(news.none, 2);
    ck_assert_uint_eq(news.bad, 1);
    ck_assert_uint_eq(news.refused + news.stale, 0);
}
END_TEST

START_TEST(a_store_that_is_not_there_fails)
{
    zactor_destroy(&reader);
    char other[220];
    snprintf(other, sizeof other, "sqlite:%s/none/history.db", folder);
    zsock_t *query = zsock_new_router("inproc://other");
    zsock_destroy(&edge);
    edge = zsock_new_dealer("inproc://other");
    zsock_set_rcvtimeo(edge, 10000);
    reader = reader_new(other, &query);
    bus_answer_t answer = s_look_up(BUS_USER, &(bus_query_t){.user = 1});
    ck_assert_uint_eq(answer.status, BUS_STORE_FAILED);
    ck_assert_uint_eq(s_news().failed, 1);
}
END_TEST

START_TEST(a_malformed_url_makes_no_reader)
{
    zsock_t *query = zsock_new_router("inproc://nobody");
    ck_assert_ptr_null(reader_new("nonsense", &query));
    ck_assert_ptr_nonnull(query);
    zsock_destroy(&query);
}
END_TEST

Suite *suite_persister_reader(void);
Suite *suite_persister_reader(void)
{
    Suite *suite = suite_create("persister/reader");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, a_pixel_and_a_user_have_a_newest_placement);
    tcase_add_test(all, who_never_placed_is_not_found);
    tcase_add_test(all, a_pixels_history_is_a_page);
    tcase_add_test(all, each_answer_is_counted_by_its_status);
    tcase_add_test(all, a_store_that_is_not_there_fails);
    tcase_add_test(all, a_malformed_url_makes_no_reader);
    suite_add_tcase(suite, all);
    return suite;
}
