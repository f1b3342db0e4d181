/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring's sends on real sockets: all go out whole and in order; whoever does
 * not read, or is gone, is told of, and nobody else. A kernel without one
 * answers so, and that is all there is to see.
 */
#include "edge/send_ring.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *suite_edge_send_ring(void);

#define PEERS 8

typedef struct {
    int ours, theirs;
    unsigned shorts;
    ssize_t sent;
} peer_t;

static peer_t s_peers[PEERS];

static void s_on_short(void *owner, frame_t *frame, ssize_t sent)
{
    peer_t *peer = owner;
    ck_assert_int_lt(sent, (ssize_t)frame->size);
    peer->shorts++;
    peer->sent = sent;
}

static void s_connect(void)
{
    for (size_t i = 0; i < PEERS; i++) {
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        s_peers[i] = (peer_t){.ours = ends[0], .theirs = ends[1]};
    }
}

/* As much as the socket takes. */
static size_t s_fill(int fd)
{
    static const uint8_t bytes[4096];
    size_t total = 0;
    for (ssize_t sent;
         (sent = send(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        total += (size_t)sent;
    return total;
}

static frame_t *s_frame(size_t size)
{
    static uint8_t body[1 << 20];
    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(i * 7);
    return frame_copy(body, size);
}

/* The same frame for the same byte. */
static frame_t *s_byte(uint8_t byte)
{
    static frame_t *frames[256];
    if (!frames[byte])
        frames[byte] = frame_copy(&byte, 1);
    return frames[byte];
}

static void s_expect(int fd, const frame_t *frame)
{
    static uint8_t bytes[1 << 20];
    ck_assert_int_eq(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT),
                     (ssize_t)frame->size);
    ck_assert_mem_eq(bytes, frame->bytes, frame->size);
}

START_TEST(all_go_out_and_none_is_told_of)
{
    send_ring_t *ring = send_ring_new(s_on_short);
    if (!ring)
        return;
    s_connect();
    frame_t *frames[] = {s_frame(10), s_frame(3000)};
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < PEERS; i++)
            send_ring_add(ring, s_peers[i].ours, frames[round], &s_peers[i]);
        send_ring_submit(ring);
        for (size_t i = 0; i < PEERS; i++)
            s_expect(s_peers[i].theirs, frames[round]);
    }
    for (size_t i = 0; i < PEERS; i++)
        ck_assert_uint_eq(s_peers[i].shorts, 0);
    frame_unref(&frames[0]);
    frame_unref(&frames[1]);
    send_ring_destroy(&ring);
}
END_TEST

START_TEST(one_alone_goes_out_too)
{
    send_ring_t *ring = send_ring_new(s_on_short);
    if (!ring)
        return;
    s_connect();
    send_ring_add(ring, s_peers[0].ours, s_byte(7), &s_peers[0]);
    send_ring_submit(ring);
    s_expect(s_peers[0].theirs, s_byte(7));
    ck_assert_uint_eq(s_peers[0].shorts, 0);
    send_ring_destroy(&ring);
    ck_assert_ptr_null(ring);
}
END_TEST

START_TEST(who_does_not_read_or_is_gone_is_told_of)
{
    send_ring_t *ring = send_ring_new(s_on_short);
    if (!ring)
        return;
    s_connect();
    frame_t *frame = s_frame(1 << 20);
    s_fill(s_peers[1].ours);
    close(s_peers[2].theirs);
    for (size_t i = 0; i < 3; i++)
        send_ring_add(ring, s_peers[i].ours, frame, &s_peers[i]);
    send_ring_submit(ring);
    ck_assert_uint_eq(s_peers[0].shorts, 1);
    ck_assert_int_gt(s_peers[0].sent, 0);
    uint8_t *bytes = malloc(frame->size);
    ck_assert_int_eq(
        recv(s_peers[0].theirs, bytes, frame->size, MSG_WAITALL | MSG_DONTWAIT),
        s_peers[0].sent);
    ck_assert_mem_eq(bytes, frame->bytes, (size_t)s_peers[0].sent);
    free(bytes);
    ck_assert_uint_eq(s_peers[1].shorts, 1);
    ck_assert_int_eq(s_peers[1].sent, 0);
    ck_assert_uint_eq(s_peers[2].shorts, 1);
    ck_assert_int_eq(s_peers[2].sent, -1);
    frame_unref(&frame);
    send_ring_destroy(&ring);
}
END_TEST

/* 0, 1, 2 … in turn to each peer. */
START_TEST(more_than_it_holds_go_out_in_their_order)
{
    send_ring_t *ring = send_ring_new(s_on_short);
    if (!ring)
        return;
    s_connect();
    enum { EACH = SEND_RING_MAX / PEERS + 10 };
    for (size_t i = 0; i < EACH; i++)
        for (size_t k = 0; k < PEERS; k++)
            send_ring_add(ring, s_peers[k].ours, s_byte((uint8_t)i),
                          &s_peers[k]);
    send_ring_submit(ring);
    send_ring_submit(ring); /* nothing is in it */
    for (size_t k = 0; k < PEERS; k++) {
        uint8_t seen[EACH + 1];
        ck_assert_uint_eq(s_peers[k].shorts, 0);
        ck_assert_int_eq(
            recv(s_peers[k].theirs, seen, sizeof seen, MSG_DONTWAIT), EACH);
        for (size_t i = 0; i < EACH; i++)
            ck_assert_uint_eq(seen[i], (uint8_t)i);
    }
    send_ring_destroy(&ring);
}
END_TEST

Suite *suite_edge_send_ring(void)
{
    Suite *suite = suite_create("edge/send_ring");
    TCase *tcase = tcase_create("send_ring");
    tcase_add_test(tcase, all_go_out_and_none_is_told_of);
    tcase_add_test(tcase, one_alone_goes_out_too);
    tcase_add_test(tcase, who_does_not_read_or_is_gone_is_told_of);
    tcase_add_test(tcase, more_than_it_holds_go_out_in_their_order);
    suite_add_tcase(suite, tcase);
    return suite;
}
