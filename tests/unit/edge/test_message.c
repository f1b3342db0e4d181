/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests, head and body, cut in every place: what is read of them, and what
 * is refused.
 */
#include "edge/http/message.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_message(void);

static message_t message;
static const char *text;

static void s_setup(void)
{
    message = (message_t){.size = 0};
}

static void s_teardown(void)
{
    message_fini(&message);
}

/* Reads it from the beginning, `step` bytes more each time. */
static message_result_t s_read(const char *bytes, size_t size, size_t step)
{
    message_result_t result = MESSAGE_PARTIAL;
    s_teardown();
    s_setup();
    text = bytes;
    for (size_t at = 0; at < size && result == MESSAGE_PARTIAL;) {
        at = size - at < step ? size : at + step;
        char *copy = malloc(at); /* overruns show, and bytes move */
        memcpy(copy, bytes, at);
        result = message_read(&message, copy, at);
        ck_assert(!message.body || message.body == message.decoded ||
                  message.body + message.body_size <= copy + at);
        if (message.body && !message.decoded)
            message.body = bytes + (message.body - copy);
        free(copy);
    }
    return result;
}

/* The same however it is cut. */
static message_result_t s_read_all_ways(const char *bytes)
{
    size_t size = strlen(bytes);
    message_result_t whole = s_read(bytes, size, size);
    problem_t problem = message.problem;
    const char *detail = message.detail;
    size_t took = message.size;
    for (size_t step = 1; step < 9; step++) {
        ck_assert_msg(s_read(bytes, size, step) == whole, "%s", bytes);
        ck_assert_int_eq(message.problem, problem);
        ck_assert_ptr_eq(message.detail, detail);
        ck_assert(whole != MESSAGE_WHOLE || message.size == took);
    }
    return whole;
}

static bool s_is(span_t span, const char *word)
{
    return span.size == strlen(word) &&
           !memcmp(text + span.at, word, span.size);
}

static bool s_body_is(const char *word)
{
    return message.body_size == strlen(word) &&
           (!*word || !memcmp(message.body, word, message.body_size));
}

START_TEST(handshake_of_a_browser_is_read)
{
    ck_assert_int_eq(
        s_read_all_ways("GET /api/v1/ws?since=12&token=a.b-c_d HTTP/1.1\r\n"
                        "Host: example.org\r\n"
                        "connection:keep-alive, Upgrade\r\n"
                        "Upgrade:  websocket \t\r\n"
                        "User-Agent: Mozilla/5.0 (X11; \"quoted\") 100%\r\n"
                        "X: 1\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n"
                        "Origin:\r\n"
                        "\r\nwhat follows"),
        MESSAGE_WHOLE);
    const head_t *head = &message.head;
    ck_assert_uint_eq(message.size, strlen(text) - strlen("what follows"));
    ck_assert_int_eq(head->verb, VERB_GET);
    ck_assert(s_is(head->path, "/api/v1/ws"));
    ck_assert(s_is(head->query, "since=12&token=a.b-c_d"));
    ck_assert(s_is(head->fields[FIELD_UPGRADE], "websocket"));
    ck_assert(s_is(head->fields[FIELD_HOST], "example.org"));
    ck_assert(s_is(head->fields[FIELD_CONNECTION], "keep-alive, Upgrade"));
    ck_assert(s_is(head->fields[FIELD_WS_VERSION], "13"));
    ck_assert_uint_ne(head->fields[FIELD_ORIGIN].at, 0);
    ck_assert_uint_eq(head->fields[FIELD_AUTHORIZATION].at, 0);
}
END_TEST

/* Whether a request of that line and field is taken; else its problem. */
static bool s_takes(const char *line, const char *field)
{
    static char bytes[512];
    snprintf(bytes, sizeof bytes, "%s\r\nHost: a\r\n%s\r\n\r\n", line, field);
    return s_read_all_ways(bytes) == MESSAGE_WHOLE;
}

