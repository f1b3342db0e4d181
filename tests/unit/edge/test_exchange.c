/* SPDX-License-Identifier: Apache-2.0
 *
 * A request as handlers see it, and an answer's head byte by byte.
 */
#include "edge/http/status.h"
#include "tests/unit/edge/api_stage.h"

Suite *suite_edge_exchange(void);

static message_t message;

/* Reads the request's bytes into the exchange. */
static int s_take(const char *bytes)
{
    message_fini(&message);
    message = (message_t){.size = 0};
    s_new(VERB_GET, NULL);
    ck_assert_int_eq(message_read(&message, bytes, strlen(bytes)),
                     MESSAGE_WHOLE);
    return exchange_take(exchange, &message, bytes);
}

static void s_set_up_message(void)
{
    s_setup();
    message = (message_t){.size = 0};
}

static void s_tear_down_message(void)
{
    message_fini(&message);
    s_teardown();
}

#define HOST "Host: h\r\n"

START_TEST(path_and_query_are_decoded)
{
    ck_assert_int_eq(
        s_take("GET /a%41%2Fb%7e?x=1&&y=%20%26&z HTTP/1.1\r\n" HOST "\r\n"), 0);
    ck_assert_str_eq(exchange->path, "/aA%2Fb~"); /* a slash stays as it is */
    ck_assert_str_eq(exchange_query(exchange, "x"), "1");
    ck_assert_str_eq(exchange_query(exchange, "y"), " &");
    ck_assert_str_eq(exchange_query(exchange, "z"), "");
    ck_assert_ptr_null(exchange_query(exchange, ""));
    ck_assert_ptr_null(exchange_query(exchange, "w"));
    ck_assert_int_eq(s_take("GET / HTTP/1.1\r\n" HOST "\r\n"), 0);
    ck_assert_ptr_null(exchange_query(exchange, "x"));
}
END_TEST

START_TEST(every_escape_is_its_byte)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        char bytes[100];
        snprintf(bytes, sizeof bytes, "GET /%%%02x%%%02X HTTP/1.1\r\n%s\r\n",
                 byte, byte, HOST);
        ck_assert_int_eq(s_take(bytes), 0);
        if (byte == '/')
            continue;
        ck_assert_uint_eq((unsigned char)exchange->path[1], byte);
        ck_assert_uint_eq((unsigned char)exchange->path[2], byte);
        ck_assert_uint_eq(exchange->path[3], '\0');
    }
    ck_assert_int_eq(s_take("GET /a%00 HTTP/1.1\r\n" HOST "\r\n"), -1);
    ck_assert_int_eq(s_take("GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n"), -1);
}
END_TEST

