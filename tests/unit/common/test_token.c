/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens made by libjwt (another implementation) and by hand (what no library
 * would make) against token_verify. Keys are drawn once for the program.
 */
#include "common/base64url.h"
#include "common/jwks.h"
#include "common/token.h"
#include "common/token_keys.h"

#include <check.h>
#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *suite_common_token(void);

#define SECRET "a shared secret of the cluster"
#define NOW_S 1700000000
#define NOW_MS (NOW_S * 1000ull)
#define CLAIMS "{\"sub\":\"alice\",\"exp\":1700000100}"
/* The first 16 hex digits of `printf alice | sha256sum`. */
#define ALICE 0x2bd806c97f0e00afull

static EVP_PKEY *rsa, *ec;
static token_keys_t *keys;
static char path[] = "/tmp/stipple-key-XXXXXX";

static void s_draw_keys(void)
{
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    close(mkstemp(path));
}

static void s_drop_keys(void)
{
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    unlink(path);
}

static void s_setup(void)
{
    keys = token_keys_new();
}

static void s_teardown(void)
{
    token_keys_destroy(&keys);
    token_keys_destroy(&keys);
}

static void s_write(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A key as PEM text; the caller's (free). */
static char *s_pem(EVP_PKEY *key, bool private)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (private)
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_PUBKEY(bio, key);
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)size);
    BIO_free(bio);
    return text;
}

static int s_add_pem(EVP_PKEY *key)
{
    char *text = s_pem(key, false);
    s_write(text, strlen(text));
    free(text);
    return token_keys_add_file(keys, path);
}

static int s_verify_at(const char *token, uint64_t now_ms)
{
    identity_t identity = {0};
    int result = token_verify(keys, token, strlen(token), now_ms, &identity);
    if (result == 0)
        ck_assert_uint_eq(identity.user, ALICE);
    return result;
}

/* The verdict on a token that is then freed. */
static int s_verify(char *token)
{
    int result = s_verify_at(token, NOW_MS);
    free(token);
    return result;
}

/* header.claims. of two texts, room for a signature behind; *length. */
static char *s_unsigned(const char *header, const char *claims, size_t *length)
{
    char *token = malloc(2 * (strlen(header) + strlen(claims)) + 1024);
    size_t at = base64url_encode(token, header, strlen(header));
    token[at++] = '.';
    at += base64url_encode(token + at, claims, strlen(claims));
    token[at] = '\0';
    *length = at;
    return token;
}

/* HMAC with any key under any header: what an attacker can always do. */
static char *s_forge(const char *header, const char *claims, const char *secret)
{
    size_t at;
    uint8_t mac[32];
    char *token = s_unsigned(header, claims, &at);
    token_hmac(secret, strlen(secret), token, at, mac);
    token[at++] = '.';
    at += base64url_encode(token + at, mac, 32);
    token[at] = '\0';
    return token;
}

static char *s_hs256(const char *claims)
{
    return s_forge("{\"alg\":\"HS256\"}", claims, SECRET);
}

/* Signed by libjwt; kid may be NULL. */
static char *s_libjwt(jwt_alg_t alg, const char *key, const char *kid)
{
    jwt_t *jwt;
    ck_assert_int_eq(jwt_new(&jwt), 0);
    jwt_set_alg(jwt, alg, (const uint8_t *)key, (int)strlen(key));
    jwt_add_grants_json(jwt, CLAIMS);
    if (kid)
        jwt_add_header(jwt, "kid", kid);
    char *token = jwt_encode_str(jwt);
    ck_assert_ptr_nonnull(token);
    jwt_free(jwt);
    return token;
}

static char *s_libjwt_public(jwt_alg_t alg, EVP_PKEY *key, const char *kid)
{
    char *pem = s_pem(key, true);
    char *token = s_libjwt(alg, pem, kid);
    free(pem);
    return token;
}

static void s_use_secret(void)
{
    ck_assert_int_eq(token_keys_add_secret(keys, SECRET, strlen(SECRET)), 0);
}

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

