/* SPDX-License-Identifier: Apache-2.0
 *
 * Every state of the machine and every event: what it says, and where it goes.
 */
#include "edge/leadership.h"

#include <check.h>

Suite *suite_edge_leadership(void);

#define LEASE_MS 3000
#define HEARD_MS 100000
#define DEAF_MS (HEARD_MS + LEASE_MS + LEADERSHIP_GRACE_MS)
#define NOBODY LEADERSHIP_NOBODY
#define NOTHING UINT64_MAX

static leadership_t self;

/* Broker 1 led in epoch 7 and was heard at HEARD_MS; if it was not meant to,
 * it has fallen silent since. */
static void s_start(bool led, bool known)
{
    leadership_init(&self);
    bus_beat_t beat = {.epoch = 7, .lease_ms = LEASE_MS, .online = 5};
    if (known)
        leadership_on_beat(&self, 1, &beat, HEARD_MS);
    if (known && !led)
        leadership_tick(&self, NOTHING, DEAF_MS + 1);
}

START_TEST(beats)
{
    static const struct {
        bool led, known; /* before: nobody was ever known, was lost, leads */
        size_t from;
        uint32_t epoch;
        leadership_news_t news;
        size_t leader;
    } cases[] = {
        {false, false, 0, 1, LEADERSHIP_NEW, 0},
        {false, false, 1, 7, LEADERSHIP_NEW, 1},
        {false, true, 1, 7, LEADERSHIP_NEW, 1}, /* it is back */
        {false, true, 0, 7, LEADERSHIP_NEW, 0},
        {false, true, 0, 6, LEADERSHIP_LOWER, NOBODY}, /* was deposed before */
        {false, true, 0, 8, LEADERSHIP_NEW, 0},
        {true, true, 1, 7, LEADERSHIP_SAME, 1},
        {true, true, 0, 7, LEADERSHIP_SAME,
         1}, /* two of one epoch: the first */
        {true, true, 0, 6, LEADERSHIP_LOWER, 1},
        {true, true, 1, 6, LEADERSHIP_LOWER, NOBODY}, /* has forgotten */
        {true, true, 0, 8, LEADERSHIP_NEW, 0},
        {true, true, 1, 8, LEADERSHIP_NEW, 1}, /* a new time of the same one */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_start(cases[i].led, cases[i].known);
        bus_beat_t beat = {.epoch = cases[i].epoch, .lease_ms = 1};
        ck_assert_msg(leadership_on_beat(&self, cases[i].from, &beat,
                                         DEAF_MS + 2) == cases[i].news,
                      "case %zu", i);
        ck_assert_msg(self.leader == cases[i].leader, "case %zu", i);
        ck_assert_int_eq(leadership_exists(&self), cases[i].leader != NOBODY);
    }
}
END_TEST

START_TEST(ticks)
{
    static const struct {
        bool led;
        uint64_t waits_since_ms, now_ms;
        leadership_news_t news;
        size_t leader;
    } cases[] = {
        {false, NOTHING, DEAF_MS + 5000, LEADERSHIP_SAME, NOBODY},
        {false, HEARD_MS, DEAF_MS + 5000, LEADERSHIP_SAME, NOBODY},
        {true, NOTHING, DEAF_MS, LEADERSHIP_SAME, 1},
        {true, NOTHING, DEAF_MS + 1, LEADERSHIP_LOST, NOBODY},
        {true, HEARD_MS, DEAF_MS + 1, LEADERSHIP_LOST, NOBODY},
        {true, HEARD_MS, HEARD_MS + 1499, LEADERSHIP_SAME, 1},
        {true, HEARD_MS, HEARD_MS + 1500, LEADERSHIP_RESEND, 1},
        {true, HEARD_MS + 1, HEARD_MS + 1500, LEADERSHIP_SAME, 1},
        {true, HEARD_MS + 9, HEARD_MS + 3, LEADERSHIP_SAME, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_start(cases[i].led, true);
        ck_assert_msg(leadership_tick(&self, cases[i].waits_since_ms,
                                      cases[i].now_ms) == cases[i].news,
                      "case %zu", i);
        ck_assert_msg(self.leader == cases[i].leader, "case %zu", i);
    }
}
END_TEST

/* A link that was down for 2.1 s: what was sent just before goes out again in
 * time, and not in every tick. */
START_TEST(what_is_unanswered_goes_out_again_and_again_but_seldom)
{
    unsigned resent = 0;
    s_start(true, true);
    for (uint64_t now_ms = HEARD_MS; now_ms <= HEARD_MS + 5000; now_ms += 50)
        resent += leadership_tick(&self, HEARD_MS, now_ms) == LEADERSHIP_RESEND;
    ck_assert_uint_eq(resent, 3);
}
END_TEST

START_TEST(the_leaders_last_beat_counts)
{
    s_start(true, true);
    bus_beat_t beat = {.epoch = 7, .lease_ms = LEASE_MS, .online = 9};
    leadership_on_beat(&self, 1, &beat, HEARD_MS + 4000);
    ck_assert_uint_eq(self.online, 9);
    ck_assert_int_eq(leadership_tick(&self, NOTHING, DEAF_MS + 4000),
                     LEADERSHIP_SAME);
    ck_assert_int_eq(leadership_tick(&self, NOTHING, DEAF_MS + 4001),
                     LEADERSHIP_LOST);
}
END_TEST

START_TEST(a_diff_of_this_epoch_counts_as_well)
{
    s_start(true, true);
    leadership_on_diff(&self, 0, 7, HEARD_MS + 4000);
    leadership_on_diff(&self, 1, 6, HEARD_MS + 4000);
    ck_assert_uint_eq(self.heard_ms, HEARD_MS);
    leadership_on_diff(&self, 1, 7, HEARD_MS + 4000);
    ck_assert_int_eq(leadership_tick(&self, NOTHING, DEAF_MS + 4000),
                     LEADERSHIP_SAME);
}
END_TEST

Suite *suite_edge_leadership(void)
{
    Suite *suite = suite_create("edge/leadership");
    TCase *tcase = tcase_create("leadership");
    tcase_add_test(tcase, beats);
    tcase_add_test(tcase, ticks);
    tcase_add_test(tcase,
                   what_is_unanswered_goes_out_again_and_again_but_seldom);
    tcase_add_test(tcase, the_leaders_last_beat_counts);
    tcase_add_test(tcase, a_diff_of_this_epoch_counts_as_well);
    suite_add_tcase(suite, tcase);
    return suite;
}
