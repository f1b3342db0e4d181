/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/address_limits.h"

#include "common/clock.h"
#include "edge/edge.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *suite_edge_address_limits(void);

static uint64_t now_ms;
static edge_config_t config;
static edge_t edge;
static address_limits_t *limits;

static uint64_t s_now_ms(void)
{
    return now_ms;
}

static const clock_source_t by_hand = {s_now_ms, s_now_ms};

static void s_setup(void)
{
    now_ms = 1000000;
    config = (edge_config_t){.connections_per_address = 2,
                             .sessions_per_address = 3};
    edge = (edge_t){.config = &config};
    clock_use(&by_hand);
    limits = address_limits_new(&edge);
}

static void s_teardown(void)
{
    address_limits_destroy(&limits);
    clock_use(&clock_system);
}

static void s_trust(const char *proxies)
{
    config.trusted_proxies = (char *)proxies;
    address_limits_destroy(&limits);
    limits = address_limits_new(&edge);
}

static address_t s_address(const char *text)
{
    address_t address;
    ck_assert_int_eq(address_parse(text, &address), 0);
    return address;
}

static int s_open(const char *text)
{
    address_t address = s_address(text);
    return address_limits_open(limits, &address);
}

static void s_close(const char *text)
{
    address_t address = s_address(text);
    address_limits_close(limits, &address);
}

static uint32_t s_session(const char *text)
{
    address_t address = s_address(text);
    return address_limits_session(limits, &address);
}

static bool s_client_is(const char *peer, const char *header,
                        const char *client)
{
    address_t from = s_address(peer), expected = s_address(client);
    address_t got = address_limits_client(limits, &from, header);
    return !memcmp(&got, &expected, sizeof got);
}

START_TEST(texts_are_parsed)
{
    address_t v4 = s_address("1.2.3.4"), mapped = s_address("::ffff:1.2.3.4");
    ck_assert_mem_eq(&v4, &mapped, sizeof v4);
    mapped = s_address("1.2.3.4:99");
    ck_assert_mem_eq(&v4, &mapped, sizeof v4);
    address_t v6 = s_address("2001:db8::1"),
              port = s_address("[2001:db8::1]:9");
    ck_assert_mem_eq(&v6, &port, sizeof v6);
    static const char *const bad[] = {
        "",          "a",        "1.2.3",
        "1.2.3.4.5", "unknown",  "::g",
        "[1.2.3.4]", "1.2.3.4 ", "2001:db8::1:2:3:4:5:6:7:8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(address_parse(bad[i], &v4), -1);
}
END_TEST

START_TEST(sockets_addresses_are_the_same)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    inet_pton(AF_INET, "1.2.3.4", &v4.sin_addr);
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    address_t one = address_of((const struct sockaddr *)&v4);
    address_t two = address_of((const struct sockaddr *)&v6);
    address_t expected = s_address("1.2.3.4");
    ck_assert_mem_eq(&one, &expected, sizeof one);
    expected = s_address("2001:db8::1");
    ck_assert_mem_eq(&two, &expected, sizeof two);
}
END_TEST

START_TEST(connections_are_limited_and_come_back)
{
    ck_assert_int_eq(s_open("9.9.9.9"), 0);
    ck_assert_int_eq(s_open("9.9.9.9"), 0);
    ck_assert_int_eq(s_open("9.9.9.9"), -1);
    ck_assert_int_eq(s_open("9.9.9.8"), 0);
    s_close("9.9.9.9");
    ck_assert_int_eq(s_open("9.9.9.9"), 0);
    ck_assert_int_eq(s_open("9.9.9.9"), -1);
}
END_TEST

START_TEST(an_ipv6_network_counts_as_one)
{
    ck_assert_int_eq(s_open("2001:db8:0:1::1"), 0);
    ck_assert_int_eq(s_open("2001:db8:0:1:ffff::2"), 0);
    ck_assert_int_eq(s_open("2001:db8:0:1::3"), -1);
    ck_assert_int_eq(s_open("2001:db8:0:2::1"), 0);
}
END_TEST