START_TEST(rs256_by_pem_verifies)
{
    ck_assert_int_eq(s_add_pem(rsa), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, "k")), 0);
    EVP_PKEY *other = EVP_RSA_gen(2048);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, other, "k")), -1);
    EVP_PKEY_free(other);
}
END_TEST

START_TEST(es256_by_pem_verifies)
{
    ck_assert_int_eq(s_add_pem(ec), 0);
    /* r or s with leading zeros show within a few tries. */
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), 0);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, other, "k")), -1);
    EVP_PKEY_free(other);
}
END_TEST

START_TEST(several_keys_in_one_pem_file)
{
    char *one = s_pem(rsa, false);
    char *two = s_pem(ec, false);
    char both[4096];
    int size = snprintf(both, sizeof both, "comment\n%s\n%s", one, two);
    s_write(both, (size_t)size);
    ck_assert_int_eq(token_keys_add_file(keys, path), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), 0);
    free(one);
    free(two);
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

START_TEST(other_algorithms_are_refused)
{
    s_use_secret();
    s_add_pem(rsa);
    s_add_pem(ec);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS384, SECRET, NULL)), -1);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS512, SECRET, NULL)), -1);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS384, rsa, NULL)), -1);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"hs256\"}", CLAIMS, SECRET)),
                     -1);
}
END_TEST

START_TEST(hs256_by_a_public_key_is_refused)
{
    s_use_secret();
    s_add_pem(rsa);
    s_add_pem(ec);
    EVP_PKEY *each[] = {rsa, ec};
    for (int i = 0; i < 2; i++) {
        char *pem = s_pem(each[i], false);
        ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, pem, NULL)), -1);
        pem[strlen(pem) - 1] = '\0'; /* as a file's trailing newline */
        ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, pem, NULL)), -1);
        free(pem);
    }
}
END_TEST

START_TEST(key_of_another_kind_is_refused)
{
    s_add_pem(ec);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), -1);
    token_keys_destroy(&keys);
    keys = token_keys_new();
    s_add_pem(rsa);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), -1);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, SECRET, NULL)), -1);
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

START_TEST(no_keys_verify_nothing)
{
    ck_assert_int_eq(s_verify(s_hs256(CLAIMS)), -1);
    ck_assert_int_eq(s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, "")), -1);
    ck_assert_int_eq(token_keys_add_secret(keys, "", 0), -1);
}
END_TEST

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
    return token_keys_add_file(keys, path);
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

START_TEST(jwks_shared_keys_verify_hs256)
{
    char k[64], jwk[128];
    k[base64url_encode(k, SECRET, strlen(SECRET))] = '\0';
    snprintf(jwk, sizeof jwk, "{\"kty\":\"oct\",\"k\":\"%s\"}", k);
    ck_assert_int_eq(s_add_jwks(jwk, "{\"kty\":\"OKP\",\"crv\":\"X\"}"), 0);
    ck_assert_int_eq(s_verify(s_libjwt(JWT_ALG_HS256, SECRET, NULL)), 0);
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
    ck_assert_int_eq(token_keys_add_file(keys, path), -1);
    ck_assert_int_eq(
        s_verify(s_forge("{\"alg\":\"HS256\"}", CLAIMS, texts[_i])), -1);
}
END_TEST

START_TEST(one_jwk_alone_is_a_set)
{
    char jwk[2048];
    s_jwk(ec, "", jwk, sizeof jwk);
    ck_assert_int_eq(jwks_add(keys, jwk, strlen(jwk)), 1);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_ES256, ec, NULL)), 0);
}
END_TEST

