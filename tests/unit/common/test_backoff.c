/* SPDX-License-Identifier: Apache-2.0 */
#include "common/backoff.h"

#include <check.h>

#define BASE 25u
#define CAP 2000u

START_TEST(waits_lie_between_base_and_a_doubling_top)
{
    for (int round = 0; round < 200; round++) {
        backoff_t backoff = backoff_of(BASE, CAP);
        uint32_t top = BASE;
        for (int i = 0; i < 12; i++) {
            uint32_t wait_ms = backoff_next_ms(&backoff);
            ck_assert_uint_ge(wait_ms, BASE);
            ck_assert_uint_le(wait_ms, top);
            top = top * 2 < CAP ? top * 2 : CAP;
        }
    }
}
END_TEST

/* Those who failed together do not come back together. */
START_TEST(waits_are_spread_over_their_range)
{
    enum { WAITS = 1000, PARTS = 10 };
    unsigned parts[PARTS] = {0};
    for (int i = 0; i < WAITS; i++) {
        backoff_t backoff = backoff_of(1, CAP);
        backoff.tries = 20;
        parts[(backoff_next_ms(&backoff) - 1) * PARTS / CAP]++;
    }
    for (int i = 0; i < PARTS; i++) {
        ck_assert_uint_gt(parts[i], WAITS / PARTS / 3);
        ck_assert_uint_lt(parts[i], WAITS / PARTS * 3);
    }
}
END_TEST

START_TEST(reset_begins_anew)
{
    backoff_t backoff = backoff_of(BASE, CAP);
    for (int i = 0; i < 10; i++)
        backoff_next_ms(&backoff);
    backoff_reset(&backoff);
    ck_assert_uint_eq(backoff_next_ms(&backoff), BASE);
}
END_TEST

Suite *suite_common_backoff(void);
Suite *suite_common_backoff(void)
{
    Suite *suite = suite_create("common/backoff");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, waits_lie_between_base_and_a_doubling_top);
    tcase_add_test(facts, waits_are_spread_over_their_range);
    tcase_add_test(facts, reset_begins_anew);
    suite_add_tcase(suite, facts);
    return suite;
}
