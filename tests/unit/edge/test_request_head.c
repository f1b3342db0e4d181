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
    ck_assert(request_head_parse(&head, text, sizeof text - 1));
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
    ck_assert(request_head_parse(&head, text, sizeof text - 1));
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
    return request_head_parse(&head, text, (size_t)size);
}

START_TEST(what_is_uncommon_is_left_alone)
{
    static const char *const lines[] = {
        "POST / HTTP/1.1",    "PUT / HTTP/1.1",         "get / HTTP/1.1",
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

START_TEST(no_beginning_of_a_head_is_one)
{
    static const char text[] = "GET /a HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";
    request_head_t head;
    for (size_t size = 0; size < sizeof text - 1; size++)
        ck_assert(!request_head_parse(&head, text, size));
    ck_assert(request_head_parse(&head, text, sizeof text - 1));
    static const char nameless[] = "GET /a HTTP/1.1\r\nB: c\r\n\r\n";
    ck_assert(!request_head_parse(&head, nameless, sizeof nameless - 1));
}
END_TEST

Suite *suite_edge_request_head(void)
{
    Suite *suite = suite_create("edge/request_head");
    TCase *tcase = tcase_create("request_head");
    tcase_add_test(tcase, handshake_of_a_browser_is_read);
    tcase_add_test(tcase, head_is_read_as_well);
    tcase_add_test(tcase, what_is_uncommon_is_left_alone);
    tcase_add_test(tcase, no_beginning_of_a_head_is_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
