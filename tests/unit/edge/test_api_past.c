/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about the past, before a store that answers when told.
 */
#include "tests/unit/edge/api_stage.h"

Suite *suite_edge_api_past(void);

START_TEST(questions_about_the_past_that_make_no_sense)
{
    static const struct {
        const char *path, *query;
        unsigned status;
    } bad[] = {
        {"/api/v1/pixels/1/1/history", "limit=0", 400},
        {"/api/v1/pixels/1/1/history", "limit=101", 400},
        {"/api/v1/pixels/1/1/history", "limit=-1", 400},
        {"/api/v1/pixels/1/1/history", "limit=x", 400},
        {"/api/v1/pixels/1/1/history", "limit=", 400},
        {"/api/v1/pixels/1/1/history", "before=1.5", 400},
        {"/api/v1/pixels/1/1/history", "before=0", 422},
        {"/api/v1/pixels/1/1/history", "before=-7", 422},
        {"/api/v1/pixels/x/1/history", "", 400},
        {"/api/v1/pixels/30/1/history", "", 422},
        {"/api/v1/pixels/1/-1/history", "", 422},
        {"/api/v1/diffs", "from=1", 400},
        {"/api/v1/diffs", "to=1", 400},
        {"/api/v1/diffs", "", 400},
        {"/api/v1/diffs", "from=a&to=1", 400},
        {"/api/v1/diffs", "from=1&to=2e3", 400},
        {"/api/v1/diffs", "from=2&to=1", 422},
        {"/api/v1/diffs", "from=-1&to=1", 422},
        {"/api/v1/diffs", "from=1&to=8", 422},
        {"/api/v1/diffs", "from=1&to=99999999999999999999999", 422},
    };
    s_feed();
    s_new(VERB_GET, bad[_i].path);
    s_query(bad[_i].query);
    s_expect_problem(bad[_i].status,
                     bad[_i].status == 400 ? "bad_request" : "out_of_bounds");
    ck_assert_uint_eq(asked, 0);
}
END_TEST

/* The last question's answer. */
static void s_answer(uint8_t status, const void *bytes, size_t size)
{
    bus_page_t page = {
        .status = status, .next = 3, .bytes = bytes, .size = size};
    on_page(page_context, &page);
}

static void s_ask(const char *path, const char *query)
{
    s_new(VERB_GET, path);
    s_query(query);
    api_handle(exchange);
}

START_TEST(history_is_asked_once_and_answered_as_json)
{
    uint8_t bytes[RECORD_BYTES];
    record_t record = {.seq = 5,
                       .placed_at_ms = 77,
                       .user = 0xabc,
                       .x = 1,
                       .y = 1,
                       .color = 9};
    record_encode(bytes, &record);
    s_feed();
    s_ask("/api/v1/pixels/1/1/history", "limit=2&before=99999999999999999999");
    ck_assert_uint_eq(asked, BUS_HISTORY);
    ck_assert_uint_eq(asked_for.max, 2);
    ck_assert_uint_eq(replies, 0);
    s_answer(BUS_FOUND, bytes, sizeof bytes);
    ck_assert_uint_eq(replies, 1);
    ck_assert_uint_eq(exchange->status, 200);
    static const char text[] =
        "{\"placements\":[{\"seq\":5,\"placed_at\":77,"
        "\"user\":\"0000000000000abc\",\"color\":9}],\"before\":3}";
    ck_assert_uint_eq(exchange->blob->size, sizeof text - 1);
    ck_assert(!memcmp(exchange->blob->bytes, text, sizeof text - 1));
    asked = 0;
    s_ask("/api/v1/pixels/1/1/history", "limit=2");
    ck_assert_uint_eq(asked, 0);
    ck_assert_uint_eq(replies, 1);
    s_ask("/api/v1/pixels/1/1/history", "limit=2&before=4");
    ck_assert_uint_eq(asked, BUS_HISTORY);
    ck_assert_uint_eq(asked_for.from, 4);
}
END_TEST

