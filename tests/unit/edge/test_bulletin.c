/* SPDX-License-Identifier: Apache-2.0
 *
 * Who hears of what a moderator did.
 */
#include "edge/ws/bulletin.h"

#include "common/control.h"
#include "tests/unit/edge/clients.h"

#include <check.h>
#include <string.h>

Suite *suite_edge_bulletin(void);

#define USER 0xabcu

/* That action reaches the edge, without its last `lacking` records. */
static void s_hear(const control_t *control, size_t lacking)
{
    static record_t records[CONTROL_RECORDS_MAX];
    static uint8_t bytes[CONTROL_RECORDS_MAX * RECORD_BYTES];
    size_t count = control_records(control, 100, records) - lacking;
    for (size_t i = 0; i < count; i++)
        record_encode(bytes + i * RECORD_BYTES, &records[i]);
    bulletin_on_policy(
        &clients_edge,
        &(bus_body_t){.epoch = 1, .body = bytes, .size = count * RECORD_BYTES});
    clients_pass(50);
}

/* A player of that number, who has heard all that there is. */
static client_t *s_play(int i, uint64_t user)
{
    upgrade_t upgrade = {.player = true, .identity.user = user};
    client_t *client = &clients[i];
    clients_open(client, &upgrade);
    session_start(&client->session, false);
    clients_pass(3000);
    client->at = client->size;
    return client;
}

/* The next frame that is no BEAT. */
static uint8_t s_next(client_t *client, wire_event_t *event)
{
    uint8_t type;
    do
        type = client_next(client, event);
    while (type == WIRE_BEAT);
    return type;
}

static void s_expect_notice(client_t *client, uint8_t kind, const char *text)
{
    wire_event_t event;
    ck_assert_uint_eq(s_next(client, &event), WIRE_NOTICE);
    ck_assert_uint_eq(event.notice.kind, kind);
    ck_assert_ptr_nonnull(
        memmem(event.notice.json, event.notice.length, text, strlen(text)));
}

START_TEST(a_ban_is_told_to_all_connections_of_that_user_and_to_no_other)
{
    wire_event_t event;
    control_t ban = {.verb = CONTROL_BAN,
                     .of = {.user = USER, .until_ms = 77, .has = HAS_USER},
                     .text = "spam"};
    clients_send_board(1);
    client_t *first = s_play(0, USER), *second = s_play(1, USER);
    client_t *other = s_play(2, USER + 1);
    client_t *watcher = clients_join(3, 0);
    clients_pass(50);
    for (int i = 0; i < 4; i++)
        clients[i].at = clients[i].size;
    s_hear(&ban, 0);
    s_expect_notice(first, NOTICE_BANNED, "\"banned\":true");
    s_expect_notice(second, NOTICE_BANNED, "\"until\":77");
    ck_assert_int_eq(s_next(other, &event), 0);
    ck_assert_int_eq(s_next(watcher, &event), 0);
    ban.verb = CONTROL_UNBAN;
    s_hear(&ban, 0);
    s_expect_notice(first, NOTICE_BANNED, "\"banned\":false");
}
END_TEST

START_TEST(a_notice_is_told_to_everybody_once)
{
    wire_event_t event;
    control_t notice = {.verb = CONTROL_NOTICE, .text = "Hello, all"};
    clients_send_board(1);
    client_t *player = s_play(0, USER), *watcher = clients_join(1, 0);
    clients_pass(50);
    player->at = player->size;
    watcher->at = watcher->size;
    s_hear(&notice, 0);
    s_expect_notice(player, NOTICE_MESSAGE, "\"text\":\"Hello, all\"");
    s_expect_notice(watcher, NOTICE_MESSAGE, "\"text\":\"Hello, all\"");
    ck_assert_int_eq(s_next(player, &event), 0);
    ck_assert_int_eq(clients_edge.metrics[EDGE_ACTIONS], 1);
}
END_TEST

START_TEST(of_other_actions_and_of_half_ones_nobody_hears)
{
    wire_event_t event;
    control_t lock = {.verb = CONTROL_LOCK, .text = "closed"};
    control_t ban = {.verb = CONTROL_BAN,
                     .of = {.user = USER, .has = HAS_USER}};
    clients_send_board(1);
    client_t *player = s_play(0, USER);
    s_hear(&lock, 0);
    ck_assert_int_eq(clients_edge.metrics[EDGE_ACTIONS], 1);
    s_hear(&ban, 1);
    ck_assert_int_eq(clients_edge.metrics[EDGE_BUS_BAD], 1);
    ck_assert_int_eq(s_next(player, &event), 0);
}
END_TEST

Suite *suite_edge_bulletin(void)
{
    Suite *suite = suite_create("edge/bulletin");
    TCase *tcase = tcase_create("bulletin");
    tcase_add_checked_fixture(tcase, clients_setup, clients_teardown);
    tcase_add_test(
        tcase, a_ban_is_told_to_all_connections_of_that_user_and_to_no_other);
    tcase_add_test(tcase, a_notice_is_told_to_everybody_once);
    tcase_add_test(tcase, of_other_actions_and_of_half_ones_nobody_hears);
    suite_add_tcase(suite, tcase);
    return suite;
}
