/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus_socket.h"

#include "common/bus_guard.h"
#include "tests/unit/folder.h"

#include <check.h>
#include <unistd.h>

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
        "",
        "tcp://",
        "tcp://a",
        "tcp://a:",
        "tcp://a:0",
        "tcp://a:65535",
        "tcp://a:12x",
        "udp://a:1",
        "ipc://",
        "7700",
        "tcp://:7700",
        "tcp://a: 7700",
        "tcp://a:+7",
        "tcp://a:65534",
        "tcp://a:99999999999999999999",
    };
    char endpoint[BUS_ENDPOINT_MAX];
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        ck_assert_msg(bus_endpoint(endpoint, bases[i], BUS_FEED) < 0, "%s",
                      bases[i]);
    /* No channel of a broker whose last one has no port. */
    ck_assert_int_eq(bus_endpoint(endpoint, "tcp://a:65533", BUS_INGRESS), -1);
    ck_assert_int_eq(bus_endpoint(endpoint, "tcp://a:65532", BUS_CONTROL), 0);
    ck_assert_int_eq(bus_endpoint(endpoint, "tcp://a:65535", BUS_QUERY), 0);
    char longest[BUS_ENDPOINT_MAX + 10] = "ipc://";
    memset(longest + 6, 'a', BUS_ENDPOINT_MAX);
    ck_assert_int_eq(bus_endpoint(endpoint, longest, BUS_FEED), -1);
}
END_TEST

START_TEST(every_address_is_no_name_under_curve)
{
    static const char *const binds[] = {"tcp://*:7700", "tcp://0.0.0.0:7700",
                                        "tcp://[::]:7700"};
    for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
        ck_assert_ptr_null(bus_names(binds[i], "", "auto"));
        ck_assert_str_eq(bus_names(binds[i], "", "off"), binds[i]);
        ck_assert_str_eq(bus_names(binds[i], "tcp://b:1", "on"), "tcp://b:1");
    }
    ck_assert_str_eq(bus_names("tcp://10.0.0.1:7700", NULL, "auto"),
                     "tcp://10.0.0.1:7700");
}
END_TEST

START_TEST(channels_have_their_words)
{
    ck_assert_str_eq(bus_channel_word(BUS_INGRESS), "ingress");
    ck_assert_str_eq(bus_channel_word(BUS_FEED), "feed");
    ck_assert_str_eq(bus_channel_word(BUS_JOURNAL), "journal");
    ck_assert_str_eq(bus_channel_word(BUS_CONTROL), "control");
    ck_assert_str_eq(bus_channel_word(BUS_QUERY), "query");
}
END_TEST

START_TEST(ports_of_a_base_are_those_from_1_to_65532)
{
    char endpoint[BUS_ENDPOINT_MAX];
    ck_assert_int_eq(bus_endpoint(endpoint, "tcp://a:1", BUS_JOURNAL), 0);
    ck_assert_str_eq(endpoint, "tcp://a:3");
    ck_assert_int_eq(bus_endpoint(endpoint, "ipc://a", BUS_INGRESS), 0);
    ck_assert_str_eq(endpoint, "ipc://a.ingress");
    ck_assert_int_eq(bus_endpoint(endpoint, "ipc://a", BUS_CONTROL), 0);
    ck_assert_str_eq(endpoint, "ipc://a.control");
}
END_TEST

/* What libzmq does by default would queue for ever, never notice a dead peer
 * and take a message of any size. */
