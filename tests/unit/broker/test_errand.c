/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/broker/phases.h"

#include "broker/ctl.h"
#include "broker/metrics.h"
#include "common/bus_errand.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

Suite *suite_broker_errand(void);

static EVP_PKEY *signer, *stranger;
static rights_t *rights;
static ctl_t ctl;
static desk_t desk;
static ctl_state_t state;

static void s_draw_keys(void)
{
    signer = EVP_EC_gen("P-256");
    stranger = EVP_EC_gen("P-256");
}

static void s_drop_keys(void)
{
    EVP_PKEY_free(signer);
    EVP_PKEY_free(stranger);
}

static void s_set_up(void)
{
    role_keys_t keys = {.token_count = 1};
    size_t size;
    s_set_up_parts();
    EVP_PKEY_get_octet_string_param(signer, OSSL_PKEY_PARAM_PUB_KEY,
                                    keys.tokens[0], POINT_BYTES, &size);
    rights = rights_new(&config, &keys);
    parts.rights = rights;
    s_open_world(0);
    desk_init(&desk);
    ctl = (ctl_t){0};
    state = (ctl_state_t){.role = "leader"};
}

static void s_tear_down(void)
{
    desk_give_up(&desk, &parts, "over");
    desk_fini(&desk);
    rights_destroy(&rights);
    s_tear_down_parts();
}

static void s_errand(const char *token, const char *text)
{
    bus_errand_t errand = {.ticket = 5,
                           .token = token,
                           .token_size = strlen(token),
                           .json = text,
                           .json_size = strlen(text)};
    mail_t mail;
    *mail_frame(&mail.peer, 1) = 'e';
    bus_put_errand(mail_frame(&mail.body, bus_errand_bound(&errand)),
                   BUS_ERRAND, &errand);
    ctl_errand(&ctl, &parts, &desk, &state, &mail);
    mail_close(&mail);
}

static void s_ask(EVP_PKEY *key, const char *role, uint64_t life_ms,
                  const char *text)
{
    uint64_t now_ms = parts.now.wall_ms;
    char *token =
        token_sign_es256(key, "alice", role, now_ms, now_ms + life_ms);
    s_errand(token, text);
    free(token);
}

static const control_t *s_order(void)
{
    ck_assert_uint_eq(desk.count, 1);
    return &desk.orders[desk.first].control;
}

START_TEST(who_may_is_put_on_the_desk_as_who_they_are)
{
    s_ask(signer, "operator", 60000,
          "{\"verb\":\"lock\",\"key\":7,\"by\":\"bob\",\"reason\":\"end\"}");
    const control_t *control = s_order();
    ck_assert_int_eq(control->verb, CONTROL_LOCK);
    ck_assert_int_eq(control->rank, RANK_OPERATOR);
    ck_assert_uint_eq(control->by, token_user("alice", 5));
    ck_assert_uint_eq(control->request, 7);
    ck_assert_str_eq(control->text, "end");
    const asker_t *asker = &desk.orders[desk.first].asker;
    ck_assert(asker->known && asker->ticket == 5);
}
END_TEST

START_TEST(staff_that_may_not_is_written_down_and_players_are_not)
{
    s_ask(signer, "player", 60000, "{\"verb\":\"lock\"}");
    s_ask(signer, "viewer", 60000, "{\"verb\":\"lock\"}");
    s_ask(signer, NULL, 60000, "{\"verb\":\"notice\",\"text\":\"x\"}");
    ck_assert_uint_eq(desk.count, 0);
    s_ask(signer, "moderator", 60000, "{\"verb\":\"lock\",\"key\":7}");
    const control_t *control = s_order();
    ck_assert_int_eq(control->verb, CONTROL_REFUSED);
    ck_assert_int_eq(control->rank, RANK_MODERATOR);
    ck_assert_uint_eq(control->of.upto, CONTROL_LOCK);
    ck_assert_str_eq(control->text, "lock");
    /* A refusal is no answer to the key. */
    ck_assert_uint_eq(control->request, 0);
}
END_TEST

START_TEST(nobody_fills_the_history_with_refusals)
{
    for (int i = 0; i < 100; i++)
        s_ask(signer, "moderator", 60000, "{\"verb\":\"lock\"}");
    ck_assert_uint_eq(desk.count, 60);
    parts.now.mono_ms += 60000;
    s_ask(signer, "moderator", 60000, "{\"verb\":\"lock\"}");
    ck_assert_uint_eq(desk.count, 61);
}
END_TEST

START_TEST(whom_the_leader_does_not_know_does_nothing)
{
    s_ask(stranger, "owner", 60000, "{\"verb\":\"lock\"}");
    s_ask(signer, "owner", TOKEN_DAY_MS + TOKEN_LEEWAY_MS + 2000,
          "{\"verb\":\"lock\"}");
    s_errand("a.b.c", "{\"verb\":\"lock\"}");
    parts.rights = NULL;
    s_ask(signer, "owner", 60000, "{\"verb\":\"lock\"}");
    ck_assert_uint_eq(desk.count, 0);
    parts.rights = rights;
    s_ask(signer, "owner", TOKEN_DAY_MS, "{\"verb\":\"lock\"}");
    ck_assert_uint_eq(desk.count, 1);
}
END_TEST

START_TEST(nonsense_does_nothing)
{
    static const char *const texts[] = {"[]",
                                        "{",
                                        "{}",
                                        "7",
                                        "{\"verb\":7}",
                                        "{\"verb\":\"refused\"}",
                                        "{\"verb\":\"none\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        s_ask(signer, "owner", 60000, texts[i]);
    ck_assert_uint_eq(desk.count, 0);
}
END_TEST

START_TEST(who_does_not_lead_writes_nothing)
{
    state.locked = "redis is away";
    s_ask(signer, "operator", 60000, "{\"verb\":\"lock\"}");
    s_ask(signer, "moderator", 60000, "{\"verb\":\"lock\"}");
    ck_assert_uint_eq(desk.count, 0);
}
END_TEST

Suite *suite_broker_errand(void)
{
    Suite *suite = suite_create("broker/errand");
    TCase *tcase = tcase_create("errand");
    tcase_add_unchecked_fixture(tcase, s_draw_keys, s_drop_keys);
    tcase_add_checked_fixture(tcase, s_set_up, s_tear_down);
    tcase_add_test(tcase, who_may_is_put_on_the_desk_as_who_they_are);
    tcase_add_test(tcase,
                   staff_that_may_not_is_written_down_and_players_are_not);
    tcase_add_test(tcase, nobody_fills_the_history_with_refusals);
    tcase_add_test(tcase, whom_the_leader_does_not_know_does_nothing);
    tcase_add_test(tcase, nonsense_does_nothing);
    tcase_add_test(tcase, who_does_not_lead_writes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
