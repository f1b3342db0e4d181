/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing an answer to a stream that takes what it likes: every byte once, in
 * its order, whatever the pieces.
 */
#include "edge/http/answer.h"

#include "tests/unit/edge/api_stage.h"

#include <unistd.h>

Suite *suite_edge_answer(void);

#define MOST (4 << 20)

static stream_t stream;
static uint8_t *taken; /* what the peer has */
static size_t taken_size, room;
static unsigned writes, files;
static bool dead;

static ssize_t s_take_bytes(const void *bytes, size_t size)
{
    size_t took = size < room ? size : room;
    ck_assert_uint_le(taken_size + took, MOST);
    memcpy(taken + taken_size, bytes, took);
    taken_size += took;
    room -= took;
    return (ssize_t)took;
}

static ssize_t s_write(stream_t *self, const struct iovec *pieces, int count,
                       bool more)
{
    ssize_t all = 0;
    (void)self, (void)more;
    writes++;
    for (int i = 0; i < count; i++)
        all += s_take_bytes(pieces[i].iov_base, pieces[i].iov_len);
    return dead ? -1 : all;
}

static ssize_t s_sendfile(stream_t *self, int file, off_t at, size_t size)
{
    uint8_t bytes[65536];
    (void)self;
    files++;
    ck_assert_int_ge(at, 0);
    ssize_t got =
        pread(file, bytes, size < sizeof bytes ? size : sizeof bytes, at);
    return dead ? -1 : s_take_bytes(bytes, (size_t)got);
}

static const stream_ops_t plain = {.write = s_write};
static const stream_ops_t filing = {.write = s_write, .sendfile = s_sendfile};

static void s_set_up(void)
{
    s_setup();
    stream = (stream_t){.ops = &plain};
    taken = mem_alloc(MOST);
    taken_size = 0;
    room = MOST;
    writes = files = 0;
    dead = false;
}

static void s_tear_down(void)
{
    free(taken);
    s_teardown();
}

static uint8_t s_byte(size_t i)
{
    return (uint8_t)(i * 7 + i / 256);
}

/* An answer with that much of a body; `file`: it has one. */
static void s_answer(size_t size, bool file)
{
    blob_t *blob = blob_new(size);
    for (size_t i = 0; i < size; i++)
        blob->bytes[i] = s_byte(i);
    if (file)
        blob_open_file(blob);
    s_new(VERB_GET, "/");
    exchange_reply(exchange, &(reply_t){.status = 200, .blob = blob});
    blob_unref(&blob);
    ck_assert_uint_eq(answer_size(exchange), exchange->head_size + size);
}

static void s_expect_all(size_t size)
{
    ck_assert_uint_eq(taken_size, answer_size(exchange));
    ck_assert_mem_eq(taken, exchange->head, exchange->head_size);
    for (size_t i = 0; i < size; i++)
        if (taken[exchange->head_size + i] != s_byte(i))
            ck_abort_msg("byte %zu of %zu is wrong", i, size);
}

START_TEST(head_and_body_leave_in_one_write)
{
    s_answer(5000, false);
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_SENT);
    ck_assert_uint_eq(writes, 1);
    s_expect_all(5000);
}
END_TEST

START_TEST(an_answer_without_a_body_is_its_head)
{
    s_new(VERB_GET, "/");
    exchange_reply(exchange, &(reply_t){.status = 200});
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_SENT);
    s_expect_all(0);
}
END_TEST

/* Every way to be cut: in the head, at its end, in the body. */
START_TEST(a_socket_that_takes_little_gets_every_byte_once)
{
    bool file = _i;
    stream.ops = file ? &filing : &plain;
    for (size_t step = 1; step < 700; step += 37) {
        taken_size = 0;
        s_answer(20000, file);
        for (room = step; answer_send(exchange, &stream) == ANSWER_WAITS;) {
            ck_assert_uint_eq(room, 0);
            room = step;
        }
        s_expect_all(20000);
    }
    ck_assert_int_eq(files > 0, file);
}
END_TEST

START_TEST(a_large_body_gives_others_their_turn_after_a_mebibyte)
{
    s_answer(3 << 20, false);
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_WAITS);
    ck_assert_uint_ge(taken_size, 1 << 20);
    ck_assert_uint_lt(taken_size, (1 << 20) + 8192);
    while (answer_send(exchange, &stream) == ANSWER_WAITS)
        ;
    s_expect_all(3 << 20);
}
END_TEST

START_TEST(a_body_with_a_file_goes_from_it_but_for_its_first_bytes)
{
    stream.ops = &filing;
    s_answer(100000, true);
    ck_assert_int_ge(exchange->blob->file, 0);
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_SENT);
    ck_assert_uint_eq(writes, 1);
    ck_assert_uint_ge(files, 2);
    s_expect_all(100000);
    /* A stream that cannot (TLS) writes it. */
    stream.ops = &plain;
    taken_size = 0;
    files = 0;
    s_answer(100000, true);
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_SENT);
    ck_assert_uint_eq(files, 0);
    s_expect_all(100000);
}
END_TEST

START_TEST(a_dead_connection_is_an_end)
{
    stream.ops = &filing;
    s_answer(100000, true);
    room = exchange->head_size + 10;
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_WAITS);
    dead = true;
    room = 10;
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_FAILED); /* file */
    s_answer(100, false);
    ck_assert_int_eq(answer_send(exchange, &stream), ANSWER_FAILED);
}
END_TEST

Suite *suite_edge_answer(void)
{
    Suite *suite = suite_create("edge/answer");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 20);
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, head_and_body_leave_in_one_write);
    tcase_add_test(all, an_answer_without_a_body_is_its_head);
    tcase_add_loop_test(all, a_socket_that_takes_little_gets_every_byte_once, 0,
                        2);
    tcase_add_test(all, a_large_body_gives_others_their_turn_after_a_mebibyte);
    tcase_add_test(all,
                   a_body_with_a_file_goes_from_it_but_for_its_first_bytes);
    tcase_add_test(all, a_dead_connection_is_an_end);
    suite_add_tcase(suite, all);
    return suite;
}