START_TEST(loopback_is_exempt_unless_told)
{
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(s_open("127.0.0.5"), 0);
        ck_assert_int_eq(s_open("::1"), 0);
        ck_assert_uint_eq(s_session("127.0.0.1"), 0);
    }
    config.limit_loopback = true;
    ck_assert_int_eq(s_open("127.0.0.5"), 0);
    ck_assert_int_eq(s_open("127.0.0.5"), 0);
    ck_assert_int_eq(s_open("127.0.0.5"), -1);
}
END_TEST

START_TEST(zero_is_no_limit)
{
    config.connections_per_address = config.sessions_per_address = 0;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(s_open("9.9.9.9"), 0);
        ck_assert_uint_eq(s_session("9.9.9.9"), 0);
    }
    s_close("9.9.9.9");
}
END_TEST

START_TEST(sessions_come_back_over_the_minute)
{
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(s_session("9.9.9.9"), 0);
    ck_assert_uint_eq(s_session("9.9.9.9"), 20000);
    ck_assert_uint_eq(s_session("9.9.9.8"), 0);
    now_ms += 19999;
    ck_assert_uint_eq(s_session("9.9.9.9"), 1);
    now_ms += 1;
    ck_assert_uint_eq(s_session("9.9.9.9"), 0);
    ck_assert_uint_eq(s_session("9.9.9.9"), 20000);
    now_ms += 3600000;
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(s_session("9.9.9.9"), 0);
}
END_TEST

START_TEST(forwarded_for_counts_from_trusted_proxies_only)
{
    s_trust("10.0.0.0/8, 2001:db8::/32");
    ck_assert(s_client_is("9.9.9.9", "1.1.1.1", "9.9.9.9"));
    ck_assert(s_client_is("10.1.2.3", "1.1.1.1", "1.1.1.1"));
    ck_assert(s_client_is("10.1.2.3", NULL, "10.1.2.3"));
    ck_assert(s_client_is("10.1.2.3", "", "10.1.2.3"));
    /* What the client itself put in front counts for nothing. */
    ck_assert(s_client_is("10.1.2.3", "6.6.6.6, 1.1.1.1", "1.1.1.1"));
    ck_assert(
        s_client_is("10.1.2.3", "6.6.6.6 , 1.1.1.1,10.9.9.9 ", "1.1.1.1"));
    ck_assert(s_client_is("2001:db8::9", "2001:db9::1", "2001:db9::1"));
    ck_assert(s_client_is("10.1.2.3", "1.1.1.1, junk", "10.1.2.3"));
    ck_assert(s_client_is("10.1.2.3", "10.2.2.2, 10.3.3.3", "10.2.2.2"));
    ck_assert(s_client_is("11.1.2.3", "1.1.1.1", "11.1.2.3"));
}
END_TEST

START_TEST(proxies_are_exempt)
{
    s_trust("10.1.2.3");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(s_open("10.1.2.3"), 0);
    ck_assert_int_eq(s_open("10.1.2.4"), 0);
    ck_assert_int_eq(s_open("10.1.2.4"), 0);
    ck_assert_int_eq(s_open("10.1.2.4"), -1);
}
END_TEST

START_TEST(malformed_proxies_are_refused)
{
    static const char *const bad[] = {"a", "10.0.0.0/33", "10.0.0.0/-1",
                                      "2001:db8::/129", "10.0.0.0/8,x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s_trust(bad[i]);
        ck_assert_ptr_null(limits);
    }
}
END_TEST

