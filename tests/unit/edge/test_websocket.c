/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshake and what becomes of it: which are accepted, the frames that
 * come and go, and the end (RFC 6455).
 */
#include "tests/unit/edge/connection_stage.h"

#include "common/wire.h"
#include "edge/ws/websocket.h"

Suite *suite_edge_websocket(void);

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* the RFC's */
#define UPGRADE "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define OURS "Sec-WebSocket-Protocol: stipple.v1\r\n"
#define HEAD(url) "GET " url " HTTP/1.1\r\nHost: x\r\n"
#define WS "/api/v1/ws"
#define GOOD HEAD(WS) UPGRADE VERSION KEY OURS "\r\n"

static void s_start(void)
{
    s_setup();
    s_open_pair();
}

/* A masked frame that is whole. */
static void s_frame(unsigned opcode, const char *text, size_t size)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t frame[256] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | size)};
    memcpy(frame + 2, mask, 4);
    for (size_t i = 0; i < size; i++)
        frame[6 + i] = (uint8_t)text[i] ^ mask[i % 4];
    s_say_bytes(frame, 6 + size);
}

static void s_upgrade(void)
{
    s_say(GOOD);
    ck_assert_uint_eq(s_count("HTTP/1.1 101"), 1);
}

/* Whether these bytes are what came last. */
static bool s_ends_with(const char *bytes, size_t size)
{
    return got_size >= size && !memcmp(got + got_size - size, bytes, size);
}

START_TEST(a_handshake_is_answered_with_the_hello_behind_it)
{
    s_say(GOOD);
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Protocol: stipple.v1\r\n\r\n";
    size_t size = sizeof answer - 1;
    ck_assert_uint_gt(got_size, size + 3);
    ck_assert_mem_eq(got, answer, size);
    ck_assert_uint_eq((uint8_t)got[size], 0x82); /* a binary message */
    ck_assert_uint_eq((uint8_t)got[size + 2], WIRE_HELLO);
    ck_assert_uint_eq(sessions_count(edge.sessions), 1);
    ck_assert(!sessions_speak(edge.sessions, true));
}
END_TEST

START_TEST(the_first_offer_that_is_ours_is_taken)
{
    static const struct {
        const char *offer, *taken;
    } cases[] = {{"stipple.v1.json", "stipple.v1.json\r\n"},
                 {"chat, stipple.v1.json, stipple.v1", "stipple.v1.json\r\n"},
                 {"stipple.v1.js,\tstipple.v1", "stipple.v1\r\n"}};
    char text[512], line[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_open_pair();
        snprintf(text, sizeof text,
                 HEAD(WS) UPGRADE VERSION KEY
                 "Sec-WebSocket-Protocol: %s\r\n\r\n",
                 cases[i].offer);
        snprintf(line, sizeof line, "Sec-WebSocket-Protocol: %s",
                 cases[i].taken);
        s_say(text);
        ck_assert_msg(s_count(line) == 1, "%s", got);
        s_settle();
    }
}
END_TEST

