/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ws/frame_reader.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_edge_frame_reader(void);

#define KEY "\x11\x22\x33\x44"

/* A masked frame; returns its size. */
static size_t s_put(uint8_t *at, uint8_t first, const char *payload,
                    size_t size)
{
    size_t extra = size < 126 ? 0 : 2;
    at[0] = first;
    at[1] = (uint8_t)(0x80 | (extra ? 126 : size));
    if (extra)
        at[2] = (uint8_t)(size >> 8), at[3] = (uint8_t)size;
    memcpy(at + 2 + extra, KEY, 4);
    for (size_t i = 0; i < size; i++)
        at[6 + extra + i] = (uint8_t)(payload[i] ^ KEY[i % 4]);
    return 6 + extra + size;
}

/* What comes out, as text: "ping(a) text[b]text[c]." where the dot ends a
 * message, "BROKEN" and "close(..)" likewise. Reads `step` bytes at a time. */
static void s_read(char *out, const uint8_t *bytes, size_t size, size_t step)
{
    static const char *const names[] = {"",     "",      "ping",
                                        "pong", "close", "BROKEN"};
    frame_reader_t reader = {0};
    out[0] = '\0';
    for (size_t at = 0; at < size; at += step) {
        uint8_t piece[1024];
        size_t left = size - at < step ? size - at : step;
        uint8_t *next = memcpy(piece, bytes + at, left);
        input_t input = {.type = INPUT_DATA};
        while (input.type != INPUT_NONE) {
            frame_reader_next(&reader, &next, &left, &input);
            char *end = out + strlen(out);
            if (input.type == INPUT_DATA)
                sprintf(end, "%s%.*s%s",
                        !input.first   ? ""
                        : input.binary ? "binary:"
                                       : "text:",
                        (int)input.size, (const char *)input.bytes,
                        input.last ? "." : "");
            else if (input.type != INPUT_NONE)
                sprintf(end, "%s(%.*s)", names[input.type], (int)input.size,
                        (const char *)input.bytes);
        }
    }
    frame_reader_fini(&reader);
}

/* Whole, byte by byte and in threes it is the same. */
static void s_expect(const uint8_t *bytes, size_t size, const char *expected)
{
    static const size_t steps[] = {1024, 1, 3};
    char out[1024];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        s_read(out, bytes, size, steps[i]);
        ck_assert_str_eq(out, expected);
    }
}

START_TEST(messages_come_out_unmasked)
{
    uint8_t bytes[512];
    char text[301];
    size_t size = s_put(bytes, 0x82, "hello", 5);
    size += s_put(bytes + size, 0x81, "", 0);
    memset(text, 'x', 300);
    text[300] = '\0';
    size += s_put(bytes + size, 0x81, text, 300);
    char expected[400];
    sprintf(expected, "binary:hello.text:.text:%s.", text);
    s_expect(bytes, size, expected);
}
END_TEST

START_TEST(control_frames_stand_between_fragments)
{
    uint8_t bytes[512];
    size_t size = s_put(bytes, 0x02, "ab", 2);
    size += s_put(bytes + size, 0x89, "p", 1);
    size += s_put(bytes + size, 0x00, "", 0);
    size += s_put(bytes + size, 0x8a, "q", 1);
    size += s_put(bytes + size, 0x80, "cd", 2);
    size += s_put(bytes + size, 0x88, "\x03\xe8why", 5);
    s_expect(bytes, size, "binary:abping(p)pong(q)cd.close(\x03\xe8why)");
}
END_TEST

START_TEST(nothing_comes_after_what_is_broken)
{
    static const struct {
        uint8_t first;
        const char *payload;
        size_t size;
    } cases[] = {
        {0xc2, "x", 1},        /* reserved bits */
        {0x83, "x", 1},        /* opcodes that are none */
        {0x8b, "x", 1},        /* … */
        {0x80, "x", 1},        /* continues nothing */
        {0x09, "x", 1},        /* a control frame in fragments */
        {0x88, "\x03", 1},     /* half a code */
        {0x88, "\x03\xed", 2}, /* 1005, which nobody may send */
        {0x88, "\x03\xf7", 2}, /* 1015, likewise */
        {0x88, "\x0b\xb7", 2}, /* 2999 */
        {0x88, "\x13\x88", 2}, /* 5000 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[64];
        size_t size =
            s_put(bytes, cases[i].first, cases[i].payload, cases[i].size);
        size += s_put(bytes + size, 0x82, "y", 1);
        s_expect(bytes, size, "BROKEN()");
    }
}
END_TEST

START_TEST(a_peer_may_close_with_any_registered_code)
{
    static const unsigned codes[] = {1000, 1003, 1007, 1014, 3000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char code[] = {(char)(codes[i] >> 8), (char)codes[i], '\0'};
        uint8_t bytes[64];
        char expected[32];
        size_t size = s_put(bytes, 0x88, code, 2);
        snprintf(expected, sizeof expected, "close(%s)", code);
        s_expect(bytes, size, expected);
    }
}
END_TEST

START_TEST(lengths_and_masks_are_checked_by_their_header)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x82\x01x", 3},                       /* no mask */
        {"\x89\xfe\x00\x7e" KEY, 8},            /* a ping of 126 */
        {"\x82\xff\x80\0\0\0\0\0\0\0" KEY, 14}, /* 2^63 */
        {"\x02\x80" KEY "\x82\x80" KEY, 12},    /* one within another */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[64];
        s_read(out, (const uint8_t *)cases[i].bytes, cases[i].size, 1024);
        ck_assert_ptr_nonnull(strstr(out, "BROKEN()"));
    }
}
END_TEST

START_TEST(payloads_of_64_bits_are_never_held)
{
    frame_reader_t reader = {0};
    uint8_t bytes[] = "\x82\xff\0\0\1\0\0\0\0\0" KEY "abcd";
    uint8_t *at = bytes;
    size_t left = sizeof bytes - 1;
    input_t input;
    frame_reader_next(&reader, &at, &left, &input);
    ck_assert_int_eq(input.type, INPUT_DATA);
    ck_assert_uint_eq(input.size, 4);
    ck_assert(input.first && !input.last);
    ck_assert_ptr_null(reader.held);
    frame_reader_fini(&reader);
}
END_TEST

Suite *suite_edge_frame_reader(void)
{
    Suite *suite = suite_create("edge/frame_reader");
    TCase *tcase = tcase_create("frame_reader");
    tcase_add_test(tcase, messages_come_out_unmasked);
    tcase_add_test(tcase, control_frames_stand_between_fragments);
    tcase_add_test(tcase, nothing_comes_after_what_is_broken);
    tcase_add_test(tcase, a_peer_may_close_with_any_registered_code);
    tcase_add_test(tcase, lengths_and_masks_are_checked_by_their_header);
    tcase_add_test(tcase, payloads_of_64_bits_are_never_held);
    suite_add_tcase(suite, tcase);
    return suite;
}