START_TEST(a_name_in_the_query_is_a_whole_name)
{
    s_take("GET /?scaler=9&scale=3&scale=4 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(exchange_query(exchange, "scale"), "3"); /* the first */
    ck_assert_ptr_null(exchange_query(exchange, "scal"));
}
END_TEST

START_TEST(lines_of_a_list_are_one_list)
{
    s_take("GET / HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n"
           "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n"
           "Origin: \r\n\r\n");
    ck_assert_str_eq(exchange->fields[FIELD_FORWARDED_FOR], "1.1.1.1,2.2.2.2");
    ck_assert_str_eq(exchange->fields[FIELD_ACCEPT_ENCODING], "gzip");
    ck_assert_str_eq(exchange->fields[FIELD_HOST], "h");
    ck_assert_ptr_null(exchange->fields[FIELD_ORIGIN]); /* empty */
    ck_assert_ptr_null(exchange->fields[FIELD_UPGRADE]);
}
END_TEST

/* RFC 9112, 3.2.2 */
START_TEST(a_targets_host_goes_before_the_fields)
{
    s_take("GET http://other:81 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_str_eq(exchange->fields[FIELD_HOST], "other:81");
    ck_assert_str_eq(exchange->path, "/");
}
END_TEST

START_TEST(a_body_is_copied_with_an_end)
{
    s_take("PUT /x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcGET");
    ck_assert_int_eq(exchange->verb, VERB_PUT);
    ck_assert_uint_eq(exchange->body_size, 3);
    ck_assert_str_eq(exchange->body, "abc");
    s_take("GET /x HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_ptr_null(exchange->body);
}
END_TEST

START_TEST(a_connection_ends_as_its_version_has_it)
{
    static const struct {
        const char *version, *field;
        bool close;
    } cases[] = {
        {"1.1", "", false},
        {"1.1", "Connection: close\r\n", true},
        {"1.1", "Connection: Keep-Alive, Close\r\n", true},
        {"1.1", "Connection: closed\r\n", false},
        {"1.0", "", true},
        {"1.0", "Connection: keep-alive\r\n", false},
        {"1.0", "Connection: keep-alive, close\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[200];
        snprintf(bytes, sizeof bytes, "GET / HTTP/%s\r\n%s%s\r\n",
                 cases[i].version, HOST, cases[i].field);
        ck_assert_int_eq(s_take(bytes), 0);
        ck_assert_msg(exchange->close == cases[i].close, "%zu", i);
        ck_assert_int_eq(exchange->http10, cases[i].version[2] == '0');
    }
}
END_TEST

START_TEST(who_names_two_tokens_is_nobody)
{
    s_new(VERB_GET, "/api/v1/me");
    ck_assert_int_eq(exchange_identify(exchange), AUTH_NONE);
    s_sign();
    ck_assert_int_eq(exchange_identify(exchange), AUTH_GOOD);
    s_query("token=a&token=b");
    ck_assert_int_eq(exchange_identify(exchange), AUTH_BAD);
    s_query("token=&token");
    ck_assert_int_eq(exchange_identify(exchange), AUTH_BAD);
    s_query("tokens=1&tokenx");
    ck_assert_int_eq(exchange_identify(exchange), AUTH_GOOD);
}
END_TEST

/* ---- the answer -------------------------------------------------------- */

/* The head without its Date line, which must be there. */
static const char *s_head(void)
{
    static char text[4096];
    memcpy(text, exchange->head, exchange->head_size);
    text[exchange->head_size] = '\0';
    char *date = strstr(text, "Date: ");
    ck_assert_ptr_nonnull(date);
    ck_assert_uint_eq(strcspn(date, "\r"), 35);
    ck_assert_mem_eq(date + 31, " GMT", 4);
    memmove(date, date + 37, strlen(date + 37) + 1);
    return text;
}

START_TEST(a_whole_head)
{
    s_new(VERB_GET, "/");
    exchange_reply(exchange, &(reply_t){.status = 200,
                                        .content_type = "text/plain",
                                        .cache_control = "no-cache",
                                        .etag = "\"e\"",
                                        .encoding = "gzip",
                                        .negotiated = true,
                                        .fields = "Age: 0\r\n",
                                        .bytes = "0123456789",
                                        .size = 10});
    ck_assert_str_eq(s_head(),
                     "HTTP/1.1 200 OK\r\n"
                     "Content-Type: text/plain\r\n"
                     "Content-Encoding: gzip\r\n"
                     "Content-Length: 10\r\n"
                     "Cache-Control: no-cache\r\n"
                     "ETag: \"e\"\r\n"
                     "Vary: Accept-Encoding\r\n"
                     "Access-Control-Allow-Origin: *\r\n"
                     "Access-Control-Expose-Headers: ETag, Retry-After\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "Age: 0\r\n\r\n");
    ck_assert_uint_eq(exchange->blob->size, 10);
    ck_assert_mem_eq(exchange->blob->bytes, "0123456789", 10);
    ck_assert_uint_eq(replies, 1);
}
END_TEST

START_TEST(a_smallest_head)
{
    s_new(VERB_POST, "/");
    exchange->close = true;
    exchange_reply(exchange, &(reply_t){.status = 204});
    ck_assert_str_eq(s_head(),
                     "HTTP/1.1 204 No Content\r\n"
                     "Cache-Control: no-store\r\n"
                     "Vary: Origin\r\n"
                     "Access-Control-Expose-Headers: ETag, Retry-After\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "Connection: close\r\n\r\n");
    ck_assert_ptr_null(exchange->blob);
}
END_TEST

START_TEST(lengths_are_told_where_there_may_be_a_body)
{
    static const struct {
        verb_t verb;
        unsigned status;
        size_t size;
        const char *length;
        bool body;
    } cases[] = {
        {VERB_GET, 200, 0, "Content-Length: 0\r\n", false},
        {VERB_GET, 200, 4, "Content-Length: 4\r\n", true},
        {VERB_HEAD, 200, 4, "Content-Length: 4\r\n", false},
        {VERB_GET, 304, 4, NULL, false},
        {VERB_GET, 404, 4, "Content-Length: 4\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_new(cases[i].verb, "/");
        exchange_reply(exchange, &(reply_t){.status = cases[i].status,
                                            .bytes = "body",
                                            .size = cases[i].size});
        if (cases[i].length)
            ck_assert(s_head_has(cases[i].length));
        else
            ck_assert(!s_head_has("Content-Length"));
        ck_assert_msg(!!exchange->blob == cases[i].body, "%zu", i);
    }
}
END_TEST

START_TEST(an_old_client_is_told_that_the_connection_stays)
{
    s_new(VERB_GET, "/");
    exchange->http10 = true;
    exchange_reply(exchange, &(reply_t){.status = 200});
    ck_assert(s_head_has("\r\nConnection: keep-alive\r\n"));
    s_new(VERB_GET, "/");
    edge.draining = true;
    exchange_reply(exchange, &(reply_t){.status = 200});
    ck_assert(s_head_has("\r\nConnection: close\r\n"));
    edge.draining = false;
}
END_TEST

START_TEST(a_problem_has_the_fields_of_its_kind)
{
    static const struct {
        problem_t kind;
        const char *field;
    } cases[] = {
        {PROBLEM_METHOD_NOT_ALLOWED, "\r\nAllow: GET, HEAD, OPTIONS\r\n"},
        {PROBLEM_UNAUTHORIZED, "\r\nWWW-Authenticate: Bearer\r\n"},
        {PROBLEM_UPGRADE_REQUIRED, "\r\nUpgrade: websocket\r\n"
                                   "Connection: Upgrade\r\n"
                                   "Sec-WebSocket-Version: 13\r\n"},
        {PROBLEM_RATE_LIMITED, "\r\nRetry-After: 3\r\n"},
        {PROBLEM_UNAVAILABLE, "\r\nRetry-After: 3\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s_new(VERB_GET, "/");
        int64_t counted = edge.metrics[EDGE_PROBLEM_COOLDOWN + cases[i].kind];
        exchange_retry(exchange, cases[i].kind, 2001);
        ck_assert_msg(s_head_has(cases[i].field), "%s", cases[i].field);
        ck_assert(s_head_has("Content-Type: application/problem+json\r\n"));
        ck_assert_int_eq(edge.metrics[EDGE_PROBLEM_COOLDOWN + cases[i].kind],
                         counted + 1);
    }
    s_new(VERB_GET, "/");
    exchange_problem(exchange, PROBLEM_UNAVAILABLE, NULL);
    ck_assert(s_head_has("\r\nRetry-After: 1\r\n"));
    s_new(VERB_GET, "/");
    exchange_problem(exchange, PROBLEM_NOT_FOUND, NULL);
    ck_assert(!s_head_has("\r\nRetry-After"));
}
END_TEST

START_TEST(a_status_has_its_phrase)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } cases[] = {{200, "OK"},
                 {201, "Created"},
                 {204, "No Content"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {409, "Conflict"},
                 {413, "Content Too Large"},
                 {417, "Expectation Failed"},
                 {422, "Unprocessable Content"},
                 {426, "Upgrade Required"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {299, "Unknown"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(status_phrase(cases[i].status), cases[i].phrase);
}
END_TEST

Suite *suite_edge_exchange(void)
{
    Suite *suite = suite_create("edge/exchange");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_set_up_message, s_tear_down_message);
    tcase_add_test(all, path_and_query_are_decoded);
    tcase_add_test(all, every_escape_is_its_byte);
    tcase_add_test(all, a_name_in_the_query_is_a_whole_name);
    tcase_add_test(all, lines_of_a_list_are_one_list);
    tcase_add_test(all, a_targets_host_goes_before_the_fields);
    tcase_add_test(all, a_body_is_copied_with_an_end);
    tcase_add_test(all, a_connection_ends_as_its_version_has_it);
    tcase_add_test(all, who_names_two_tokens_is_nobody);
    tcase_add_test(all, a_whole_head);
    tcase_add_test(all, a_smallest_head);
    tcase_add_test(all, lengths_are_told_where_there_may_be_a_body);
    tcase_add_test(all, an_old_client_is_told_that_the_connection_stays);
    tcase_add_test(all, a_problem_has_the_fields_of_its_kind);
    tcase_add_test(all, a_status_has_its_phrase);
    suite_add_tcase(suite, all);
    return suite;
}
