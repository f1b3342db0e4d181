/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plain stream says of a socket that has bytes, has none, or has ended.
 */
#include "edge/stream.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

Suite *suite_edge_stream(void);

static uv_loop_t loop;
static poller_t *poller;
static stream_t stream;
static int peer;
static bool gone;

static void s_on_events(poller_item_t *item, uint32_t events)
{
    (void)item, (void)events;
}

static void s_on_gone(poller_item_t *item)
{
    ck_assert_ptr_eq(item, &stream.item);
    stream_fini(&stream);
    gone = true;
}

static const poller_ops_t ops = {.on_events = s_on_events,
                                 .on_gone = s_on_gone};

static void s_setup(void)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    uv_loop_init(&loop);
    poller = poller_new(&loop);
    peer = pair[0];
    gone = false;
    stream = (stream_t){.item.ops = &ops};
    ck_assert_int_eq(stream_open(&stream, poller, pair[1]), 0);
}

static void s_teardown(void)
{
    stream_end(&stream);
    poller_reap(poller);
    poller_close(poller);
    uv_run(&loop, UV_RUN_NOWAIT);
    poller_destroy(&poller);
    uv_loop_close(&loop);
    ck_assert(gone);
    if (peer >= 0)
        close(peer);
}

static void s_hang_up(void)
{
    close(peer);
    peer = -1;
}

START_TEST(what_was_said_before_the_end_is_read_and_then_the_end)
{
    char bytes[16];
    ck_assert_int_eq(stream_read(&stream, bytes, sizeof bytes), 0);
    ck_assert_int_eq(send(peer, "ab", 2, 0), 2);
    s_hang_up();
    ck_assert_int_eq(stream_read(&stream, bytes, sizeof bytes), 2);
    ck_assert_mem_eq(bytes, "ab", 2);
    ck_assert_int_eq(stream_read(&stream, bytes, sizeof bytes), -1);
    ck_assert_int_eq(stream_read(&stream, bytes, sizeof bytes), -1);
}
END_TEST

START_TEST(a_full_socket_takes_nothing_and_a_dead_one_is_told_of)
{
    static char bytes[65536];
    struct iovec piece = {bytes, sizeof bytes};
    ssize_t taken;
    while ((taken = stream_write(&stream, &piece, 1, false)) > 0)
        ;
    ck_assert_int_eq(taken, 0);
    s_hang_up();
    ck_assert_int_eq(stream_write(&stream, &piece, 1, false), -1);
}
END_TEST

START_TEST(a_finished_stream_is_read_from_still)
{
    char byte;
    stream_finish(&stream);
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 0); /* nothing follows */
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    ck_assert_int_eq(stream_read(&stream, &byte, 1), 1);
    ck_assert(!stream_ended(&stream));
}
END_TEST

Suite *suite_edge_stream(void)
{
    Suite *suite = suite_create("edge/stream");
    TCase *tcase = tcase_create("stream");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase,
                   what_was_said_before_the_end_is_read_and_then_the_end);
    tcase_add_test(tcase,
                   a_full_socket_takes_nothing_and_a_dead_one_is_told_of);
    tcase_add_test(tcase, a_finished_stream_is_read_from_still);
    suite_add_tcase(suite, tcase);
    return suite;
}