START_TEST(handshakes_and_bytes_come_back_over_the_minute)
{
    address_t one = s_address("9.9.9.9"), other = s_address("9.9.9.8");
    config.handshakes_per_address = 4;
    config.catch_up_per_address = 1000;
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(address_limits_handshake(limits, &one), 0);
    ck_assert_uint_eq(address_limits_handshake(limits, &one), 15000);
    ck_assert_uint_eq(address_limits_handshake(limits, &other), 0);
    ck_assert_int_eq(address_limits_catch_up(limits, &one, 600), 0);
    ck_assert_int_eq(address_limits_catch_up(limits, &one, 600), -1);
    ck_assert_int_eq(address_limits_catch_up(limits, &one, 400), 0);
    now_ms += 15000;
    ck_assert_uint_eq(address_limits_handshake(limits, &one), 0);
    ck_assert_int_eq(address_limits_catch_up(limits, &one, 251), -1);
    ck_assert_int_eq(address_limits_catch_up(limits, &one, 250), 0);
}
END_TEST

/* 3,000 people behind one address, who all come within a minute, look at the
 * page in a browser, take an identity, lose their edge once and come back. */
START_TEST(venue_behind_one_address_meets_no_default)
{
    char *argv[] = {"stipple-edge"};
    config = (edge_config_t){0};
    settings_load(&edge_settings, &config, 1, argv);
    address_t venue = s_address("9.9.9.9");
    for (int i = 0; i < 3000; i++, now_ms += 15) {
        for (int browser = 0; browser < 6; browser++)
            ck_assert_int_eq(s_open("9.9.9.9"), 0);
        ck_assert_int_eq(s_open("9.9.9.9"), 0);
        ck_assert_uint_eq(s_session("9.9.9.9"), 0);
        ck_assert_uint_eq(address_limits_handshake(limits, &venue), 0);
        ck_assert_int_eq(address_limits_catch_up(limits, &venue, 20000), 0);
    }
    for (int i = 0; i < 3000; i++, now_ms += 1) {
        ck_assert_uint_eq(address_limits_handshake(limits, &venue), 0);
        ck_assert_int_eq(address_limits_catch_up(limits, &venue, 200000), 0);
    }
    settings_free(&edge_settings, &config);
    config = (edge_config_t){0};
}
END_TEST

START_TEST(proxy_that_nobody_named_is_told_of_once)
{
    address_t proxy = s_address("9.9.9.9");
    char text[4096] = {0};
    int log = memfd_create("log", 0), stderr_before = dup(2);
    dup2(log, 2);
    for (int i = 0; i < 4; i++)
        s_open("9.9.9.9");
    ck_assert_int_eq(pread(log, text, sizeof text, 0), 0); /* a person */
    address_limits_note_forwarded(limits, &proxy);
    for (int i = 0; i < 4; i++) {
        s_open("9.9.9.9");
        s_session("9.9.9.9");
    }
    dup2(stderr_before, 2);
    ck_assert_int_gt(pread(log, text, sizeof text - 1, 0), 0);
    close(log);
    close(stderr_before);
    const char *line = strstr(text, "trusted_proxies");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_nonnull(strstr(text, "address=9.9.9.9"));
    ck_assert_ptr_null(strstr(line + 1, "trusted_proxies"));
}
END_TEST

Suite *suite_edge_address_limits(void)
{
    Suite *suite = suite_create("edge/address_limits");
    TCase *tcase = tcase_create("address");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, texts_are_parsed);
    tcase_add_test(tcase, sockets_addresses_are_the_same);
    tcase_add_test(tcase, connections_are_limited_and_come_back);
    tcase_add_test(tcase, an_ipv6_network_counts_as_one);
    tcase_add_test(tcase, loopback_is_exempt_unless_told);
    tcase_add_test(tcase, zero_is_no_limit);
    tcase_add_test(tcase, sessions_come_back_over_the_minute);
    tcase_add_test(tcase, forwarded_for_counts_from_trusted_proxies_only);
    tcase_add_test(tcase, proxies_are_exempt);
    tcase_add_test(tcase, handshakes_and_bytes_come_back_over_the_minute);
    tcase_add_test(tcase, venue_behind_one_address_meets_no_default);
    tcase_add_test(tcase, proxy_that_nobody_named_is_told_of_once);
    tcase_add_test(tcase, malformed_proxies_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