START_TEST(what_is_no_good_handshake_is_answered_and_the_end)
{
    static const struct {
        const char *text, *answer;
    } cases[] = {
        {HEAD("/") UPGRADE VERSION KEY OURS "\r\n", "HTTP/1.1 404"},
        {HEAD(WS) UPGRADE KEY OURS "\r\n", "HTTP/1.1 426"},
        {HEAD(WS) UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY OURS "\r\n",
         "HTTP/1.1 426"},
        {HEAD(WS) UPGRADE VERSION OURS "\r\n", "HTTP/1.1 400"},
        {HEAD(WS) UPGRADE VERSION "Sec-WebSocket-Key: x\r\n" OURS "\r\n",
         "HTTP/1.1 400"},
        {HEAD(WS) "Upgrade: websocket\r\n" VERSION KEY OURS "\r\n",
         "HTTP/1.1 400"},
        {"POST " WS " HTTP/1.1\r\nHost: x\r\n" UPGRADE VERSION KEY OURS "\r\n",
         "HTTP/1.1 400"},
        {HEAD(WS) UPGRADE VERSION KEY OURS "Content-Length: 1\r\n\r\nx",
         "HTTP/1.1 400"},
        {HEAD(WS) UPGRADE VERSION KEY "\r\n", "HTTP/1.1 400"},
        {HEAD(WS) UPGRADE VERSION KEY "Sec-WebSocket-Protocol: stipple\r\n\r\n",
         "HTTP/1.1 400"},
        {HEAD(WS "?since=") UPGRADE VERSION KEY OURS "\r\n", "HTTP/1.1 400"},
        {HEAD(WS "?since=1x") UPGRADE VERSION KEY OURS "\r\n", "HTTP/1.1 400"},
        {HEAD(WS) UPGRADE VERSION KEY OURS "Origin: https://bad.example\r\n"
                                           "\r\n",
         "HTTP/1.1 403"},
        {HEAD(WS) UPGRADE VERSION KEY OURS "Authorization: Bearer x\r\n\r\n",
         "HTTP/1.1 401"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_open_pair();
        s_say(cases[i].text);
        ck_assert_msg(s_count(cases[i].answer) == 1, "%zu: %s", i, got);
        ck_assert(ended);
        ck_assert_uint_eq(sessions_count(edge.sessions), 0);
    }
}
END_TEST

START_TEST(these_are_good_handshakes_too)
{
    static const char *const good[] = {
        HEAD(WS "?since=7") UPGRADE VERSION KEY OURS "\r\n",
        HEAD(WS "?since=99999999999999999999999") UPGRADE VERSION KEY OURS
        "\r\n",
        HEAD(WS) UPGRADE VERSION KEY OURS
        "Origin: https://good.example\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        s_open_pair();
        s_say(good[i]);
        ck_assert_msg(s_count("HTTP/1.1 101") == 1, "%zu: %s", i, got);
    }
}
END_TEST

START_TEST(an_offer_of_another_protocol_or_in_http_1_0_is_passed_over)
{
    s_say("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
          "Upgrade: h2c\r\n\r\n");
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 1);
    s_say("GET / HTTP/1.0\r\n" UPGRADE VERSION KEY OURS "\r\n");
    ck_assert_uint_eq(s_count("HTTP/1.1 200"), 2);
}
END_TEST

START_TEST(an_edge_without_a_board_admits_nobody)
{
    edge.draining = true;
    s_say(GOOD);
    ck_assert_uint_eq(s_count("HTTP/1.1 503"), 1);
    ck_assert_uint_eq(s_count("\r\nRetry-After: "), 1);
}
END_TEST

START_TEST(a_key_is_sixteen_bytes_in_base64)
{
    static const char *const bad[] = {
        "",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZR==", /* bits that no byte has */
        "dGhlIHNhbXBsZSBub25jZ===",
        "dGhlIHNhbXBsZSBub25jZQA=",
        "dGhlIHNh-XBsZSBub25jZQ==",
    };
    ck_assert(websocket_is_key("dGhlIHNhbXBsZSBub25jZQ=="));
    ck_assert(websocket_is_key("+/++++++++++++++++++Aw=="));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!websocket_is_key(bad[i]), "%s", bad[i]);
}
END_TEST

/* ---- frames ---------------------------------------------------------- */

START_TEST(a_ping_is_answered_with_its_bytes)
{
    s_upgrade();
    s_frame(FRAME_PING, "hey", 3);
    ck_assert(s_ends_with("\x8a\x03hey", 5));
    s_frame(FRAME_PONG, "", 0); /* nothing to say */
    ck_assert(s_ends_with("\x8a\x03hey", 5));
    ck_assert(!ended);
}
END_TEST

START_TEST(what_came_behind_the_handshake_is_read)
{
    s_say_bytes(GOOD "\x89\x80\x01\x02\x03\x04", strlen(GOOD) + 6);
    ck_assert(s_ends_with("\x8a\x00", 2));
}
END_TEST

START_TEST(a_close_is_answered_with_its_code_and_the_end)
{
    s_upgrade();
    s_frame(FRAME_CLOSE, "\x03\xe8 bye", 6);
    ck_assert(s_ends_with("\x88\x02\x03\xe8", 4));
    ck_assert(ended);
    ck_assert_uint_eq(sessions_count(edge.sessions), 0);
}
END_TEST

