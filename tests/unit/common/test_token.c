/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/tokens.h"

Suite *suite_common_token(void);

START_TEST(own_tokens_verify)
{
    s_use_secret();
    char *token =
        token_sign(SECRET, strlen(SECRET), "alice", NOW_MS, NOW_MS + 60999);
    identity_t identity;
    ck_assert_int_eq(
        token_verify(keys, token, strlen(token), NOW_MS, &identity), 0);
    ck_assert_uint_eq(identity.user, ALICE);
    ck_assert_uint_eq(identity.expires_at_ms, NOW_MS + 60000);
    free(token);
}
END_TEST

START_TEST(own_tokens_verify_in_libjwt)
{
    char *token =
        token_sign(SECRET, strlen(SECRET), "al\"ice", NOW_MS, NOW_MS + 60000);
    jwt_t *jwt;
    ck_assert_int_eq(
        jwt_decode(&jwt, token, (const uint8_t *)SECRET, (int)strlen(SECRET)),
        0);
    ck_assert_str_eq(jwt_get_grant(jwt, "sub"), "al\"ice");
    ck_assert_int_eq(jwt_get_grant_int(jwt, "exp"), NOW_S + 60);
    jwt_free(jwt);
    free(token);
}
END_TEST

START_TEST(libjwt_hs256_verifies)
{
    s_use_secret();
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, SECRET, NULL)), 0);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, "other", NULL)), -1);
}
END_TEST

START_TEST(none_is_refused)
{
    static const char *const headers[] = {"{\"alg\":\"none\"}",
                                          "{\"alg\":\"None\"}",
                                          "{\"alg\":\"NONE\"}",
                                          "{\"alg\":\"\"}",
                                          "{}",
                                          "{\"alg\":null}"};
    s_use_secret();
    s_add_pem(rsa);
    size_t length;
    char *token = s_unsigned(headers[_i], CLAIMS, &length);
    ck_assert_int_eq(s_verify_at(token, NOW_MS), -1);
    strcat(token, ".");
    ck_assert_int_eq(s_verify_at(token, NOW_MS), -1);
    strcat(token, "AAAA");
    ck_assert_int_eq(s_verify_at(token, NOW_MS), -1);
    free(token);
    ck_assert_int_eq(s_verify(s_forge(headers[_i], CLAIMS, SECRET)), -1);
}
END_TEST

START_TEST(no_keys_verify_nothing)
{
    ck_assert_int_eq(s_verify(s_hs256(CLAIMS)), -1);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, "")), -1);
    ck_assert_int_eq(token_keys_add_secret(keys, "", 0, NULL), -1);
}
END_TEST

START_TEST(expiry_has_its_leeway_and_no_more)
{
    s_use_secret();
    char *token = s_hs256("{\"sub\":\"alice\",\"exp\":1700000000}");
    ck_assert_int_eq(s_verify_at(token, NOW_MS - 1), 0);
    ck_assert_int_eq(s_verify_at(token, NOW_MS + TOKEN_LEEWAY_MS - 1), 0);
    ck_assert_int_eq(s_verify_at(token, NOW_MS + TOKEN_LEEWAY_MS), -1);
    free(token);
}
END_TEST

START_TEST(not_before_has_its_leeway_and_no_more)
{
    s_use_secret();
    char *token = s_hs256("{\"sub\":\"alice\",\"exp\":1800000000,"
                          "\"nbf\":1700000000}");
    ck_assert_int_eq(s_verify_at(token, NOW_MS), 0);
    ck_assert_int_eq(s_verify_at(token, NOW_MS - TOKEN_LEEWAY_MS), 0);
    ck_assert_int_eq(s_verify_at(token, NOW_MS - TOKEN_LEEWAY_MS - 1), -1);
    free(token);
}
END_TEST

static const char *const bad_claims[] = {
    "{\"exp\":1700000100}",
    "{\"sub\":\"\",\"exp\":1700000100}",
    "{\"sub\":7,\"exp\":1700000100}",
    "{\"sub\":null,\"exp\":1700000100}",
    "{\"sub\":[\"alice\"],\"exp\":1700000100}",
    "{\"sub\":\"alice\"}",
    "{\"sub\":\"alice\",\"exp\":\"1700000100\"}",
    "{\"sub\":\"alice\",\"exp\":null}",
    "{\"sub\":\"alice\",\"exp\":true}",
    "{\"sub\":\"alice\",\"exp\":-1}",
    "{\"sub\":\"alice\",\"exp\":0}",
    "{\"sub\":\"alice\",\"exp\":99999999999999999999999}",
    "{\"sub\":\"alice\",\"exp\":1e999}",
    "{\"sub\":\"alice\",\"exp\":1700000100,\"nbf\":\"0\"}",
    "{\"sub\":\"alice\",\"exp\":1700000100,\"nbf\":null}",
    "{\"sub\":\"alice\",\"exp\":1600000000,\"exp\":1700000100}",
    "{\"sub\":\"al\\u0000ice\",\"exp\":1700000100}",
    "{\"sub\":\"alice\",\"exp\":1700000100",
    "[\"alice\",1700000100]",
    "\"alice\"",
    "",
    "{\"sub\":\"\xff\",\"exp\":1700000100}",
};

