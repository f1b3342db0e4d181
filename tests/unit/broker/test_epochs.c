/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/epochs.h"

#include <check.h>

Suite *suite_broker_epochs(void);

START_TEST(a_higher_epoch_is_believed)
{
    epochs_t epochs = {0};
    ck_assert(epochs_hear(&epochs, 7, 9, 1000));
    ck_assert_uint_eq(epochs.told, 9);
    ck_assert(epochs_hear(&epochs, 7, 8, 1000)); /* nothing new */
    ck_assert_uint_eq(epochs.told, 9);
}
END_TEST

START_TEST(one_too_far_ahead_is_not_believed)
{
    epochs_t epochs = {0};
    ck_assert(!epochs_hear(&epochs, 7, 8 + EPOCH_STEP_MAX, 1000));
    ck_assert_uint_eq(epochs.told, 0);
    ck_assert(epochs_hear(&epochs, 7, 7 + EPOCH_STEP_MAX, 1000));
}
END_TEST

START_TEST(an_edge_that_raises_again_and_again_is_slowed_down)
{
    epochs_t epochs = {0};
    uint64_t now_ms = 1000000;
    for (uint32_t i = 1; i <= EPOCHS_BELIEVED; i++)
        ck_assert(epochs_hear(&epochs, 0, i, now_ms += 10));
    ck_assert(!epochs_hear(&epochs, 0, EPOCHS_BELIEVED + 1, now_ms += 10));
    ck_assert_uint_eq(epochs.told, EPOCHS_BELIEVED);
    now_ms += EPOCHS_WITHIN_MS;
    ck_assert(epochs_hear(&epochs, 0, EPOCHS_BELIEVED + 1, now_ms));
}
END_TEST

START_TEST(edges_never_use_the_numbers_up)
{
    epochs_t epochs = {0};
    uint64_t now_ms = 0;
    for (int i = 0; i < 10000; i++)
        epochs_hear(&epochs, 0, epochs.told + EPOCH_STEP_MAX,
                    now_ms += EPOCHS_WITHIN_MS);
    ck_assert_uint_le(epochs.told, EPOCH_TOLD_MAX);
    ck_assert_uint_gt(epochs.told, EPOCH_TOLD_MAX - EPOCH_STEP_MAX);
    ck_assert(!epochs_hear(&epochs, EPOCH_TOLD_MAX, EPOCH_TOLD_MAX + 1,
                           now_ms + EPOCHS_WITHIN_MS));
}
END_TEST

Suite *suite_broker_epochs(void)
{
    Suite *suite = suite_create("broker/epochs");
    TCase *tc = tcase_create("epochs");
    tcase_add_test(tc, a_higher_epoch_is_believed);
    tcase_add_test(tc, one_too_far_ahead_is_not_believed);
    tcase_add_test(tc, an_edge_that_raises_again_and_again_is_slowed_down);
    tcase_add_test(tc, edges_never_use_the_numbers_up);
    suite_add_tcase(suite, tc);
    return suite;
}