START_TEST(what_the_rfc_allows_is_taken)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1",
        "GET / HTTP/1.0",
        "\r\n\r\nGET / HTTP/1.1",
        "DELETE / HTTP/1.1",
        "get / HTTP/1.1",
        "x!#$%&'*+-.^_`|~9 / HTTP/1.1",
        "GET http://a.example/ HTTP/1.1",
        "GET HTTPS://a:8?b HTTP/1.1",
        "GET http://[::1]:80/x HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "CONNECT a:443 HTTP/1.1",
        "GET /a//b/../c/.d;e=f,(g)!$&'*+:@~ HTTP/1.1",
        "GET /%2e?a=%20&b=c+d/?e HTTP/1.1",
        "GET /?? HTTP/1.1",
    };
    static const char *const fields[] = {
        "A: b",
        "A:b",
        "A:",
        "A: \t",
        "A: b\tc",
        "A: \x80\xff",
        "x!#$%^`|~: y",
        "Content-Length: 0",
        "content-length:\t0 ",
        "Content-Length: 0000000000000000000000000000000000000000000000000",
        "Accept-Encoding: gzip\r\nAccept-Encoding: br",
        "Expect: 100-Continue",
        "Upgrade: a\r\nB: c\r\nUpgrade: d"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(s_takes(lines[i], "A: b"), "%s: %s", lines[i],
                      message.detail);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_msg(s_takes("GET / HTTP/1.1", fields[i]), "%s: %s", fields[i],
                      message.detail);
    ck_assert_int_eq(s_read_all_ways("GET / HTTP/1.0\r\n\r\n"), MESSAGE_WHOLE);
    ck_assert(message.head.http10);
    ck_assert(s_takes("GET HTTPS://a:8?b HTTP/1.1", "A: b"));
    ck_assert(s_is(message.head.authority, "a:8"));
    ck_assert(s_is(message.head.query, "b"));
    ck_assert_uint_eq(message.head.path.size, 0);
}
END_TEST

