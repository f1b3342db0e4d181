/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/auth.h"

#include "common/clock.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *suite_edge_auth(void);

#define NOW_MS 1700000000000ull

static edge_config_t config;
static auth_t *auth;
static char *good, *other;
static char header[1024];
static identity_t identity;

static uint64_t s_now_ms(void)
{
    return NOW_MS;
}

static const clock_source_t by_hand = {s_now_ms, s_now_ms};

static void s_setup(void)
{
    clock_use(&by_hand);
    config = (edge_config_t){.secret = (char *)"secret",
                             .secret_size = 6,
                             .anonymous = true,
                             .session_ttl_s = 60};
    auth = auth_new(&config);
    good = token_sign("secret", 6, "alice", NOW_MS, NOW_MS + 60000);
    other = token_sign("secret", 6, "bob", NOW_MS, NOW_MS + 60000);
    snprintf(header, sizeof header, "Bearer %s", good);
}

static void s_teardown(void)
{
    auth_destroy(&auth);
    free(good);
    free(other);
    clock_use(&clock_system);
}

START_TEST(no_token_is_no_player)
{
    ck_assert_int_eq(auth_request(auth, NULL, NULL, &identity), AUTH_NONE);
}
END_TEST

START_TEST(a_good_token_counts_in_either_place)
{
    ck_assert_int_eq(auth_request(auth, header, NULL, &identity), AUTH_GOOD);
    ck_assert_uint_eq(identity.user, token_user("alice", 5));
    ck_assert_int_eq(auth_request(auth, NULL, good, &identity), AUTH_GOOD);
    memcpy(header, "bEARER", 6);
    ck_assert_int_eq(auth_request(auth, header, NULL, &identity), AUTH_GOOD);
    ck_assert_int_eq(auth_request(auth, header, other, &identity), AUTH_GOOD);
    ck_assert_uint_eq(identity.user, token_user("bob", 3));
}
END_TEST

START_TEST(a_bad_token_in_the_url_is_not_saved)
{
    ck_assert_int_eq(auth_request(auth, header, "", &identity), AUTH_BAD);
    ck_assert_int_eq(auth_request(auth, header, "x", &identity), AUTH_BAD);
    ck_assert_int_eq(auth_request(auth, NULL, "", &identity), AUTH_BAD);
}
END_TEST

START_TEST(a_bad_header_is_not_saved)
{
    static const char *const bad[] = {"",           "Bearer",       "Bearer ",
                                      "Basic YTpi", "Bearer a.b.c", "Bearerx"};
    ck_assert_int_eq(auth_request(auth, bad[_i], NULL, &identity), AUTH_BAD);
    ck_assert_int_eq(auth_request(auth, bad[_i], good, &identity), AUTH_BAD);
    ck_assert_int_eq(auth_request(auth, good, NULL, &identity), AUTH_BAD);
}
END_TEST

START_TEST(anonymous_tokens_verify_and_differ)
{
    identity_t one, two, seen;
    char *first = auth_anonymous(auth, &one);
    char *second = auth_anonymous(auth, &two);
    ck_assert_str_ne(first, second);
    ck_assert_uint_ne(one.user, two.user);
    ck_assert_uint_eq(one.expires_at_ms, NOW_MS + 60000);
    ck_assert_int_eq(auth_verify(auth, first, strlen(first), &seen), 0);
    ck_assert_uint_eq(seen.user, one.user);
    ck_assert_uint_eq(seen.expires_at_ms, one.expires_at_ms);
    free(first);
    free(second);
}
END_TEST

START_TEST(no_anonymous_tokens_where_they_are_off)
{
    config.anonymous = false;
    ck_assert_ptr_null(auth_anonymous(auth, &identity));
}
END_TEST

START_TEST(an_operators_key_counts_beside_the_secret)
{
    char path[] = "/tmp/stipple-auth-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "operator\n", 9), 9);
    close(fd);
    char *token = token_sign("operator", 8, "carol", NOW_MS, NOW_MS + 60000);
    ck_assert_int_eq(auth_request(auth, NULL, token, &identity), AUTH_BAD);
    auth_destroy(&auth);
    config.jwt_key_file = path;
    auth = auth_new(&config);
    ck_assert_int_eq(auth_request(auth, NULL, token, &identity), AUTH_GOOD);
    ck_assert_int_eq(auth_request(auth, NULL, good, &identity), AUTH_GOOD);
    free(token);
    unlink(path);
    auth_destroy(&auth);
    ck_assert_ptr_null(auth_new(&config));
}
END_TEST

Suite *suite_edge_auth(void)
{
    Suite *suite = suite_create("edge/auth");
    TCase *tcase = tcase_create("auth");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, no_token_is_no_player);
    tcase_add_test(tcase, a_good_token_counts_in_either_place);
    tcase_add_test(tcase, a_bad_token_in_the_url_is_not_saved);
    tcase_add_loop_test(tcase, a_bad_header_is_not_saved, 0, 6);
    tcase_add_test(tcase, anonymous_tokens_verify_and_differ);
    tcase_add_test(tcase, no_anonymous_tokens_where_they_are_off);
    tcase_add_test(tcase, an_operators_key_counts_beside_the_secret);
    suite_add_tcase(suite, tcase);
    return suite;
}
