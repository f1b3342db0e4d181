/* SPDX-License-Identifier: Apache-2.0 */
#include "load/ws_client.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* The example of RFC 6455, section 1.3. */
static const ws_nonce_t RFC = {
    .key = "dGhlIHNhbXBsZSBub25jZQ==",
    .accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
};

#define ANSWER                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"               \
    "sec-websocket-protocol: stipple.v1\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static ws_answer_t s_read(const char *text, size_t *used, int *status)
{
    return ws_read_answer(text, strlen(text), &RFC, used, status);
}

START_TEST(nonces_are_pairs_of_the_right_length)
{
    ws_nonce_t nonce, other;
    ws_nonce_init(&nonce);
    ws_nonce_init(&other);
    ck_assert_uint_eq(strlen(nonce.key), WS_KEY_BYTES - 1);
    ck_assert_uint_eq(strlen(nonce.accept), WS_ACCEPT_BYTES - 1);
    ck_assert_str_ne(nonce.key, other.key);
}
END_TEST

START_TEST(upgrade_names_since_and_protocol_and_token)
{
    char text[1024];
    size_t size =
        ws_put_upgrade(text, sizeof text, "h:1", 4994671, "a.b.c", &RFC);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "GET /api/v1/ws?since=4994671 "));
    ck_assert_ptr_nonnull(strstr(text, "Sec-WebSocket-Protocol: stipple.v1\r"));
    ck_assert_ptr_nonnull(strstr(text, "Authorization: Bearer a.b.c\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\n"));
    ws_put_upgrade(text, sizeof text, "h:1", 0, NULL, &RFC);
    ck_assert_ptr_null(strstr(text, "Authorization"));
    ck_assert_uint_eq(ws_put_upgrade(text, 20, "h:1", 0, NULL, &RFC), 0);
}
END_TEST

START_TEST(good_answer_opens_and_leaves_what_follows)
{
    size_t used;
    int status;
    ck_assert_int_eq(s_read(ANSWER "\x82", &used, &status), WS_OPEN);
    ck_assert_uint_eq(used, strlen(ANSWER));
}
END_TEST

START_TEST(answer_in_pieces_needs_more)
{
    size_t used;
    int status;
    for (size_t size = 0; size < strlen(ANSWER); size++)
        ck_assert_int_eq(ws_read_answer(ANSWER, size, &RFC, &used, &status),
                         WS_MORE);
}
END_TEST

START_TEST(other_statuses_are_refusals)
{
    size_t used;
    int status;
    ck_assert_int_eq(
        s_read("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n", &used, &status),
        WS_REFUSED);
    ck_assert_int_eq(status, 503);
}
END_TEST

START_TEST(wrong_accept_or_protocol_is_broken)
{
    static const char *const answers[] = {
        "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: stipple.v1\r\n\r\n",
        "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: stipple.v1\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOx=\r\n\r\n",
        "HTTP/1.1 101 x\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: stipple.v1.json\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "\r\n\r\n",
    };
    size_t used;
    int status;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        ck_assert_int_eq(s_read(answers[i], &used, &status), WS_BROKEN);
}
END_TEST

START_TEST(heads_of_all_lengths_are_read)
{
    static const struct {
        uint8_t bytes[10];
        size_t size;
        uint32_t length;
    } heads[] = {
        {{0x82, 0}, 2, 0},
        {{0x82, 125}, 2, 125},
        {{0x82, 126, 1, 2}, 4, 258},
        {{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10, 65536},
    };
    ws_frame_t frame;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        for (size_t size = 0; size < heads[i].size; size++)
            ck_assert_int_eq(ws_read_head(&frame, heads[i].bytes, size), 0);
        ck_assert_int_eq(ws_read_head(&frame, heads[i].bytes, heads[i].size),
                         1);
        ck_assert_uint_eq(frame.head, heads[i].size);
        ck_assert_uint_eq(frame.length, heads[i].length);
        ck_assert_uint_eq(frame.opcode, WS_BINARY);
        ck_assert(frame.fin);
    }
}
END_TEST

START_TEST(masked_reserved_and_huge_frames_are_malformed)
{
    static const uint8_t heads[][10] = {
        {0x82, 0x80},
        {0xc2, 0},
        {0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0},
        {0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
    };
    ws_frame_t frame;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        ck_assert_int_eq(ws_read_head(&frame, heads[i], 10), -1);
}
END_TEST

START_TEST(client_heads_are_masked_with_zero)
{
    uint8_t bytes[WS_HEAD_MAX];
    static const uint8_t small[] = {0x82, 0x8a, 0, 0, 0, 0};
    static const uint8_t middle[] = {0x82, 0xfe, 0x01, 0x00, 0, 0, 0, 0};
    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(ws_put_head(bytes, WS_BINARY, 10), sizeof small);
    ck_assert_mem_eq(bytes, small, sizeof small);
    ck_assert_uint_eq(ws_put_head(bytes, WS_BINARY, 256), sizeof middle);
    ck_assert_mem_eq(bytes, middle, sizeof middle);
    ck_assert_uint_eq(ws_put_head(bytes, WS_BINARY, 70000), WS_HEAD_MAX);
    ck_assert_uint_eq(bytes[1], 0xff);
}
END_TEST

Suite *suite_load_ws_client(void);
Suite *suite_load_ws_client(void)
{
    Suite *suite = suite_create("load/ws_client");
    TCase *tests = tcase_create("ws_client");
    tcase_add_test(tests, nonces_are_pairs_of_the_right_length);
    tcase_add_test(tests, upgrade_names_since_and_protocol_and_token);
    tcase_add_test(tests, good_answer_opens_and_leaves_what_follows);
    tcase_add_test(tests, answer_in_pieces_needs_more);
    tcase_add_test(tests, other_statuses_are_refusals);
    tcase_add_test(tests, wrong_accept_or_protocol_is_broken);
    tcase_add_test(tests, heads_of_all_lengths_are_read);
    tcase_add_test(tests, masked_reserved_and_huge_frames_are_malformed);
    tcase_add_test(tests, client_heads_are_masked_with_zero);
    suite_add_tcase(suite, tests);
    return suite;
}
