/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/liveness.h"

#include <check.h>

Suite *suite_edge_liveness(void);

/* Also over the wrap of the clock. */
static const uint32_t s_starts[] = {1000, UINT32_MAX - 30};

START_TEST(quiet_peer_is_pinged_and_is_silent_after_a_minute)
{
    uint32_t start = s_starts[_i];
    liveness_t peer = liveness_of(start, 0);
    for (uint32_t s = 0; s < LIVENESS_SILENT_S; s++)
        ck_assert_int_eq(liveness_look(&peer, start + s),
                         s == 25 || s == 50 ? LIVENESS_PING : LIVENESS_FINE);
    ck_assert_int_eq(liveness_look(&peer, start + LIVENESS_SILENT_S),
                     LIVENESS_SILENT);
}
END_TEST

START_TEST(heard_peer_is_never_silent)
{
    uint32_t start = s_starts[_i];
    liveness_t peer = liveness_of(start, 24);
    for (uint32_t s = 0; s < 500; s++) {
        ck_assert_int_ne(liveness_look(&peer, start + s), LIVENESS_SILENT);
        if (s % 59 == 0)
            liveness_heard(&peer, start + s);
    }
}
END_TEST

START_TEST(first_ping_may_be_early)
{
    liveness_t peer = liveness_of(100, 20);
    ck_assert_int_eq(liveness_look(&peer, 104), LIVENESS_FINE);
    ck_assert_int_eq(liveness_look(&peer, 105), LIVENESS_PING);
    ck_assert_int_eq(liveness_look(&peer, 129), LIVENESS_FINE);
    ck_assert_int_eq(liveness_look(&peer, 130), LIVENESS_PING);
}
END_TEST

START_TEST(blocked_peer_is_slow_after_a_minute_without_progress)
{
    uint32_t start = s_starts[_i];
    liveness_t peer = liveness_of(start, 0);
    for (uint32_t s = 0; s < 300; s++) /* it reads a little now and then */
        ck_assert_int_eq(liveness_look_blocked(&peer, start + s, s / 50 * 1000),
                         LIVENESS_FINE);
    ck_assert(liveness_is_blocked(&peer));
    for (uint32_t s = 300; s < 310; s++)
        liveness_look_blocked(&peer, start + s, 5000);
    ck_assert_int_eq(liveness_look_blocked(&peer, start + 311, 5000),
                     LIVENESS_SLOW);
}
END_TEST

START_TEST(who_reads_again_is_no_longer_blocked)
{
    liveness_t peer = liveness_of(100, 0);
    liveness_look_blocked(&peer, 100, 5);
    ck_assert_int_eq(liveness_look(&peer, 101), LIVENESS_FINE);
    ck_assert(!liveness_is_blocked(&peer));
    ck_assert_int_eq(liveness_look_blocked(&peer, 159, 5), LIVENESS_FINE);
    ck_assert_int_eq(liveness_look_blocked(&peer, 218, 5), LIVENESS_FINE);
    ck_assert_int_eq(liveness_look_blocked(&peer, 219, 5), LIVENESS_SLOW);
}
END_TEST

START_TEST(end_is_waited_for_for_ten_seconds)
{
    liveness_t peer = liveness_of(100, 0);
    liveness_end(&peer, 100);
    ck_assert(!liveness_is_over(&peer, 109));
    ck_assert(liveness_is_over(&peer, 110));
}
END_TEST

Suite *suite_edge_liveness(void)
{
    Suite *suite = suite_create("edge/liveness");
    TCase *tcase = tcase_create("liveness");
    tcase_add_loop_test(
        tcase, quiet_peer_is_pinged_and_is_silent_after_a_minute, 0, 2);
    tcase_add_loop_test(tcase, heard_peer_is_never_silent, 0, 2);
    tcase_add_test(tcase, first_ping_may_be_early);
    tcase_add_loop_test(
        tcase, blocked_peer_is_slow_after_a_minute_without_progress, 0, 2);
    tcase_add_test(tcase, who_reads_again_is_no_longer_blocked);
    tcase_add_test(tcase, end_is_waited_for_for_ten_seconds);
    suite_add_tcase(suite, tcase);
    return suite;
}
