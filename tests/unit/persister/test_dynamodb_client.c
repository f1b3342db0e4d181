/* SPDX-License-Identifier: Apache-2.0
 *
 * What each of DynamoDB's errors asks for. The calls themselves are tested
 * against a real server and a scripted one (tests/integration/test_stores.py).
 */
#include "persister/dynamodb/dynamodb_client.h"

#include <check.h>

Suite *suite_persister_dynamodb_client(void);

START_TEST(throttling_and_outages_wait)
{
    static const char *const codes[] = {
        "ProvisionedThroughputExceededException", "ThrottlingException",
        "RequestLimitExceeded", "TransactionInProgressException"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        ck_assert_int_eq(dynamodb_action(400, codes[i], ""), DYNAMODB_WAIT);
    ck_assert_int_eq(dynamodb_action(500, "", ""), DYNAMODB_WAIT);
    ck_assert_int_eq(dynamodb_action(503, "", ""), DYNAMODB_WAIT);
    ck_assert_int_eq(dynamodb_action(0, "", ""), DYNAMODB_WAIT);
}
END_TEST

START_TEST(refused_credentials_are_renewed)
{
    ck_assert_int_eq(dynamodb_action(400, "ExpiredTokenException", ""),
                     DYNAMODB_RENEW);
    ck_assert_int_eq(dynamodb_action(400, "UnrecognizedClientException", ""),
                     DYNAMODB_RENEW);
}
END_TEST

START_TEST(old_signatures_are_the_clocks_fault)
{
    ck_assert_int_eq(dynamodb_action(400, "InvalidSignatureException",
                                     "Signature expired: 2026 is now earlier "
                                     "than 2026"),
                     DYNAMODB_CLOCK);
    ck_assert_int_eq(dynamodb_action(400, "InvalidSignatureException",
                                     "The request signature we calculated does "
                                     "not match"),
                     DYNAMODB_RENEW);
}
END_TEST

START_TEST(anything_else_fails)
{
    ck_assert_int_eq(dynamodb_action(400, "ResourceNotFoundException", ""),
                     DYNAMODB_FAIL);
    ck_assert_int_eq(dynamodb_action(400, "ValidationException", ""),
                     DYNAMODB_FAIL);
    ck_assert_int_eq(dynamodb_action(403, "AccessDeniedException", ""),
                     DYNAMODB_FAIL);
}
END_TEST

Suite *suite_persister_dynamodb_client(void)
{
    Suite *suite = suite_create("persister/dynamodb/dynamodb_client");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, throttling_and_outages_wait);
    tcase_add_test(facts, refused_credentials_are_renewed);
    tcase_add_test(facts, old_signatures_are_the_clocks_fault);
    tcase_add_test(facts, anything_else_fails);
    suite_add_tcase(suite, facts);
    return suite;
}
