/* SPDX-License-Identifier: Apache-2.0
 *
 * A spectator who shows a token in the middle.
 */
#include "tests/unit/edge/clients.h"

#include "edge/auth.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_edge_session_auth(void);

static void s_setup(void)
{
    clients_setup();
    clients_config.anonymous = true;
    clients_config.session_ttl_s = 60;
    clients_config.keys.anonymous = (key_list_t){{"secret"}, 1};
    clients_edge.auth = auth_new(&clients_config);
}

static void s_teardown(void)
{
    clients_teardown();
    auth_destroy(&clients_edge.auth);
}

/* A spectator says AUTH with that token. */
static client_t *s_show(const char *token)
{
    static uint8_t bytes[1024] = {WIRE_AUTH};
    wire_event_t event;
    size_t size = strlen(token);
    clients_send_board(1);
    client_t *client = clients_join(0, 0);
    client_expect(client, WIRE_HELLO, &event);
    ck_assert_int_eq(event.hello.flags, HELLO_READ_ONLY);
    ck_assert_uint_lt(size, sizeof bytes);
    memcpy(bytes + 1, token, size);
    client_receive(client, bytes, 1 + size);
    return client;
}

START_TEST(a_good_token_makes_a_spectator_a_player)
{
    wire_event_t event;
    identity_t identity;
    char *token = auth_anonymous(clients_edge.auth, &identity);
    client_t *client = s_show(token);
    free(token);
    clients_pass(3000); /* no broker says how long the cooldown is */
    uint8_t type;
    while ((type = client_next(client, &event)) == WIRE_BEAT)
        ;
    ck_assert_uint_eq(type, WIRE_HELLO);
    ck_assert_int_eq(event.hello.flags, 0);
    ck_assert_uint_eq(client->session.user, identity.user);
}
END_TEST

START_TEST(a_token_that_does_not_count_ends_the_connection)
{
    wire_event_t event;
    client_t *client = s_show("no.good.token");
    client_expect(client, FRAME_CLOSE, &event);
    ck_assert_uint_eq(client->bytes[client->at - 2], 4401 >> 8);
    ck_assert_uint_eq(client->bytes[client->at - 1], 4401 & 0xff);
}
END_TEST

Suite *suite_edge_session_auth(void)
{
    Suite *suite = suite_create("edge/session_auth");
    TCase *tcase = tcase_create("session_auth");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, a_good_token_makes_a_spectator_a_player);
    tcase_add_test(tcase, a_token_that_does_not_count_ends_the_connection);
    suite_add_tcase(suite, tcase);
    return suite;
}