START_TEST(bad_claims_are_refused)
{
    s_use_secret();
    ck_assert_int_eq(s_verify(s_hs256(bad_claims[_i])), -1);
}
END_TEST

START_TEST(odd_claims_are_kept)
{
    static const char *const claims[] = {
        "{\"exp\":1700000100.5,\"sub\":\"alice\",\"nbf\":1.6e9}",
        "{\"sub\":\"alice\",\"exp\":1e300}",
        "{\"sub\":\"alice\",\"exp\":9007199254740993}",
        " {\"aud\":[1,{}],\"sub\":\"\\u0061lice\",\"exp\":1700000100} "};
    s_use_secret();
    ck_assert_int_eq(s_verify(s_hs256(claims[_i])), 0);
}
END_TEST

START_TEST(unknown_critical_headers_are_refused)
{
    s_use_secret();
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"HS256\",\"crit\":[\"b64\"],"
                                      "\"b64\":false}",
                                      CLAIMS, SECRET)),
                     -1);
    ck_assert_int_eq(
        s_verify(s_forge("{\"alg\":\"HS256\",\"kid\":1}", CLAIMS, SECRET)), -1);
    ck_assert_int_eq(
        s_verify(s_forge("{\"alg\":\"HS256\",\"x\":[1]}", CLAIMS, SECRET)), 0);
}
END_TEST

START_TEST(other_spellings_of_a_good_token_are_refused)
{
    s_use_secret();
    char *token = s_hs256(CLAIMS);
    size_t length = strlen(token);
    char odd[1024];
    ck_assert_int_eq(s_verify_at(token, NOW_MS), 0);
    for (const char *tail = "=. \nA"; *tail; tail++) {
        snprintf(odd, sizeof odd, "%s%c", token, *tail);
        ck_assert_int_eq(s_verify_at(odd, NOW_MS), -1);
        snprintf(odd, sizeof odd, "%c%s", *tail, token);
        ck_assert_int_eq(s_verify_at(odd, NOW_MS), -1);
    }
    snprintf(odd, sizeof odd, "Bearer %s", token);
    ck_assert_int_eq(s_verify_at(odd, NOW_MS), -1);
    /* 43 characters carry 258 bits: the last two must be 0. */
    memcpy(odd, token, length + 1);
    odd[length - 1]++;
    ck_assert_int_eq(s_verify_at(odd, NOW_MS), -1);
    for (size_t cut = 0; cut < length; cut++) {
        memcpy(odd, token, cut);
        odd[cut] = '\0';
        ck_assert_int_eq(s_verify_at(odd, NOW_MS), -1);
    }
    free(token);
}
END_TEST

START_TEST(every_flipped_character_is_refused)
{
    s_use_secret();
    char *token = s_hs256(CLAIMS);
    for (size_t i = 0; token[i]; i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        ck_assert_int_eq(s_verify_at(token, NOW_MS), -1);
        token[i] = kept;
    }
    free(token);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const texts[] = {
        "",  ".",    "..",          "...",           "a.b.c",
        "a", "....", "e30.e30.e30", "\xff.\xff.\xff"};
    s_use_secret();
    ck_assert_int_eq(s_verify_at(texts[_i], NOW_MS), -1);
}
END_TEST

START_TEST(token_over_the_limit_is_refused)
{
    s_use_secret();
    char claims[TOKEN_MAX_BYTES];
    size_t fits = 6000;
    snprintf(claims, sizeof claims,
             "{\"sub\":\"alice\",\"exp\":1700000100,"
             "\"pad\":\"%0*d\"}",
             (int)fits, 0);
    ck_assert_int_eq(s_verify(s_hs256(claims)), 0);
    snprintf(claims, sizeof claims,
             "{\"sub\":\"alice\",\"exp\":1700000100,"
             "\"pad\":\"%0*d\"}",
             (int)fits + 200, 0);
    ck_assert_int_eq(s_verify(s_hs256(claims)), -1);
}
END_TEST

START_TEST(user_is_the_head_of_sha256)
{
    char hex[USER_HEX_BYTES];
    uint64_t user;
    ck_assert_uint_eq(token_user("alice", 5), ALICE);
    user_to_hex(ALICE, hex);
    ck_assert_str_eq(hex, "2bd806c97f0e00af");
    ck_assert_int_eq(user_from_hex(hex, &user), 0);
    ck_assert_uint_eq(user, ALICE);
    user_to_hex(0x0a, hex);
    ck_assert_str_eq(hex, "000000000000000a");
    ck_assert_int_eq(user_from_hex("2BD806C97F0E00AF", &user), -1);
    ck_assert_int_eq(user_from_hex("2bd806c97f0e00a", &user), -1);
    ck_assert_int_eq(user_from_hex("2bd806c97f0e00aff", &user), -1);
    ck_assert_int_eq(user_from_hex("2bd806c97f0e00ag", &user), -1);
}
END_TEST