START_TEST(a_close_without_a_code_is_answered_without_one)
{
    s_upgrade();
    s_frame(FRAME_CLOSE, "", 0);
    ck_assert(s_ends_with("\x88\x00", 2));
    ck_assert(ended);
}
END_TEST

START_TEST(a_frame_that_is_none_ends_it_with_1002_and_time_to_see_why)
{
    s_upgrade();
    s_say_bytes("\x82\x01x", 3); /* no mask */
    ck_assert(s_ends_with("\x88\x02\x03\xea", 4));
    ck_assert_int_eq(edge.metrics[EDGE_CLOSED_1002], 1);
    char byte;
    s_pass(1);
    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1); /* it is there */
    s_pass(1);
    ck_assert_int_le(send(fd, "x", 1, MSG_NOSIGNAL), 0);
    ck_assert_int_le(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}
END_TEST

START_TEST(a_peer_that_ends_leaves_no_session)
{
    s_upgrade();
    ck_assert_uint_eq(sessions_count(edge.sessions), 1);
    close(fd);
    fd = -1;
    s_turn();
    s_turn();
    ck_assert_uint_eq(sessions_count(edge.sessions), 0);
}
END_TEST

/* ---- a socket that takes no more ------------------------------------- */

/* Pings of 100 bytes until their answers do not fit. */
static size_t s_fill(void)
{
    static const uint8_t ping[106] = {0x89, 0x80 | 100, 0, 0, 0, 0, 'x'};
    size_t pings = 0;
    for (int stuck = 0; stuck < 50; stuck++) {
        ssize_t sent = send(fd, ping, sizeof ping, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == (ssize_t)sizeof ping) {
            pings++;
            stuck = 0;
        }
        if (pings == 400)
            break;
        s_turn();
    }
    return pings;
}

START_TEST(a_reader_that_comes_back_gets_whole_frames)
{
    s_upgrade();
    s_forget();
    ck_assert_uint_gt(s_fill(), 100);
    s_settle();
    size_t pongs = 0;
    for (size_t at = 0; at + 1 < got_size; pongs++) {
        ck_assert_uint_eq((uint8_t)got[at], 0x8a);
        ck_assert_uint_eq((uint8_t)got[at + 1], 100);
        ck_assert_int_eq(got[at + 2], 'x');
        at += 102;
    }
    ck_assert_uint_gt(pongs, 100);
    s_forget();
    s_frame(FRAME_PING, "hey", 3); /* it goes on as before */
    ck_assert(s_ends_with("\x8a\x03hey", 5));
}
END_TEST

Suite *suite_edge_websocket(void)
{
    Suite *suite = suite_create("edge/websocket");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_start, s_teardown);
    tcase_add_test(all, a_handshake_is_answered_with_the_hello_behind_it);
    tcase_add_test(all, the_first_offer_that_is_ours_is_taken);
    tcase_add_test(all, what_is_no_good_handshake_is_answered_and_the_end);
    tcase_add_test(all, these_are_good_handshakes_too);
    tcase_add_test(all,
                   an_offer_of_another_protocol_or_in_http_1_0_is_passed_over);
    tcase_add_test(all, an_edge_without_a_board_admits_nobody);
    tcase_add_test(all, a_key_is_sixteen_bytes_in_base64);
    tcase_add_test(all, a_ping_is_answered_with_its_bytes);
    tcase_add_test(all, what_came_behind_the_handshake_is_read);
    tcase_add_test(all, a_close_is_answered_with_its_code_and_the_end);
    tcase_add_test(all, a_close_without_a_code_is_answered_without_one);
    tcase_add_test(all,
                   a_frame_that_is_none_ends_it_with_1002_and_time_to_see_why);
    tcase_add_test(all, a_peer_that_ends_leaves_no_session);
    tcase_add_test(all, a_reader_that_comes_back_gets_whole_frames);
    suite_add_tcase(suite, all);
    return suite;
}
