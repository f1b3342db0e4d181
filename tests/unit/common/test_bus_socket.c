/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_socket.h"

#include <check.h>

Suite *suite_common_bus_socket(void);

START_TEST(channels_derive_from_the_base)
{
    static const struct {
        const char *base;
        bus_channel_t channel;
        const char *endpoint;
    } cases[] = {
        {"tcp://10.0.0.1:7700", BUS_INGRESS, "tcp://10.0.0.1:7700"},
        {"tcp://10.0.0.1:7700", BUS_CONTROL, "tcp://10.0.0.1:7703"},
        {"tcp://[::1]:7700", BUS_FEED, "tcp://[::1]:7701"},
        {"tcp://127.0.0.1:7710", BUS_QUERY, "tcp://127.0.0.1:7710"},
        {"ipc://run/broker-1", BUS_JOURNAL, "ipc://run/broker-1.journal"},
        {"ipc://run/persister-1", BUS_QUERY, "ipc://run/persister-1"},
    };
    char endpoint[BUS_ENDPOINT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(
            bus_endpoint(endpoint, cases[i].base, cases[i].channel), 0);
        ck_assert_str_eq(endpoint, cases[i].endpoint);
    }
}
END_TEST

START_TEST(a_malformed_base_is_refused)
{
    static const char *const bases[] = {
        "",          "tcp://",        "tcp://a",     "tcp://a:",
        "tcp://a:0", "tcp://a:65535", "tcp://a:12x", "udp://a:1",
        "ipc://",    "7700",
    };
    char endpoint[BUS_ENDPOINT_MAX];
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        ck_assert_msg(bus_endpoint(endpoint, bases[i], BUS_FEED) < 0, "%s",
                      bases[i]);
    char longest[BUS_ENDPOINT_MAX + 10] = "ipc://";
    memset(longest + 6, 'a', BUS_ENDPOINT_MAX);
    ck_assert_int_eq(bus_endpoint(endpoint, longest, BUS_FEED), -1);
}
END_TEST

Suite *suite_common_bus_socket(void)
{
    Suite *suite = suite_create("common/bus_socket");
    TCase *all = tcase_create("all");
    tcase_add_test(all, channels_derive_from_the_base);
    tcase_add_test(all, a_malformed_base_is_refused);
    suite_add_tcase(suite, all);
    return suite;
}
