/* SPDX-License-Identifier: Apache-2.0
 *
 * Placements that go on to a broker, who is not there.
 */
#include "edge/uplink.h"
#include "tests/unit/edge/api_stage.h"

Suite *suite_edge_api_place(void);

static void s_setup_uplink(void)
{
    s_setup();
    config.brokers = (char *)"ipc:///nonexistent/broker";
    config.common.curve = (char *)"off";
    edge.uplink = uplink_new(&edge);
    ck_assert_ptr_nonnull(edge.uplink);
    s_feed();
}

static void s_teardown_uplink(void)
{
    exchange_destroy(&exchange);
    uplink_destroy(&edge.uplink);
    s_teardown();
}

static void s_new_placement(int color)
{
    static char body[32];
    snprintf(body, sizeof body, "{\"color\":%d}", color);
    s_new(VERB_PUT, "/api/v1/pixels/1/1");
    s_sign();
    s_body(body);
}

START_TEST(every_color_of_the_palette_may_be_placed_and_no_other)
{
    for (int color = 0; color < 16; color++) {
        s_new_placement(color);
        api_handle(exchange);
        ck_assert_uint_eq(replies, 0); /* the broker is asked */
    }
    s_new_placement(16);
    s_expect_problem(422, "bad_color");
    s_new_placement(-1);
    s_expect_problem(422, "bad_color");
}
END_TEST

Suite *suite_edge_api_place(void)
{
    Suite *suite = suite_create("edge/api_place");
    TCase *tcase = tcase_create("api_place");
    tcase_add_checked_fixture(tcase, s_setup_uplink, s_teardown_uplink);
    tcase_add_test(tcase,
                   every_color_of_the_palette_may_be_placed_and_no_other);
    suite_add_tcase(suite, tcase);
    return suite;
}
