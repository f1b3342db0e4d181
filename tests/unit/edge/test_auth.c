/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/auth.h"

#include "common/clock.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *suite_edge_auth(void);

#define NOW_MS 1700000000000ull
/* 32 bytes and more. */
#define OPERATOR "an operator's shared secret, long enough"

static edge_config_t config;
static auth_t *auth;
static EVP_PKEY *signer;
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
    config = (edge_config_t){.keys.anonymous = {{"one", "two"}, 2},
                             .anonymous = true,
                             .session_ttl_s = 60};
    signer = EVP_EC_gen("P-256");
    size_t size;
    config.keys.token_count = 1;
    EVP_PKEY_get_octet_string_param(signer, OSSL_PKEY_PARAM_PUB_KEY,
                                    config.keys.tokens[0], POINT_BYTES, &size);
    ck_assert_uint_eq(size, POINT_BYTES);
    auth = auth_new(&config);
    good = token_sign_es256(signer, "alice", NULL, NOW_MS, NOW_MS + 60000);
    other = token_sign_es256(signer, "bob", NULL, NOW_MS, NOW_MS + 60000);
    snprintf(header, sizeof header, "Bearer %s", good);
}

static void s_teardown(void)
{
    auth_destroy(&auth);
    EVP_PKEY_free(signer);
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
    ck_assert_int_eq(write(fd, OPERATOR "\n", sizeof OPERATOR),
                     sizeof OPERATOR);
    close(fd);
    char *token =
        token_sign(OPERATOR, strlen(OPERATOR), "carol", NOW_MS, NOW_MS + 60000);
    ck_assert_int_eq(auth_request(auth, NULL, token, &identity), AUTH_BAD);
    auth_destroy(&auth);
    config.jwt_secret_file = path;
    auth = auth_new(&config);
    ck_assert_int_eq(auth_request(auth, NULL, token, &identity), AUTH_GOOD);
    ck_assert_int_eq(auth_request(auth, NULL, good, &identity), AUTH_GOOD);
    free(token);
    unlink(path);
    auth_destroy(&auth);
    ck_assert_ptr_null(auth_new(&config));
}
END_TEST

/* All that an edge holds signs anonymous tokens, and those name nobody else. */
START_TEST(an_edges_keys_sign_no_operators_token)
{
    const key_list_t *held = &config.keys.anonymous;
    static const char *const subjects[] = {"alice", "", "anon", "Anon-1"};
    for (size_t k = 0; k < held->count; k++)
        for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
            char *forged = token_sign(held->bytes[k], KEY_BYTES, subjects[i],
                                      NOW_MS, NOW_MS + 60000);
            ck_assert_int_eq(
                auth_verify(auth, forged, strlen(forged), &identity), -1);
            free(forged);
        }
    char *public = token_sign(config.keys.tokens[0], POINT_BYTES, "alice",
                              NOW_MS, NOW_MS + 60000);
    ck_assert_int_eq(auth_verify(auth, public, strlen(public), &identity), -1);
    free(public);
}
END_TEST

/* Each generation counts until it is retired; the oldest one signs, since all
 * edges know it. */
START_TEST(anonymous_generations_count_side_by_side)
{
    char *newer = token_sign(config.keys.anonymous.bytes[1], KEY_BYTES,
                             "anon-x", NOW_MS, NOW_MS + 60000);
    char *drawn = auth_anonymous(auth, &identity);
    ck_assert_int_eq(auth_verify(auth, newer, strlen(newer), &identity), 0);
    auth_destroy(&auth);
    config.keys.anonymous.count = 1;
    auth = auth_new(&config);
    ck_assert_int_eq(auth_verify(auth, newer, strlen(newer), &identity), -1);
    ck_assert_int_eq(auth_verify(auth, drawn, strlen(drawn), &identity), 0);
    free(newer);
    free(drawn);
}
END_TEST

/* What such a setting once took for a secret must not become one again. */
START_TEST(a_secret_in_a_public_keys_setting_is_refused)
{
    char path[] = "/tmp/stipple-auth-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, OPERATOR, strlen(OPERATOR)), strlen(OPERATOR));
    close(fd);
    auth_destroy(&auth);
    config.jwt_key_file = _i ? NULL : path;
    config.jwks_file = _i ? path : NULL;
    ck_assert_ptr_null(auth_new(&config));
    unlink(path);
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
    tcase_add_test(tcase, an_edges_keys_sign_no_operators_token);
    tcase_add_test(tcase, anonymous_generations_count_side_by_side);
    tcase_add_loop_test(tcase, a_secret_in_a_public_keys_setting_is_refused, 0,
                        2);
    suite_add_tcase(suite, tcase);
    return suite;
}