START_TEST(secret_file_loses_one_newline)
{
    s_write(SECRET "\n", strlen(SECRET) + 1);
    ck_assert_int_eq(token_keys_add_file(keys, path), 0);
    ck_assert_int_eq(s_verify(s_hs256(CLAIMS)), 0);
    s_write("x\n\n", 3);
    size_t size;
    char *secret = secret_read(path, &size);
    ck_assert_uint_eq(size, 2);
    ck_assert_str_eq(secret, "x\n");
    free(secret);
    s_write("a\0b", 3);
    secret = secret_read(path, &size);
    ck_assert_uint_eq(size, 3);
    free(secret);
}
END_TEST

START_TEST(unusable_key_files_are_refused)
{
    static char big[65538];
    size_t size;
    s_write("", 0);
    ck_assert_int_eq(token_keys_add_file(keys, path), -1);
    s_write("\n", 1);
    ck_assert_ptr_null(secret_read(path, &size));
    memset(big, 'x', sizeof big);
    s_write(big, sizeof big);
    ck_assert_ptr_null(secret_read(path, &size));
    ck_assert_ptr_null(secret_read("/tmp", &size));
    ck_assert_ptr_null(secret_read("/nonexistent/file", &size));
    char *private = s_pem(rsa, true);
    s_write(private, strlen(private));
    ck_assert_int_eq(token_keys_add_file(keys, path), -1);
    free(private);
    char *public = s_pem(rsa, false);
    s_write(public, strlen(public) - 30);
    ck_assert_int_eq(token_keys_add_file(keys, path), -1);
    free(public);
}
END_TEST

START_TEST(weak_or_foreign_public_keys_are_refused)
{
    EVP_PKEY *each[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-384"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(s_add_pem(each[i]), -1);
        EVP_PKEY_free(each[i]);
    }
}
END_TEST

START_TEST(public_key_as_der_is_no_secret)
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(rsa, &der);
    s_write(der, (size_t)size);
    ck_assert_int_eq(token_keys_add_file(keys, path), 0);
    ck_assert_int_eq(s_verify(s_libjwt_public(JWT_ALG_RS256, rsa, NULL)), 0);
    OPENSSL_free(der);
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

static TCase *s_signatures(void)
{
    TCase *tcase = tcase_create("signatures");
    tcase_add_unchecked_fixture(tcase, s_draw_keys, s_drop_keys);
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, own_tokens_verify);
    tcase_add_test(tcase, own_tokens_verify_in_libjwt);
    tcase_add_test(tcase, libjwt_hs256_verifies);
    tcase_add_test(tcase, rs256_by_pem_verifies);
    tcase_add_test(tcase, es256_by_pem_verifies);
    tcase_add_test(tcase, several_keys_in_one_pem_file);
    tcase_add_loop_test(tcase, none_is_refused, 0, 6);
    tcase_add_test(tcase, other_algorithms_are_refused);
    tcase_add_test(tcase, hs256_by_a_public_key_is_refused);
    tcase_add_test(tcase, key_of_another_kind_is_refused);
    tcase_add_test(tcase, no_keys_verify_nothing);
    tcase_add_test(tcase, jwks_keys_are_chosen_by_kid);
    tcase_add_test(tcase, jwks_shared_keys_verify_hs256);
    tcase_add_loop_test(tcase, jwks_keys_for_other_ends_are_passed_over, 0, 5);
    tcase_add_loop_test(tcase, bad_jwks_are_refused, 0, 12);
    tcase_add_test(tcase, one_jwk_alone_is_a_set);
    tcase_add_test(tcase, secret_file_loses_one_newline);
    tcase_add_test(tcase, unusable_key_files_are_refused);
    tcase_add_test(tcase, weak_or_foreign_public_keys_are_refused);
    tcase_add_test(tcase, public_key_as_der_is_no_secret);
    return tcase;
}

static TCase *s_contents(void)
{
    TCase *tcase = tcase_create("contents");
    tcase_add_checked_fixture(tcase, s_setup, s_teardown);
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
    return tcase;
}

Suite *suite_common_token(void)
{
    Suite *suite = suite_create("common/token");
    suite_add_tcase(suite, s_signatures());
    suite_add_tcase(suite, s_contents());
    return suite;
}
