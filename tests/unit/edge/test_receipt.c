/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/receipt.h"

#include "common/wire.h"

#include <check.h>

Suite *suite_edge_receipt(void);

static receipt_t receipt;

static void s_take(uint32_t epoch, uint64_t seq, bool of_leader)
{
    bus_place_t place = {.user = 7, .request = (uint32_t)seq};
    bus_verdict_t verdict = {.status = VERDICT_OK, .seq = seq};
    receipt_take(&receipt, epoch, &place, &verdict, of_leader, 1000);
}

static uint64_t s_due(uint64_t now_ms)
{
    const bus_acked_t *acked = receipt_due(&receipt, now_ms);
    return acked ? acked->seq : 0;
}

START_TEST(the_newest_is_told_to_a_new_leader_for_a_while)
{
    receipt = (receipt_t){0};
    s_take(1, 5, true);
    s_take(1, 4, true);
    ck_assert_uint_eq(s_due(1000), 0);
    receipt_new_leader(&receipt, 2000);
    ck_assert_uint_eq(s_due(2000), 5);
    ck_assert_uint_eq(receipt_due(&receipt, 2000)->user, 7);
    s_take(2, 6, true); /* by the new one: its own business */
    ck_assert_uint_eq(s_due(2000 + RECEIPT_TELL_MS - 1), 5);
    ck_assert_uint_eq(s_due(2000 + RECEIPT_TELL_MS), 0);
}
END_TEST

START_TEST(a_late_verdict_of_the_old_leader_is_told)
{
    receipt = (receipt_t){0};
    s_take(1, 5, true);
    receipt_new_leader(&receipt, 900);
    s_take(2, 6, false);
    ck_assert_uint_eq(s_due(1000), 6);
}
END_TEST

START_TEST(behind_a_loss_lower_seqs_count)
{
    receipt = (receipt_t){0};
    s_take(1, 50, true);
    s_take(2, 20, true);
    ck_assert_uint_eq(receipt_seq(&receipt), 20);
}
END_TEST

START_TEST(refusals_are_no_receipts)
{
    receipt = (receipt_t){0};
    bus_place_t place = {.user = 7};
    bus_verdict_t verdict = {.status = VERDICT_COOLDOWN};
    receipt_take(&receipt, 1, &place, &verdict, false, 1000);
    receipt_new_leader(&receipt, 1000);
    ck_assert_uint_eq(s_due(1000), 0);
}
END_TEST

Suite *suite_edge_receipt(void)
{
    Suite *suite = suite_create("edge/receipt");
    TCase *tc = tcase_create("receipt");
    tcase_add_test(tc, the_newest_is_told_to_a_new_leader_for_a_while);
    tcase_add_test(tc, a_late_verdict_of_the_old_leader_is_told);
    tcase_add_test(tc, behind_a_loss_lower_seqs_count);
    tcase_add_test(tc, refusals_are_no_receipts);
    suite_add_tcase(suite, tc);
    return suite;
}
