/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is let in, and under which reason the others are counted.
 */
#include "tests/unit/edge/clients.h"

#include "edge/admission.h"

#include <check.h>

Suite *suite_edge_admission(void);

static const address_t s_peer = {{[15] = 9}};
static admission_t *admission;

static void s_new(uint64_t files, int64_t sessions_max)
{
    clients_config.max_connections = sessions_max;
    clients_config.handshake_rate = 10;
    admission = admission_new(&clients_edge, files);
}

static void s_setup(void)
{
    clients_setup();
}

static void s_teardown(void)
{
    admission_destroy(&admission);
    clients_teardown();
}

START_TEST(descriptors_bound_the_sessions_and_leave_a_reserve)
{
    s_new(1024, 0);
    ck_assert_uint_eq(admission_sessions_max(admission), 1024 - 276);
    admission_destroy(&admission);
    s_new(1024, 100);
    ck_assert_uint_eq(admission_sessions_max(admission), 100);
    admission_destroy(&admission);
    s_new(1024, 100000);
    ck_assert_uint_eq(admission_sessions_max(admission), 1024 - 276);
    admission_destroy(&admission);
    s_new(64, 0); /* less than the reserve */
    ck_assert_uint_eq(admission_sessions_max(admission), 32);
}
END_TEST

START_TEST(sockets_end_a_little_behind_the_sessions)
{
    s_new(1024, 2);
    connection_t *let_in[256];
    size_t count = 0;
    while (count < 256 &&
           (let_in[count] = admission_socket(admission, &s_peer)))
        count++;
    ck_assert_uint_eq(count, 2 + 138);
    ck_assert_int_eq(clients_edge.metrics[EDGE_ACCEPTED], (int64_t)count + 1);
    ck_assert_int_eq(clients_edge.metrics[EDGE_REFUSED_FULL], 1);
    connection_destroy(&let_in[0], &clients_edge);
    ck_assert_ptr_nonnull(let_in[0] = admission_socket(admission, &s_peer));
    while (count)
        connection_destroy(&let_in[--count], &clients_edge);
}
END_TEST

START_TEST(an_address_with_too_many_is_refused_for_that)
{
    s_new(1024, 0);
    clients_config.connections_per_address = 1;
    connection_t *one = admission_socket(admission, &s_peer);
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_null(admission_socket(admission, &s_peer));
    ck_assert_int_eq(clients_edge.metrics[EDGE_REFUSED_ADDRESS], 1);
    ck_assert_int_eq(clients_edge.metrics[EDGE_REFUSED_FULL], 0);
    connection_destroy(&one, &clients_edge);
}
END_TEST

START_TEST(handshakes_wait_for_a_board_and_storms_are_told_when)
{
    uint32_t retry_ms = 0;
    s_new(1024, 0);
    ck_assert_int_eq(admission_handshake(admission, &retry_ms),
                     ADMIT_NOT_READY);
    ck_assert_uint_eq(retry_ms, 1000);
    clients_send_board(1);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(admission_handshake(admission, &retry_ms), ADMIT_OK);
    ck_assert_int_eq(admission_handshake(admission, &retry_ms), ADMIT_STORM);
    ck_assert_uint_eq(retry_ms, 100);
    clients_ms += 100;
    ck_assert_int_eq(admission_handshake(admission, &retry_ms), ADMIT_OK);
    clients_edge.draining = true;
    clients_ms += 1000;
    ck_assert_int_eq(admission_handshake(admission, &retry_ms),
                     ADMIT_NOT_READY);
    ck_assert_int_eq(clients_edge.metrics[EDGE_REFUSED_NOT_READY], 2);
    ck_assert_int_eq(clients_edge.metrics[EDGE_REFUSED_STORM], 1);
}
END_TEST

START_TEST(one_session_more_than_the_limit_is_full)
{
    s_new(1024, 2);
    clients_send_board(1);
    for (int i = 0; i < 3; i++) {
        ck_assert(!admission_is_full(admission));
        clients_join(i, 1);
    }
    ck_assert(admission_is_full(admission));
}
END_TEST

Suite *suite_edge_admission(void)
{
    Suite *suite = suite_create("edge/admission");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_setup, s_teardown);
    tcase_add_test(all, descriptors_bound_the_sessions_and_leave_a_reserve);
    tcase_add_test(all, sockets_end_a_little_behind_the_sessions);
    tcase_add_test(all, an_address_with_too_many_is_refused_for_that);
    tcase_add_test(all, handshakes_wait_for_a_board_and_storms_are_told_when);
    tcase_add_test(all, one_session_more_than_the_limit_is_full);
    suite_add_tcase(suite, all);
    return suite;
}