START_TEST(sockets_have_bounds_heartbeats_and_no_linger)
{
    static const struct {
        bus_channel_t channel;
        int bound, connected, high_water;
    } cases[] = {
        {BUS_INGRESS, ZMQ_ROUTER, ZMQ_DEALER, 20000},
        {BUS_FEED, ZMQ_PUB, ZMQ_SUB, 20000},
        {BUS_JOURNAL, ZMQ_PUSH, ZMQ_PULL, 2000},
        {BUS_CONTROL, ZMQ_ROUTER, ZMQ_DEALER, 2000},
        {BUS_QUERY, ZMQ_ROUTER, ZMQ_DEALER, 20000},
    };
    bus_security_t open = {NULL, "auto", NULL};
    char folder[100], base[128], path[200];
    s_new_folder(folder, sizeof folder, "bus");
    snprintf(base, sizeof base, "ipc://%s/b", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zsock_t *each[] = {bus_bind(base, cases[i].channel, &open),
                           bus_connect(base, cases[i].channel, &open)};
        ck_assert(each[0] && each[1]);
        ck_assert_int_eq(zsock_type(each[0]), cases[i].bound);
        ck_assert_int_eq(zsock_type(each[1]), cases[i].connected);
        for (int j = 0; j < 2; j++) {
            ck_assert_int_eq(zsock_sndhwm(each[j]), cases[i].high_water);
            ck_assert_int_eq(zsock_rcvhwm(each[j]), cases[i].high_water);
            ck_assert_int_eq(zsock_linger(each[j]), 0);
            ck_assert_int_eq(zsock_heartbeat_ivl(each[j]), 1000);
            ck_assert_int_eq(zsock_heartbeat_timeout(each[j]), 3000);
            ck_assert_int_eq(zsock_connect_timeout(each[j]), 2000);
            ck_assert_int_eq(zsock_handshake_ivl(each[j]), 5000);
            ck_assert_int_eq(zsock_reconnect_ivl(each[j]), 50);
            ck_assert_int_eq(zsock_reconnect_ivl_max(each[j]), 250);
            ck_assert_int_eq(zsock_maxmsgsize(each[j]), 67117056);
            ck_assert_int_eq(zsock_ipv6(each[j]), 1);
            ck_assert_int_eq(zsock_mechanism(each[j]), ZMQ_NULL);
        }
        zsock_destroy(&each[1]);
        zsock_destroy(&each[0]);
    }
    snprintf(path, sizeof path, "rm -r %s", folder);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

static role_keys_t s_broker, s_edge;

/* The keys of one broker and one edge that fit each other. */
static void s_draw(void)
{
    s_broker = (role_keys_t){.role = ROLE_BROKER, .serves = true};
    memset(s_broker.server_secret, 3, KEY_BYTES);
    memset(s_broker.accept[ROLE_EDGE].bytes[0], 4, KEY_BYTES);
    s_broker.accept[ROLE_EDGE].count = 1;
    s_edge = (role_keys_t){.role = ROLE_EDGE};
    key_peer_t *peer = &s_edge.connect[ROLE_BROKER];
    peer->servers.count = 1;
    curve_public(s_broker.server_secret, peer->servers.bytes[0]);
    memset(peer->client_secret, 4, KEY_BYTES);
}

START_TEST(curve_goes_by_the_setting_and_the_transport)
{
    s_draw();
    bus_security_t with = {&s_edge, "auto", NULL}, none = {NULL, "auto", NULL};
    static const struct {
        const char *base, *curve;
        bool keys;
        int mechanism; /* -1: refused */
    } cases[] = {
        {"tcp://127.0.0.1:9", "auto", true, ZMQ_CURVE},
        {"tcp://127.0.0.1:9", "on", true, ZMQ_CURVE},
        {"tcp://127.0.0.1:9", "off", true, ZMQ_NULL},
        {"tcp://127.0.0.1:9", "auto", false, -1},
        {"tcp://127.0.0.1:9", "off", false, ZMQ_NULL},
        {"ipc://x", "auto", true, ZMQ_NULL},
        {"ipc://x", "on", true, ZMQ_CURVE},
        {"ipc://x", "on", false, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bus_security_t security = cases[i].keys ? with : none;
        security.curve = cases[i].curve;
        zsock_t *socket = bus_connect(cases[i].base, BUS_INGRESS, &security);
        ck_assert_msg((socket ? zsock_mechanism(socket) : -1) ==
                          cases[i].mechanism,
                      "%zu", i);
        zsock_destroy(&socket);
    }
    /* A role without a part in a channel has no keys for it. */
    with.curve = "on";
    ck_assert_ptr_null(bus_connect("ipc://x", BUS_QUERY, &with));
    ck_assert_ptr_null(bus_bind("ipc:///nonexistent/x", BUS_INGRESS, &with));
    ck_assert_ptr_null(bus_connect("nonsense", BUS_INGRESS, &with));
}
END_TEST

/* The whole of it, over a Unix socket: an edge with the right key gets through
 * to the broker that it means, and the broker knows its role. */
START_TEST(an_edge_reaches_the_broker_that_it_means)
{
    char folder[100], base[128], path[200];
    s_draw();
    s_new_folder(folder, sizeof folder, "bus");
    snprintf(base, sizeof base, "ipc://%s/b", folder);
    bus_security_t ours = {&s_broker, "on", base}, theirs = {&s_edge, "on", ""};
    bus_guard_t *guard = bus_guard_new(&ours);
    zsock_t *bound = bus_bind(base, BUS_INGRESS, &ours);
    zsock_t *connected = bus_connect(base, BUS_INGRESS, &theirs);
    ck_assert(guard && bound && connected);
    zsock_set_rcvtimeo(bound, 10000);
    zsock_set_sndtimeo(connected, 10000);
    ck_assert_int_eq(zstr_send(connected, "hello"), 0);
    zmq_msg_t message;
    zmq_msg_init(&message);
    ck_assert_int_gt(zmq_msg_recv(&message, zsock_resolve(bound), 0), 0);
    ck_assert_int_eq(zmq_msg_recv(&message, zsock_resolve(bound), 0), 5);
    ck_assert_mem_eq(zmq_msg_data(&message), "hello", 5);
    ck_assert_int_eq(bus_guard_role(&message), ROLE_EDGE);
    ck_assert(bus_guard_is(&message, ROLE_EDGE));
    ck_assert(!bus_guard_is(&message, ROLE_OPERATOR));
    zmq_msg_close(&message);
    zsock_destroy(&connected);
    zsock_destroy(&bound);
    bus_guard_destroy(&guard);
    snprintf(path, sizeof path, "rm -r %s", folder);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

START_TEST(no_key_file_is_no_keys_and_a_bad_one_is_refused)
{
    role_keys_t keys;
    bus_security_t security = {&keys, "auto", NULL};
    ck_assert_int_eq(bus_security_load(&security, &keys, ROLE_EDGE, NULL), 0);
    ck_assert_ptr_null(security.keys);
    ck_assert_int_eq(bus_security_load(&security, &keys, ROLE_EDGE, ""), 0);
    ck_assert_ptr_null(security.keys);
    ck_assert_int_eq(
        bus_security_load(&security, &keys, ROLE_EDGE, "/nonexistent"), -1);
    ck_assert_ptr_null(security.keys);
}
END_TEST

Suite *suite_common_bus_socket(void)
{
    Suite *suite = suite_create("common/bus_socket");
    TCase *all = tcase_create("all");
    tcase_add_test(all, channels_derive_from_the_base);
    tcase_add_test(all, a_malformed_base_is_refused);
    tcase_add_test(all, every_address_is_no_name_under_curve);
    tcase_add_test(all, channels_have_their_words);
    tcase_add_test(all, ports_of_a_base_are_those_from_1_to_65532);
    tcase_add_test(all, sockets_have_bounds_heartbeats_and_no_linger);
    tcase_add_test(all, curve_goes_by_the_setting_and_the_transport);
    tcase_add_test(all, an_edge_reaches_the_broker_that_it_means);
    tcase_add_test(all, no_key_file_is_no_keys_and_a_bad_one_is_refused);
    tcase_set_timeout(all, 20);
    suite_add_tcase(suite, all);
    return suite;
}