static const struct {
    const char *roles;
    rank_t rank;
} role_claims[] = {
    {"", RANK_PLAYER},
    {",\"roles\":[]", RANK_PLAYER},
    {",\"roles\":null", RANK_PLAYER},
    {",\"roles\":7", RANK_PLAYER},
    {",\"roles\":{\"owner\":true}", RANK_PLAYER},
    {",\"roles\":[\"Owner\",\"moderators\",[\"owner\"],7]", RANK_PLAYER},
    {",\"roles\":\"moderator\"", RANK_MODERATOR},
    {",\"roles\":\"moderator operator\"", RANK_PLAYER},
    {",\"roles\":[\"player\",\"operator\",\"moderator\"]", RANK_OPERATOR},
    {",\"roles\":[\"staff\",\"owner\"]", RANK_OWNER},
    {",\"roles\":[\"viewer\"]", RANK_VIEWER},
    {",\"roles\":[\"viewer\",\"player\"]", RANK_PLAYER},
};
#define ROLE_CLAIMS (sizeof role_claims / sizeof *role_claims)

/* "{"sub":"alice", …}" as ES256, by the drawn key. */
static char *s_es256(const char *claims)
{
    size_t at;
    uint8_t signature[64];
    char *token = s_unsigned("{\"alg\":\"ES256\"}", claims, &at);
    token_ecdsa(ec, token, at, signature);
    token[at++] = '.';
    at += base64url_encode(token + at, signature, sizeof signature);
    token[at] = '\0';
    return token;
}

static rank_t s_rank_of(char *token)
{
    identity_t identity = {.rank = RANKS};
    ck_assert_int_eq(
        token_verify(keys, token, strlen(token), NOW_MS, &identity), 0);
    free(token);
    return identity.rank;
}

START_TEST(the_highest_known_role_counts)
{
    char claims[256];
    s_add_pem(ec);
    snprintf(claims, sizeof claims, "{\"sub\":\"alice\",\"exp\":1700000100%s}",
             role_claims[_i].roles);
    ck_assert_int_eq(s_rank_of(s_es256(claims)), role_claims[_i].rank);
}
END_TEST

/* Whoever verifies HS256 could have signed it: an edge that was taken over. */
START_TEST(hs256_makes_nobody_more_than_a_player)
{
    char claims[256];
    s_use_secret();
    snprintf(claims, sizeof claims, "{\"sub\":\"alice\",\"exp\":1700000100%s}",
             role_claims[_i].roles);
    ck_assert_int_eq(s_rank_of(s_hs256(claims)),
                     role_claims[_i].rank == RANK_VIEWER ? RANK_VIEWER
                                                         : RANK_PLAYER);
}
END_TEST

START_TEST(a_signed_role_is_read_again)
{
    s_add_pem(ec);
    for (unsigned rank = 0; rank < RANKS; rank++)
        ck_assert_int_eq(
            s_rank_of(token_sign_es256(ec, "alice", rank_word((rank_t)rank),
                                       NOW_MS, NOW_MS + 60000)),
            (int)rank);
    ck_assert_int_eq(
        s_rank_of(token_sign_es256(ec, "alice", NULL, NOW_MS, NOW_MS + 60000)),
        RANK_PLAYER);
}
END_TEST

Suite *suite_common_token(void)
{
    Suite *suite = suite_create("common/token");
    TCase *tcase = tcase_create("token");
    tcase_add_unchecked_fixture(tcase, s_draw_keys, s_drop_keys);
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, own_tokens_verify);
    tcase_add_test(tcase, own_tokens_verify_in_libjwt);
    tcase_add_test(tcase, libjwt_hs256_verifies);
    tcase_add_loop_test(tcase, none_is_refused, 0, 6);
    tcase_add_test(tcase, no_keys_verify_nothing);
    tcase_add_test(tcase, expiry_has_its_leeway_and_no_more);
    tcase_add_test(tcase, not_before_has_its_leeway_and_no_more);
    tcase_add_loop_test(tcase, bad_claims_are_refused, 0,
                        (int)(sizeof bad_claims / sizeof *bad_claims));
    tcase_add_loop_test(tcase, odd_claims_are_kept, 0, 4);
    tcase_add_test(tcase, unknown_critical_headers_are_refused);
    tcase_add_test(tcase, other_spellings_of_a_good_token_are_refused);
    tcase_add_test(tcase, every_flipped_character_is_refused);
    tcase_add_loop_test(tcase, nonsense_is_refused, 0, 9);
    tcase_add_test(tcase, token_over_the_limit_is_refused);
    tcase_add_test(tcase, user_is_the_head_of_sha256);
    tcase_add_loop_test(tcase, the_highest_known_role_counts, 0,
                        (int)ROLE_CLAIMS);
    tcase_add_loop_test(tcase, hs256_makes_nobody_more_than_a_player, 0,
                        (int)ROLE_CLAIMS);
    tcase_add_test(tcase, a_signed_role_is_read_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
