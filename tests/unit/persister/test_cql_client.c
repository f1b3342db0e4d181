/* SPDX-License-Identifier: Apache-2.0
 *
 * Which errors of a CQL server pass by themselves. The client's loop is tested
 * against a real server and a proxy (tests/integration/test_stores.py).
 */
#include "persister/cassandra/cql_client.h"

#include <check.h>

Suite *suite_persister_cql_client(void);

START_TEST(overload_and_outages_are_tried_again)
{
    static const int32_t passing[] = {
        CQL_ERROR_OVERLOADED,    CQL_ERROR_UNAVAILABLE,
        CQL_ERROR_BOOTSTRAPPING, CQL_ERROR_WRITE_TIMEOUT,
        CQL_ERROR_READ_TIMEOUT,  CQL_ERROR_SERVER,
        CQL_ERROR_UNPREPARED};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        ck_assert(cql_may_retry(passing[i]));
}
END_TEST

START_TEST(what_needs_a_hand_is_not)
{
    static const int32_t lasting[] = {
        CQL_ERROR_CREDENTIALS, CQL_ERROR_UNAUTHORIZED, CQL_ERROR_SYNTAX,
        CQL_ERROR_INVALID,     CQL_ERROR_CONFIG,       CQL_ERROR_EXISTS};
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        ck_assert(!cql_may_retry(lasting[i]));
}
END_TEST

Suite *suite_persister_cql_client(void)
{
    Suite *suite = suite_create("persister/cassandra/cql_client");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, overload_and_outages_are_tried_again);
    tcase_add_test(facts, what_needs_a_hand_is_not);
    suite_add_tcase(suite, facts);
    return suite;
}
