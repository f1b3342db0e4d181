/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer's owner is never held up by it. What it writes and when is tested
 * with real stores (tests/integration/test_stores.py) and in the simulator.
 */
#include "persister/writer.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#define HERE "127.31.8.2"
/* More than a pipe holds unless it is told to. */
#define MESSAGES 5000

static int listener;
static char url[64];

/* A server that takes a connection, and says nothing: opening waits for it. */
static void s_set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    inet_pton(AF_INET, HERE, &address.sin_addr);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (void *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
    getsockname(listener, (void *)&address, &size);
    snprintf(url, sizeof url, "cassandra:%s:%d/board?connections=1", HERE,
             ntohs(address.sin_port));
}

/* C15: the pipe was full at 1,000 messages, and the loop of the persister stood
 * until the store had answered: no word to the broker, no grant. */
START_TEST(a_silent_store_does_not_hold_up_its_owner)
{
    writer_options_t options = {
        .store = url, .flush_ms = 50, .snapshot_ms = 60000};
    zactor_t *writer = writer_new(&options);
    ck_assert_ptr_nonnull(writer);
    writer_open(writer);
    int fd = accept(listener, NULL, NULL); /* it is in the middle of it */
    ck_assert_int_ge(fd, 0);
    for (uint32_t i = 0; i < MESSAGES; i++)
        writer_epoch(writer, i);
    /* All are given, and the store has not been given up yet. */
    ck_assert(!(zsock_events(writer) & ZMQ_POLLIN));
    close(fd);
    close(listener);
    zactor_destroy(&writer);
}
END_TEST

Suite *suite_persister_writer(void);
Suite *suite_persister_writer(void)
{
    Suite *suite = suite_create("persister/writer");
    TCase *facts = tcase_create("facts");
    tcase_add_checked_fixture(facts, s_set_up, NULL);
    tcase_set_timeout(facts, 30);
    tcase_add_test(facts, a_silent_store_does_not_hold_up_its_owner);
    suite_add_tcase(suite, facts);
    return suite;
}
