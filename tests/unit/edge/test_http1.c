/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection's life: requests one behind another, what it waits for and how
 * long, and its end.
 */
#include "tests/unit/edge/connection_stage.h"

Suite *suite_edge_http1(void);

#define ASK "GET /api/v1/healthz HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK_PAGE "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK_BIG "GET /big.png HTTP/1.1\r\nHost: x\r\n\r\n"
#define PLACE "PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\n"
#define OK "HTTP/1.1 200"

static void s_start(void)
{
    s_setup();
    s_open_pair();
}

START_TEST(requests_are_answered_on_one_connection)
{
    s_say(ASK_PAGE);
    ck_assert_uint_eq(s_count(OK), 1);
    ck_assert_uint_eq(s_count("<p>page</p>"), 1);
    s_say(ASK_PAGE);
    ck_assert_uint_eq(s_count(OK), 2);
    ck_assert(!ended);
    ck_assert_int_eq(edge.metrics[EDGE_HTTP_REQUESTS], 2);
}
END_TEST

START_TEST(what_is_asked_at_once_is_answered_in_turn)
{
    char text[64 * sizeof ASK_PAGE] = "";
    for (int i = 0; i < 20; i++)
        strcat(text, ASK_PAGE);
    ck_assert_int_eq(send(fd, text, strlen(text), 0), (int)strlen(text));
    s_turn();
    ck_assert_int_eq(edge.metrics[EDGE_HTTP_REQUESTS], 8); /* others, too */
    s_settle();
    ck_assert_uint_eq(s_count(OK), 20);
    ck_assert(!ended);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    for (const char *at = ASK_PAGE; *at; at++)
        s_say_bytes(at, 1);
    ck_assert_uint_eq(s_count(OK), 1);
}
END_TEST

START_TEST(the_first_request_has_ten_seconds)
{
    s_pass(CONNECTION_FIRST_S - 1);
    ck_assert(!s_is_gone());
    s_pass(1);
    ck_assert(s_is_gone());
    ck_assert(ended && !got_size);
}
END_TEST

