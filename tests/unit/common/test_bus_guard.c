/* SPDX-License-Identifier: Apache-2.0
 *
 * The guard is asked here as libzmq asks it (ZAP, RFC 27), without a handshake:
 * one request on its socket per stranger or friend.
 */
#include "common/bus_guard.h"

#include "common/log.h"

#include <check.h>
#include <czmq.h>
#include <string.h>

Suite *suite_common_bus_guard(void);

#define BASE "tcp://10.0.0.1:7700"
#define SECOND "tcp://b.example:7700"

static role_keys_t keys;
static bus_guard_t *guard;
static zsock_t *asks;

static void s_secret(role_t role, unsigned generation,
                     uint8_t secret[KEY_BYTES])
{
    memset(secret, (int)(1 + role * 16 + generation), KEY_BYTES);
}

static void s_set_up(void)
{
    log_init("test", LEVEL_ERROR);
    zsys_handler_set(NULL);
    keys = (role_keys_t){.role = ROLE_BROKER, .serves = true};
    for (int role = ROLE_PERSISTER; role < ROLES; role++)
        for (unsigned i = 0; i < 2; i++)
            s_secret((role_t)role, i,
                     keys.accept[role].bytes[keys.accept[role].count++]);
    bus_security_t security = {&keys, "on", BASE "," SECOND};
    guard = bus_guard_new(&security);
    asks = zsock_new_req("inproc://zeromq.zap.01");
    zsock_set_rcvtimeo(asks, 5000);
}

static void s_tear_down(void)
{
    zsock_destroy(&asks);
    bus_guard_destroy(&guard);
    ck_assert_ptr_null(guard);
}

/* The status, a copy in `status`, and the user that the guard names. */
static const char *s_ask(const char *channel, const char *mechanism,
                         const void *key, size_t size, char *user)
{
    static char status[8];
    zmsg_t *request = zmsg_new();
    zmsg_addstr(request, "1.0");
    zmsg_addstr(request, "id-5");
    zmsg_addstr(request, channel);
    zmsg_addstr(request, "192.0.2.1");
    zmsg_addstr(request, "");
    zmsg_addstr(request, mechanism);
    zmsg_addmem(request, key, size);
    zmsg_send(&request, asks);
    zmsg_t *reply = zmsg_recv(asks);
    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(zmsg_size(reply), 6);
    char *texts[6];
    for (int i = 0; i < 6; i++)
        texts[i] = zmsg_popstr(reply);
    zmsg_destroy(&reply);
    ck_assert_str_eq(texts[0], "1.0");
    ck_assert_str_eq(texts[1], "id-5");
    strcpy(status, texts[2]);
    strcpy(user, texts[4]);
    for (int i = 0; i < 6; i++)
        free(texts[i]);
    return status;
}

/* Whether a client of that role and generation, which means the broker of that
 * name, comes in on the channel. */
static bool s_admitted(const char *channel, role_t role, unsigned generation,
                       const char *base)
{
    uint8_t secret[KEY_BYTES], key[KEY_BYTES], public[KEY_BYTES];
    char user[32];
    s_secret(role, generation, secret);
    client_key(key, secret, base);
    curve_public(key, public);
    bool admitted =
        !strcmp(s_ask(channel, "CURVE", public, KEY_BYTES, user), "200");
    ck_assert_str_eq(user, admitted ? role_word(role) : "");
    return admitted;
}

START_TEST(each_channel_lets_in_its_roles)
{
    static const struct {
        const char *channel;
        bool persister, edge, operator;
        const char *base;
    } rules[] = {
        {"ingress", true, true, false, BASE},
        {"feed", false, true, false, BASE},
        {"journal", true, false, false, BASE},
        {"control", true, false, true, BASE},
        {"query", false, true, false, ""},
        {"other", false, false, false, BASE},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *channel = rules[i].channel, *base = rules[i].base;
        ck_assert_int_eq(s_admitted(channel, ROLE_PERSISTER, 0, base),
                         rules[i].persister);
        ck_assert_int_eq(s_admitted(channel, ROLE_EDGE, 0, base),
                         rules[i].edge);
        ck_assert_int_eq(s_admitted(channel, ROLE_OPERATOR, 0, base),
                         rules[i].operator);
    }
}
END_TEST