START_TEST(diffs_are_kept_and_what_fails_is_not)
{
    s_feed();
    s_ask("/api/v1/diffs", "from=2&to=7");
    ck_assert_uint_eq(asked, BUS_PAST_DIFF);
    ck_assert(asked_for.from == 2 && asked_for.to == 7 &&
              asked_for.width == 30 && asked_for.height == 20 &&
              asked_for.bits == 4);
    s_answer(BUS_STORE_FAILED, NULL, 0);
    ck_assert_uint_eq(exchange->status, 503);
    asked = 0;
    s_ask("/api/v1/diffs", "from=2&to=7");
    ck_assert_uint_eq(asked, BUS_PAST_DIFF);
    s_answer(BUS_FOUND, "diff", 4);
    ck_assert_uint_eq(exchange->status, 200);
    ck_assert(s_head_has("immutable"));
    asked = 0;
    s_ask("/api/v1/diffs", "from=2&to=7");
    ck_assert_uint_eq(asked, 0);
    ck_assert_uint_eq(exchange->status, 200);
    s_ask("/api/v1/diffs", "from=0&to=7");
    s_answer(BUS_TOO_MUCH, NULL, 0);
    ck_assert_uint_eq(exchange->status, 413);
}
END_TEST

START_TEST(who_leaves_before_the_past_comes_is_not_answered)
{
    s_feed();
    s_ask("/api/v1/snapshots", "");
    ck_assert_uint_eq(asked, BUS_SNAPSHOTS);
    exchange_destroy(&exchange);
    s_answer(BUS_FOUND, NULL, 0);
    ck_assert_uint_eq(replies, 0);
    s_ask("/api/v1/snapshots", "");
    ck_assert_uint_eq(replies, 1);
    ck_assert_uint_eq(exchange->blob->size, sizeof "{\"snapshots\":[]}" - 1);
}
END_TEST

START_TEST(an_address_may_ask_the_store_so_often)
{
    connection_t connection = {.address = {{1, 2, 3}}};
    config.lookups_per_address = 2;
    s_feed();
    for (int seq = 1; seq <= 3; seq++) {
        char query[32];
        snprintf(query, sizeof query, "before=%d", seq);
        s_new(VERB_GET, "/api/v1/pixels/1/1/history");
        exchange->connection = &connection;
        s_query(query);
        api_handle(exchange);
        if (seq <= 2)
            s_answer(BUS_FOUND, NULL, 0);
    }
    ck_assert_uint_eq(exchange->status, 429);
    s_new(VERB_GET, "/api/v1/pixels/1/1/history");
    exchange->connection = &connection;
    s_query("before=2");
    s_expect(200); /* the edge knows it */
}
END_TEST

START_TEST(each_pixel_has_a_history_of_its_own)
{
    s_feed();
    for (unsigned pixel = 0; pixel < 30 * 20; pixel++) {
        char path[64];
        snprintf(path, sizeof path, "/api/v1/pixels/%u/%u/history", pixel % 30,
                 pixel / 30);
        asked = 0;
        s_ask(path, "");
        ck_assert_uint_eq(asked, BUS_HISTORY);
        ck_assert_uint_eq(asked_for.x, pixel % 30);
        ck_assert_uint_eq(asked_for.y, pixel / 30);
        s_answer(BUS_FOUND, NULL, 0);
    }
}
END_TEST

Suite *suite_edge_api_past(void)
{
    Suite *suite = suite_create("edge/api_past");
    TCase *tcase = tcase_create("past");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_loop_test(tcase, questions_about_the_past_that_make_no_sense, 0,
                        20);
    tcase_add_test(tcase, history_is_asked_once_and_answered_as_json);
    tcase_add_test(tcase, diffs_are_kept_and_what_fails_is_not);
    tcase_add_test(tcase, who_leaves_before_the_past_comes_is_not_answered);
    tcase_add_test(tcase, an_address_may_ask_the_store_so_often);
    tcase_add_test(tcase, each_pixel_has_a_history_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}
