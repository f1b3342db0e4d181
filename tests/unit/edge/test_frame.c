/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/frame.h"

#include "edge/bucket.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_frame(void);

START_TEST(header_has_the_three_lengths)
{
    uint8_t bytes[FRAME_HEADER_MAX];
    ck_assert_uint_eq(frame_header(bytes, FRAME_BINARY, 125), 2);
    ck_assert_mem_eq(bytes, "\x82\x7d", 2);
    ck_assert_uint_eq(frame_header(bytes, FRAME_TEXT, 126), 4);
    ck_assert_mem_eq(bytes, "\x81\x7e\x00\x7e", 4);
    ck_assert_uint_eq(frame_header(bytes, FRAME_BINARY, 65535), 4);
    ck_assert_mem_eq(bytes, "\x82\x7e\xff\xff", 4);
    ck_assert_uint_eq(frame_header(bytes, FRAME_BINARY, 65536), 10);
    ck_assert_mem_eq(bytes, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}
END_TEST

START_TEST(joined_frames_follow_each_other)
{
    frame_t *a = frame_new(FRAME_BINARY, "x", 1, "yz", 2);
    frame_t *b = frame_new(FRAME_BINARY, "w", 1, NULL, 0);
    frame_t *both = frame_join(a, b);
    ck_assert_uint_eq(both->size, 8);
    ck_assert_mem_eq(both->bytes, "\x82\x03xyz\x82\x01w", 8);
    ck_assert_ptr_null(frame_join(NULL, NULL));
    frame_unref(&a);
    frame_unref(&b);
    frame_unref(&both);
    ck_assert_ptr_null(a);
}
END_TEST

START_TEST(outbox_keeps_order_and_its_limit)
{
    static uint8_t large[OUTBOX_MAX];
    outbox_t outbox = {0};
    ck_assert_int_eq(outbox_add(&outbox, FRAME_BINARY, "b", 1), 0);
    ck_assert_int_eq(outbox_add_first(&outbox, FRAME_BINARY, "a", 1), 0);
    ck_assert_uint_eq(outbox.size, 6);
    ck_assert_mem_eq(outbox.bytes,
                     "\x82\x01"
                     "a\x82\x01"
                     "b",
                     6);
    ck_assert_int_eq(outbox_add(&outbox, FRAME_BINARY, large, sizeof large),
                     -1);
    ck_assert_uint_eq(outbox.size, 6);
    outbox_clear(&outbox);
    ck_assert_uint_eq(outbox.size, 0);
}
END_TEST

START_TEST(bucket_gives_its_burst_and_then_its_rate)
{
    uint64_t full_at = 0, now_ms = 5000;
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(bucket_take(&full_at, now_ms, 5, 10), 0);
    uint32_t wait_ms = bucket_take(&full_at, now_ms, 5, 10);
    ck_assert_uint_eq(wait_ms, 200);
    ck_assert_uint_ne(bucket_take(&full_at, now_ms + wait_ms - 1, 5, 10), 0);
    ck_assert_uint_eq(bucket_take(&full_at, now_ms + wait_ms, 5, 10), 0);
    ck_assert_uint_ne(bucket_take(&full_at, now_ms + wait_ms, 5, 10), 0);
}
END_TEST

Suite *suite_edge_frame(void)
{
    Suite *suite = suite_create("edge/frame");
    TCase *tcase = tcase_create("frame");
    tcase_add_test(tcase, header_has_the_three_lengths);
    tcase_add_test(tcase, joined_frames_follow_each_other);
    tcase_add_test(tcase, outbox_keeps_order_and_its_limit);
    tcase_add_test(tcase, bucket_gives_its_burst_and_then_its_rate);
    suite_add_tcase(suite, tcase);
    return suite;
}
