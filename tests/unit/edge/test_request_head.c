/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/request_head.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_edge_request_head(void);

static bool s_is(slice_t slice, const char *text)
{
    return slice.size == strlen(text) && !memcmp(slice.text, text, slice.size);
}

START_TEST(handshake_of_a_browser_is_read)
{
    static const char text[] =
        "GET /api/v1/ws?since=12&token=a.b-c_d HTTP/1.1\r\n"
        "Host: example.org\r\n"
        "connection:keep-alive, Upgrade\r\n"
        "Upgrade:  websocket \r\n"
        "User-Agent: Mozilla/5.0 (X11; \"quoted\") 100%\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Origin:\r\n"
        "\r\nwhat follows";
    request_head_t head;
    ck_assert_int_eq(request_head_parse(&head, text, sizeof text - 1),
                     HEAD_PLAIN);
    ck_assert_uint_eq(head.size, sizeof text - 1 - strlen("what follows"));
    ck_assert_int_eq(head.verb, VERB_GET);
    ck_assert(s_is(head.path, "/api/v1/ws"));
    ck_assert(s_is(head.query, "since=12&token=a.b-c_d"));
    ck_assert(s_is(head.upgrade, "websocket"));
    ck_assert(s_is(head.headers[HEADER_HOST], "example.org"));
    ck_assert(s_is(head.headers[HEADER_CONNECTION], "keep-alive, Upgrade"));
    ck_assert(s_is(head.headers[HEADER_WS_VERSION], "13"));
    ck_assert_ptr_null(head.headers[HEADER_ORIGIN].text);
    ck_assert_ptr_null(head.headers[HEADER_AUTHORIZATION].text);
}
END_TEST

START_TEST(head_is_read_as_well)
{
    static const char text[] = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    request_head_t head;
    ck_assert_int_eq(request_head_parse(&head, text, sizeof text - 1),
                     HEAD_PLAIN);
    ck_assert_int_eq(head.verb, VERB_HEAD);
    ck_assert(s_is(head.path, "/"));
    ck_assert_uint_eq(head.query.size, 0);
}
END_TEST

/* Whether "GET <target>" with that field is of the kind. */
static bool s_takes(const char *line, const char *field)
{
    char text[512];
    request_head_t head;
    int size =
        snprintf(text, sizeof text, "%s\r\nHost: a\r\n%s\r\n\r\n", line, field);
    return request_head_parse(&head, text, (size_t)size) == HEAD_PLAIN;
}

START_TEST(what_is_uncommon_is_left_alone)
{
    static const char *const lines[] = {
        "POST / HTTP/1.1",    "DELETE / HTTP/1.1",      "get / HTTP/1.1",
        "GET / HTTP/1.0",     "GET / HTTP/2.0",         "GET  HTTP/1.1",
        "GET / x HTTP/1.1",   "GET http://a/ HTTP/1.1", "GET * HTTP/1.1",
        "GET /a//b HTTP/1.1", "GET /a/../b HTTP/1.1",   "GET /.git HTTP/1.1",
        "GET /%2e HTTP/1.1",  "GET /?a=%20 HTTP/1.1",   "GET /?a+b HTTP/1.1",
        "GET /#a HTTP/1.1",   "GET /a;b HTTP/1.1",      "GET /\t HTTP/1.1",
    };
    static const char *const fields[] = {
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "expect: 100-continue",
        "Host: b",
        "no colon",
        ": empty",
        "a b: c",
        " folded: b",
        "A: \t",
        "A: \x80",
        "A: b\nB: c",
        "A: b\rB: c",
    };
    ck_assert(s_takes("GET / HTTP/1.1", "A: b"));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(!s_takes(lines[i], "A: b"), "%s", lines[i]);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_msg(!s_takes("GET / HTTP/1.1", fields[i]), "%s", fields[i]);
}
END_TEST

START_TEST(beginning_of_a_request_is_partial)
{
    static const char text[] = "PUT /a HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 5\r\n\r\nab\r\nc";
    size_t head_size = sizeof text - 1 - 5;
    request_head_t head;
    for (size_t size = 1; size < sizeof text - 1; size++) {
        ck_assert_int_eq(request_head_parse(&head, text, size), HEAD_PARTIAL);
        ck_assert_uint_eq(head.size, size < head_size ? 0 : sizeof text - 1);
    }
    ck_assert_int_eq(request_head_parse(&head, text, sizeof text - 1),
                     HEAD_PLAIN);
    ck_assert_int_eq(head.verb, VERB_PUT);
    ck_assert(s_is(head.body, "ab\r\nc"));
}
END_TEST

START_TEST(what_becomes_no_request_is_not_waited_for)
{
    static const char *const texts[] = {
        "",          "\r\n", "\x16\x03\x01",
        "GET\t/",    "{}",   "GET / HTTP/1.1\n\n",
        "SSH-2.0-x", "GET/ "};
    request_head_t head;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(request_head_parse(&head, texts[i], strlen(texts[i])) ==
                          HEAD_OTHER,
                      "%s", texts[i]);
    static const char nameless[] = "GET /a HTTP/1.1\r\nB: c\r\n\r\n";
    ck_assert_int_eq(request_head_parse(&head, nameless, sizeof nameless - 1),
                     HEAD_OTHER);
}
END_TEST

START_TEST(body_has_a_length_that_is_told_once)
{
    static const char *const good[] = {"Content-Length: 0", "content-length:0"};
    static const char *const bad[] = {
        "A: b",
        "Content-Length:",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 1, 1",
        "Content-Length: 4097",
        "Content-Length: 00000",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(s_takes("POST / HTTP/1.1", good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!s_takes("PUT / HTTP/1.1", bad[i]), "%s", bad[i]);
}
END_TEST

Suite *suite_edge_request_head(void)
{
    Suite *suite = suite_create("edge/request_head");
    TCase *tcase = tcase_create("request_head");
    tcase_add_test(tcase, handshake_of_a_browser_is_read);
    tcase_add_test(tcase, head_is_read_as_well);
    tcase_add_test(tcase, what_is_uncommon_is_left_alone);
    tcase_add_test(tcase, beginning_of_a_request_is_partial);
    tcase_add_test(tcase, what_becomes_no_request_is_not_waited_for);
    tcase_add_test(tcase, body_has_a_length_that_is_told_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
