/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/tokens.h"

#include "common/jwks.h"

#include <openssl/core_names.h>

Suite *suite_common_jwks(void);

/* A public key as a JWK with extra members; text in `jwk`. */
static void s_jwk(EVP_PKEY *key, const char *extra, char *jwk, size_t size)
{
    uint8_t a[512], b[512];
    char at[1024], bt[1024];
    BIGNUM *an = NULL, *bn = NULL;
    bool is_rsa = key == rsa;
    EVP_PKEY_get_bn_param(
        key, is_rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X, &an);
    EVP_PKEY_get_bn_param(
        key, is_rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y, &bn);
    int an_size = is_rsa ? BN_bn2bin(an, a) : BN_bn2binpad(an, a, 32);
    int bn_size = is_rsa ? BN_bn2bin(bn, b) : BN_bn2binpad(bn, b, 32);
    at[base64url_encode(at, a, (size_t)an_size)] = '\0';
    bt[base64url_encode(bt, b, (size_t)bn_size)] = '\0';
    snprintf(jwk, size,
             is_rsa ? "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}"
                    : "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
                      "\"y\":\"%s\"%s}",
             at, bt, extra);
    BN_free(an);
    BN_free(bn);
}

static int s_add_jwks(const char *first, const char *second)
{
    char text[8192];
    int size = snprintf(text, sizeof text, "\n{\"keys\":[%s%s%s]}\n", first,
                        *second ? "," : "", second);
    s_write(text, (size_t)size);
    return key_file_add_jwks(keys, path, &why);
}

START_TEST(jwks_keys_are_chosen_by_kid)
{
    char one[2048], two[2048];
    s_jwk(rsa, ",\"kid\":\"r\",\"use\":\"sig\",\"alg\":\"RS256\"", one,
          sizeof one);
    s_jwk(ec, ",\"kid\":\"e\"", two, sizeof two);
    ck_assert_int_eq(s_add_jwks(one, two), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, "r")), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, "e")), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, "e")), -1);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, "x")), -1);
}
END_TEST

START_TEST(a_shared_key_in_a_jwks_is_refused)
{
    char k[64], jwk[128], other[2048];
    k[base64url_encode(k, SECRET, strlen(SECRET))] = '\0';
    snprintf(jwk, sizeof jwk, "{\"kty\":\"oct\",\"k\":\"%s\"}", k);
    s_jwk(rsa, "", other, sizeof other);
    ck_assert_int_eq(s_add_jwks(other, jwk), -1);
    ck_assert_ptr_nonnull(strstr(why, "jwt_secret_file"));
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, SECRET, NULL)), -1);
}
END_TEST

START_TEST(jwks_keys_for_other_ends_are_passed_over)
{
    static const char *const extras[] = {
        ",\"use\":\"enc\"", ",\"alg\":\"RS512\"", ",\"alg\":\"RSA-OAEP\"",
        ",\"alg\":\"none\"", ",\"alg\":\"HS256\""};
    char jwk[2048];
    s_jwk(rsa, extras[_i], jwk, sizeof jwk);
    ck_assert_int_eq(s_add_jwks(jwk, ""), -1);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), -1);
}
END_TEST

START_TEST(bad_jwks_are_refused)
{
    static const char *const texts[] = {
        "{\"keys\":[]}",
        "{\"keys\":[1,null,\"x\",{}]}",
        "{\"keys\":{}}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"a b\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\","
        "\"y\":\"AA\"}]}",
        /* not on the curve */
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]",
        "{}",
        "{ a secret that looks like a document",
    };
    s_write(texts[_i], strlen(texts[_i]));
    ck_assert_int_eq(key_file_add_jwks(keys, path, &why), -1);
    ck_assert_int_eq(
        s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, texts[_i])), -1);
}
END_TEST

START_TEST(one_jwk_alone_is_no_set)
{
    char jwk[2048];
    s_jwk(ec, "", jwk, sizeof jwk);
    ck_assert_int_eq(jwks_add(keys, jwk, strlen(jwk), &why), -1);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), -1);
}
END_TEST

START_TEST(a_byte_order_mark_before_a_jwks_is_skipped)
{
    char jwk[2048], text[4096];
    s_jwk(ec, "", jwk, sizeof jwk);
    int size =
        snprintf(text, sizeof text, "\xef\xbb\xbf{\"keys\":[%s]}\r\n", jwk);
    s_write(text, (size_t)size);
    ck_assert_int_eq(key_file_add_jwks(keys, path, &why), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), 0);
}
END_TEST

Suite *suite_common_jwks(void)
{
    Suite *suite = suite_create("common/jwks");
    TCase *tcase = tcase_create("jwks");
    tcase_add_unchecked_fixture(tcase, s_draw_keys, s_drop_keys);
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_add_test(tcase, jwks_keys_are_chosen_by_kid);
    tcase_add_test(tcase, a_shared_key_in_a_jwks_is_refused);
    tcase_add_loop_test(tcase, jwks_keys_for_other_ends_are_passed_over, 0, 5);
    tcase_add_loop_test(tcase, bad_jwks_are_refused, 0, 12);
    tcase_add_test(tcase, one_jwk_alone_is_no_set);
    tcase_add_test(tcase, a_byte_order_mark_before_a_jwks_is_skipped);
    suite_add_tcase(suite, tcase);
    return suite;
}