START_TEST(a_head_has_ten_seconds_from_its_first_byte)
{
    s_say(ASK_PAGE);
    s_pass(CONNECTION_IDLE_S - 1);
    s_say("G");
    s_pass(5);
    s_say("ET / HTTP/1.1\r\n"); /* which is no new beginning */
    s_pass(4);
    ck_assert(!s_is_gone());
    s_pass(1);
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(a_body_has_twenty_seconds)
{
    s_say(PLACE "Content-Length: 9\r\n\r\n");
    s_pass(15);
    s_say("{");
    s_pass(4);
    ck_assert(!s_is_gone());
    s_pass(1);
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(an_idle_connection_ends_after_a_while)
{
    s_say(ASK_PAGE);
    s_pass(CONNECTION_IDLE_S - 1);
    ck_assert(!s_is_gone());
    s_pass(1);
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(who_asks_before_a_body_is_invited_once)
{
    s_say(PLACE "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    ck_assert_str_eq(got, "HTTP/1.1 100 Continue\r\n\r\n");
    s_say("{");
    ck_assert_str_eq(got, "HTTP/1.1 100 Continue\r\n\r\n");
    s_say("}");
    ck_assert_uint_eq(s_count("HTTP/1.1 401"), 1);
    ck_assert(!ended);
}
END_TEST

/* ---- the end --------------------------------------------------------- */

START_TEST(a_last_request_is_answered_and_the_end_said)
{
    s_say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" ASK_PAGE);
    ck_assert_uint_eq(s_count(OK), 1); /* nothing behind it is served */
    ck_assert(ended);
    s_pass(2);
    ck_assert(!s_is_gone()); /* so that the peer sees the answer */
    s_pass(1);
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(a_peer_that_ends_behind_the_last_answer_is_gone_at_once)
{
    s_say("GET / HTTP/1.0\r\n\r\n");
    ck_assert(ended && !s_is_gone());
    shutdown(fd, SHUT_WR);
    s_turn();
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(what_comes_behind_the_last_answer_does_not_cut_it_off)
{
    s_say("GET / HTTP/1.0\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
        s_turn();
        ck_assert(!s_is_gone());
    }
}
END_TEST

START_TEST(a_peer_that_goes_on_behind_the_last_answer_is_cut_off)
{
    static char more[65536];
    s_say("GET / HTTP/1.0\r\n\r\n");
    size_t sent = 0;
    for (ssize_t size; sent < 4 << 20; sent += (size_t)size) {
        size = send(fd, more, sizeof more, MSG_NOSIGNAL | MSG_DONTWAIT);
        s_turn();
        if (s_is_gone())
            break;
        if (size < 0)
            size = 0;
    }
    ck_assert(s_is_gone());
    ck_assert_uint_ge(sent, 1 << 20);
    ck_assert_uint_le(sent, 3 << 20);
}
END_TEST

START_TEST(what_is_no_request_is_refused_and_nothing_behind_it_read)
{
    static const struct {
        const char *text, *answer;
    } cases[] = {
        {"nonsense\r\n\r\n" ASK_PAGE, "HTTP/1.1 400"},
        {"GET / HTTP/1.1\r\n\r\n" ASK_PAGE, "HTTP/1.1 400"},
        {"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n" ASK_PAGE, "HTTP/1.1 400"},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n" ASK_PAGE, "HTTP/1.1 400"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i)
            s_open_pair();
        s_say(cases[i].text);
        ck_assert_msg(s_count(cases[i].answer) == 1, "%s", got);
        ck_assert_uint_eq(s_count("\r\nDate: "), 1);
        ck_assert(ended);
        ck_assert_int_eq(edge.metrics[EDGE_HTTP_MALFORMED], (int64_t)i + 1);
        s_pass(3);
        ck_assert(s_is_gone());
    }
}
END_TEST

START_TEST(a_peer_that_ends_is_gone)
{
    s_say(ASK_PAGE);
    close(fd);
    fd = -1;
    s_turn();
    s_turn();
    ck_assert(s_is_gone());
}
END_TEST

START_TEST(what_was_asked_before_the_end_is_answered)
{
    ck_assert_int_gt(send(fd, ASK_PAGE, strlen(ASK_PAGE), 0), 0);
    shutdown(fd, SHUT_WR);
    s_settle();
    ck_assert_uint_eq(s_count(OK), 1);
    ck_assert(s_is_gone());
}
END_TEST

/* ---- slow readers ---------------------------------------------------- */

START_TEST(an_answer_goes_out_as_it_is_read)
{
    s_say(ASK_BIG);
    ck_assert_uint_eq(s_count(OK), 1);
    ck_assert_uint_gt(got_size, FILE_BYTES);
    s_forget();
    s_say(ASK_PAGE);
    ck_assert_uint_eq(s_count(OK), 1);
}
END_TEST

START_TEST(what_is_asked_meanwhile_is_answered_behind_it)
{
    s_say(ASK_BIG ASK_PAGE);
    ck_assert_uint_gt(got_size, FILE_BYTES);
    ck_assert_mem_eq(got + got_size - 11, "<p>page</p>", 11);
}
END_TEST

START_TEST(a_reader_that_stops_is_cut_off)
{
    ck_assert_int_gt(send(fd, ASK_BIG, strlen(ASK_BIG), 0), 0);
    for (int i = 0; i < 30; i++) {
        ck_assert(!s_is_gone());
        s_turn();
        now_ms += 1000;
        poller_expire(poller, (uint32_t)(now_ms / 1000));
    }
    s_turn();
    ck_assert(s_is_gone());
}
END_TEST

/* Progress moves its deadline, but not beyond 30 s and what 32 KB a second
 * take. */
START_TEST(a_reader_that_trickles_is_cut_off_at_last)
{
    unsigned seconds = 0;
    ck_assert_int_gt(send(fd, ASK_BIG, strlen(ASK_BIG), 0), 0);
    for (; !s_is_gone() && seconds < 300; seconds += 10) {
        static char some[150000];
        s_turn();
        for (size_t left = sizeof some; left;) {
            ssize_t read = recv(fd, some, left, MSG_DONTWAIT);
            if (read <= 0)
                break;
            left -= (size_t)read;
        }
        s_turn();
        now_ms += 10000;
        poller_expire(poller, (uint32_t)(now_ms / 1000));
        s_turn();
    }
    ck_assert_uint_ge(seconds, 30 + FILE_BYTES / 32768);
    ck_assert_uint_le(seconds, 30 + FILE_BYTES / 32768 + 20);
}
END_TEST

START_TEST(a_reader_that_goes_away_is_gone)
{
    ck_assert_int_gt(send(fd, ASK_BIG, strlen(ASK_BIG), 0), 0);
    s_turn();
    close(fd);
    fd = -1;
    s_turn();
    s_turn();
    ck_assert(s_is_gone());
}
END_TEST

Suite *suite_edge_http1(void)
{
    Suite *suite = suite_create("edge/http1");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, s_start, s_teardown);
    tcase_add_test(all, requests_are_answered_on_one_connection);
    tcase_add_test(all, what_is_asked_at_once_is_answered_in_turn);
    tcase_add_test(all, a_request_may_come_byte_by_byte);
    tcase_add_test(all, the_first_request_has_ten_seconds);
    tcase_add_test(all, a_head_has_ten_seconds_from_its_first_byte);
    tcase_add_test(all, a_body_has_twenty_seconds);
    tcase_add_test(all, an_idle_connection_ends_after_a_while);
    tcase_add_test(all, who_asks_before_a_body_is_invited_once);
    tcase_add_test(all, a_last_request_is_answered_and_the_end_said);
    tcase_add_test(all,
                   a_peer_that_ends_behind_the_last_answer_is_gone_at_once);
    tcase_add_test(all, what_comes_behind_the_last_answer_does_not_cut_it_off);
    tcase_add_test(all, a_peer_that_goes_on_behind_the_last_answer_is_cut_off);
    tcase_add_test(all,
                   what_is_no_request_is_refused_and_nothing_behind_it_read);
    tcase_add_test(all, a_peer_that_ends_is_gone);
    tcase_add_test(all, what_was_asked_before_the_end_is_answered);
    tcase_add_test(all, an_answer_goes_out_as_it_is_read);
    tcase_add_test(all, what_is_asked_meanwhile_is_answered_behind_it);
    tcase_add_test(all, a_reader_that_stops_is_cut_off);
    tcase_add_test(all, a_reader_that_trickles_is_cut_off_at_last);
    tcase_add_test(all, a_reader_that_goes_away_is_gone);
    suite_add_tcase(suite, all);
    return suite;
}