START_TEST(every_generation_and_every_name_counts)
{
    ck_assert(s_admitted("ingress", ROLE_EDGE, 1, BASE));
    ck_assert(s_admitted("ingress", ROLE_EDGE, 1, SECOND));
    ck_assert(!s_admitted("ingress", ROLE_EDGE, 2, BASE));
}
END_TEST

START_TEST(a_client_that_means_another_broker_is_a_stranger)
{
    ck_assert(!s_admitted("ingress", ROLE_EDGE, 0, "tcp://10.0.0.2:7700"));
    ck_assert(!s_admitted("ingress", ROLE_EDGE, 0, ""));
    ck_assert(!s_admitted("query", ROLE_EDGE, 0, BASE));
}
END_TEST

/* 300: libzmq's client tries again. */
START_TEST(a_stranger_is_told_to_come_again)
{
    char user[32];
    uint8_t key[KEY_BYTES + 1] = {9};
    ck_assert_str_eq(s_ask("feed", "CURVE", key, KEY_BYTES, user), "300");
    ck_assert_str_eq(s_ask("feed", "CURVE", key, KEY_BYTES + 1, user), "300");
    ck_assert_str_eq(s_ask("feed", "CURVE", key, 0, user), "300");
    uint8_t secret[KEY_BYTES], mine[KEY_BYTES], public[KEY_BYTES];
    s_secret(ROLE_EDGE, 0, secret);
    client_key(mine, secret, BASE);
    curve_public(mine, public);
    ck_assert_str_eq(s_ask("feed", "PLAIN", public, KEY_BYTES, user), "300");
    ck_assert_str_eq(s_ask("feed", "NULL", public, KEY_BYTES, user), "300");
    ck_assert_str_eq(s_ask("feed", "CURVE", public, KEY_BYTES, user), "200");
}
END_TEST

START_TEST(a_request_of_another_shape_is_turned_away)
{
    zstr_sendx(asks, "1.0", "id-5", "feed", "192.0.2.1", "", "CURVE", NULL);
    zmsg_t *reply = zmsg_recv(asks);
    ck_assert_uint_eq(zmsg_size(reply), 6);
    zmsg_first(reply);
    zmsg_next(reply);
    ck_assert(zframe_streq(zmsg_next(reply), "300"));
    zmsg_destroy(&reply);
    ck_assert(s_admitted("feed", ROLE_EDGE, 0, BASE)); /* it still answers */
}
END_TEST

START_TEST(without_keys_there_is_no_guard)
{
    bus_security_t open = {NULL, "off", BASE};
    bus_guard_t *none = bus_guard_new(&open);
    ck_assert_ptr_null(none);
    bus_guard_destroy(&none);
}
END_TEST

/* A message over a connection without CURVE names nobody. */
START_TEST(a_message_without_curve_has_every_role)
{
    zmq_msg_t message;
    zmq_msg_init_size(&message, 1);
    ck_assert_int_eq(bus_guard_role(&message), ROLES);
    ck_assert(bus_guard_is(&message, ROLE_EDGE));
    ck_assert(bus_guard_is(&message, ROLE_OPERATOR));
    zmq_msg_close(&message);
}
END_TEST

Suite *suite_common_bus_guard(void)
{
    Suite *suite = suite_create("common/bus_guard");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 20);
    tcase_add_checked_fixture(all, s_set_up, s_tear_down);
    tcase_add_test(all, each_channel_lets_in_its_roles);
    tcase_add_test(all, every_generation_and_every_name_counts);
    tcase_add_test(all, a_client_that_means_another_broker_is_a_stranger);
    tcase_add_test(all, a_stranger_is_told_to_come_again);
    tcase_add_test(all, a_request_of_another_shape_is_turned_away);
    tcase_add_test(all, without_keys_there_is_no_guard);
    tcase_add_test(all, a_message_without_curve_has_every_role);
    suite_add_tcase(suite, all);
    return suite;
}