START_TEST(request_lines_that_are_invalid_are_refused)
{
    static const char *const lines[] = {"GET / HTTP/2.0",
                                        "GET / HTTP/1.2",
                                        "GET / HTTP/0.9",
                                        "GET / http/1.1",
                                        "GET  HTTP/1.1",
                                        "GET /  HTTP/1.1",
                                        "GET / x HTTP/1.1",
                                        "GET HTTP/1.1",
                                        "GET /",
                                        "GET\t/ HTTP/1.1",
                                        " GET / HTTP/1.1",
                                        "GET * HTTP/1.1",
                                        "GET a HTTP/1.1",
                                        "GET http:/// HTTP/1.1",
                                        "GET http://a@b/ HTTP/1.1",
                                        "GET ftp://a/ HTTP/1.1",
                                        "GET /%2 HTTP/1.1",
                                        "GET /%zz HTTP/1.1",
                                        "GET /?%g0 HTTP/1.1",
                                        "GET /#a HTTP/1.1",
                                        "GET /\" HTTP/1.1",
                                        "GET /|? HTTP/1.1",
                                        "GET /\x80 HTTP/1.1",
                                        "G(T / HTTP/1.1",
                                        "GET /\t HTTP/1.1",
                                        "GET /?a#b HTTP/1.1",
                                        "\nGET / HTTP/1.1",
                                        "PUT/ HTTP/1.1",
                                        "GET / HTTP/1.1 ",
                                        "{}",
                                        "GET http://[x]/ HTTP/1.1",
                                        "GET http://a:b/ HTTP/1.1"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(!s_takes(lines[i], "A: b") && message.detail, "%s",
                      lines[i]);
}
END_TEST

START_TEST(fields_that_are_invalid_are_refused)
{
    static const char *const fields[] = {
        "no colon",
        ": empty",
        "a b: c",
        "a : b",
        "A: b\r\n folded: b",
        " A: b",
        "\tA: b",
        "A: b\nB: c",
        "A: b\rB: c",
        "A\x80: b",
        "(A): b",
        "A: \x01",
        "A: \x7f",
        "A: b\r\r\nB: c",
        "Host: b",
        "Authorization: a\r\nAuthorization: a",
        "Content-Length:",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 1, 1",
        "Content-Length: 1 1",
        "Content-Length: 0\t", /* others do not read it so */
        "Content-Length: 0 \t ",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length : 1",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: 0\r\nTransfer-Encoding:",
        "Expect: something"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_msg(!s_takes("PUT / HTTP/1.1", fields[i]) && message.detail,
                      "%s", fields[i]);
}
END_TEST

START_TEST(a_wrong_byte_is_refused_before_the_end)
{
    static const char *const texts[] = {"\x16\x03\x01",
                                        "{",
                                        " ",
                                        "GET / HTTP/1.1\r\nHost: a\r\n folded",
                                        "\n",
                                        "\r\r",
                                        "GET / HTTP/1.1\n",
                                        "GET / HTTP/1.1\r\nA: \x01",
                                        "SSH-2.0-x\r\n",
                                        "GET / HTTP/1.1\r\nno colon\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(s_read_all_ways(texts[i]) == MESSAGE_REFUSED, "%s",
                      texts[i]);
}
END_TEST

START_TEST(a_host_is_needed_and_valid)
{
    static const char *const good[] = {"a",          "a.b-c:80", "[::1]",
                                       "[::1]:8080", "1.2.3.4:", "a%20b"};
    static const char *const bad[] = {"",    "a b",  "a/b",   "a:b", ":80",
                                      "a@b", "[::1", "::1",   "[]",  "a:8:8",
                                      "a,b", "%",    "[g::1]"};
    char bytes[128];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(bytes, sizeof bytes, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
                 good[i]);
        ck_assert_msg(s_read_all_ways(bytes) == MESSAGE_WHOLE, "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!strcmp(bad[i], "a,b"))
            continue; /* a comma is of a reg-name */
        snprintf(bytes, sizeof bytes, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n",
                 bad[i]);
        ck_assert_msg(s_read_all_ways(bytes) == MESSAGE_REFUSED, "%s", bad[i]);
    }
    ck_assert_int_eq(s_read_all_ways("GET / HTTP/1.1\r\nA: b\r\n\r\n"),
                     MESSAGE_REFUSED);
}
END_TEST

START_TEST(lines_of_a_list_are_kept_in_order)
{
    ck_assert_int_eq(s_read_all_ways("GET / HTTP/1.1\r\nHost: a\r\n"
                                     "X-Forwarded-For: b\r\nUpgrade: x\r\n"
                                     "X-Forwarded-For: c\r\n\r\n"),
                     MESSAGE_WHOLE);
    ck_assert(s_is(message.head.fields[FIELD_FORWARDED_FOR], "b"));
    ck_assert_uint_eq(message.head.more_count, 1);
    ck_assert_int_eq(message.head.more[0].field, FIELD_FORWARDED_FOR);
    ck_assert(s_is(message.head.more[0].value, "c"));
}
END_TEST

START_TEST(heads_are_bounded)
{
    size_t size = HEAD_BYTES_MAX + 10;
    char *bytes = malloc(size);
    static const char line[] = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
    memset(bytes, 'a', size);
    memcpy(bytes, line, sizeof line - 1);
    for (size_t step = 1000; step <= size; step += 1000) {
        ck_assert_int_eq(s_read(bytes, size, step), MESSAGE_REFUSED);
        ck_assert_int_eq(message.problem, PROBLEM_HEADERS_TOO_LARGE);
    }
    memcpy(bytes + HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
    ck_assert_int_eq(s_read(bytes, size, 700), MESSAGE_WHOLE);
    memcpy(bytes + HEAD_BYTES_MAX - 4, "a\r\n\r\n", 5);
    ck_assert_int_eq(s_read(bytes, size, 700), MESSAGE_REFUSED);
    free(bytes);
}
END_TEST

#define PUT "PUT /a HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED PUT "Transfer-Encoding: Chunked\r\n\r\n"

START_TEST(counted_bodies_end_where_they_say)
{
    ck_assert_int_eq(
        s_read_all_ways(PUT "Content-Length: 0005\r\n\r\nab\r\ncGET /"),
        MESSAGE_WHOLE);
    ck_assert(s_body_is("ab\r\nc"));
    ck_assert_uint_eq(message.size, strlen(text) - strlen("GET /"));
    ck_assert_int_eq(s_read_all_ways(PUT "Content-Length: 5\r\n\r\nabcd"),
                     MESSAGE_PARTIAL);
    static const char *const large[] = {
        "4097", "18446744073709551616",
        "99999999999999999999999999999999999999", "36893488147419103233"};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        char bytes[256];
        snprintf(bytes, sizeof bytes, PUT "Content-Length: %s\r\n\r\nabc",
                 large[i]);
        ck_assert_int_eq(s_read_all_ways(bytes), MESSAGE_REFUSED);
        ck_assert_int_eq(message.problem, PROBLEM_TOO_LARGE);
    }
}
END_TEST

START_TEST(chunks_are_put_together)
{
    static const struct {
        const char *chunks, *body;
    } rows[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"000005\r\nhello\r\nA\r\n, my world\r\n00\r\n\r\n", "hello, my world"},
        {"2;a\r\n\r\n\r\n0;b=c;d=\"e\\\"f\t g\"\r\n\r\n", "\r\n"},
        {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"F\r\n0123456789abcde\r\n0\r\n\r\n", "0123456789abcde"},
        {"1;a=\"\"\r\nx\r\n0\r\n\r\n", "x"},
        {"1\r\nx\r\n0\r\nA: b\r\nContent-Length: 9\r\n\r\n", "x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256];
        snprintf(bytes, sizeof bytes, CHUNKED "%sGET /", rows[i].chunks);
        ck_assert_msg(s_read_all_ways(bytes) == MESSAGE_WHOLE, "%s",
                      rows[i].chunks);
        ck_assert(s_body_is(rows[i].body));
        ck_assert_uint_eq(message.size, strlen(bytes) - strlen("GET /"));
    }
}
END_TEST

START_TEST(malformed_chunks_are_refused)
{
    static const char *const rows[] = {"\r\n",
                                       "x\r\n",
                                       "-1\r\nx",
                                       "+1\r\nx",
                                       "0x1\r\nx",
                                       " 1\r\nx",
                                       "1 \r\nx",
                                       "1\nx",
                                       "1\r\nxy",
                                       "1\r\nx\ry",
                                       "1\r\nx\n",
                                       "1;\r\nx",
                                       "1; a\r\nx",
                                       "1;a=\r\nx",
                                       "1;a=\"b\r\nx",
                                       "1\r\nx\r\n0\r\nno colon\r\n",
                                       "1\r\nx\r\n0\r\n A: b\r\n",
                                       "1\r\nx\r\n0\r\n\n",
                                       "00000000000000001\r\nx",
                                       "1\r\x01",
                                       "0\r\nA: \x01\r\n\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[256];
        snprintf(bytes, sizeof bytes, CHUNKED "%s", rows[i]);
        ck_assert_msg(s_read_all_ways(bytes) == MESSAGE_REFUSED, "%s", rows[i]);
        ck_assert_int_eq(message.problem, PROBLEM_BAD_REQUEST);
    }
}
END_TEST

START_TEST(chunks_are_bounded)
{
    static const char *const large[] = {"1001\r\n", "ffffffffffffffff\r\n",
                                        NULL};
    for (size_t i = 0; large[i]; i++) {
        char bytes[256];
        snprintf(bytes, sizeof bytes, CHUNKED "%s", large[i]);
        ck_assert_msg(s_read_all_ways(bytes) == MESSAGE_REFUSED, "%s",
                      large[i]);
        ck_assert_int_eq(message.problem, PROBLEM_TOO_LARGE);
    }
    char most[8192];
    snprintf(most, sizeof most, CHUNKED "1000\r\n%4096d\r\n1\r\n", 0);
    ck_assert_int_eq(s_read_all_ways(most), MESSAGE_REFUSED);
    ck_assert_int_eq(message.problem, PROBLEM_TOO_LARGE);
    size_t size = 3 * BODY_ENCODED_MAX;
    char *bytes = malloc(size + sizeof CHUNKED);
    strcpy(bytes, CHUNKED "0\r\n");
    for (size_t at = strlen(bytes); at < size; at = strlen(bytes))
        strcpy(bytes + at, "Trailer: of no use\r\n");
    ck_assert_int_eq(s_read(bytes, size, 777), MESSAGE_REFUSED);
    ck_assert_int_eq(message.problem, PROBLEM_TOO_LARGE);
    ck_assert_int_eq(s_read(bytes, size, size), MESSAGE_REFUSED);
    ck_assert_int_eq(message.problem, PROBLEM_TOO_LARGE);
    free(bytes);
}
END_TEST

Suite *suite_edge_message(void)
{
    Suite *suite = suite_create("edge/message");
    TCase *tcase = tcase_create("message");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, handshake_of_a_browser_is_read);
    tcase_add_test(tcase, what_the_rfc_allows_is_taken);
    tcase_add_test(tcase, request_lines_that_are_invalid_are_refused);
    tcase_add_test(tcase, fields_that_are_invalid_are_refused);
    tcase_add_test(tcase, a_wrong_byte_is_refused_before_the_end);
    tcase_add_test(tcase, a_host_is_needed_and_valid);
    tcase_add_test(tcase, lines_of_a_list_are_kept_in_order);
    tcase_add_test(tcase, heads_are_bounded);
    tcase_add_test(tcase, counted_bodies_end_where_they_say);
    tcase_add_test(tcase, chunks_are_put_together);
    tcase_add_test(tcase, malformed_chunks_are_refused);
    tcase_add_test(tcase, chunks_are_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
