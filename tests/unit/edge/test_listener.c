/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening on a port of loopback that the kernel picks.
 */
#include "edge/listener.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

Suite *suite_edge_listener(void);

static struct sockaddr_in s_address(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return address;
}

START_TEST(who_connects_is_accepted_without_delays)
{
    int listener = listener_open("127.0.0.1", 0), on = 0;
    socklen_t size = sizeof on;
    struct sockaddr_storage peer;
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(listener_accept(listener, &peer), -1); /* nobody yet */
    struct sockaddr_in to = s_address(listener);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 5000), 1);
    int fd = listener_accept(listener, &peer);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(((struct sockaddr_in *)&peer)->sin_port,
                     s_address(client).sin_port);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    ck_assert_int_ne(on, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    close(client);
    close(listener);
}
END_TEST

START_TEST(workers_share_a_port)
{
    int first = listener_open("127.0.0.1", 0);
    ck_assert_int_ge(first, 0);
    int second = listener_open("127.0.0.1", ntohs(s_address(first).sin_port));
    ck_assert_int_ge(second, 0);
    close(first);
    close(second);
}
END_TEST

START_TEST(an_address_of_another_machine_is_refused_and_nothing_stays_open)
{
    int before = dup(0);
    close(before);
    ck_assert_int_eq(listener_open("192.0.2.1", 0), -1);
    ck_assert_int_eq(listener_open("no address", 0), -1);
    int after = dup(0);
    ck_assert_int_eq(after, before);
    close(after);
}
END_TEST

Suite *suite_edge_listener(void)
{
    Suite *suite = suite_create("edge/listener");
    TCase *tcase = tcase_create("listener");
    tcase_add_test(tcase, who_connects_is_accepted_without_delays);
    tcase_add_test(tcase, workers_share_a_port);
    tcase_add_test(
        tcase, an_address_of_another_machine_is_refused_and_nothing_stays_open);
    suite_add_tcase(suite, tcase);
    return suite;
}
