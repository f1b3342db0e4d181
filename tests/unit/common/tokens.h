/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens and keys for the tests of token.c, token_keys.c, key_file.c and
 * jwks.c: made by libjwt (another implementation) and by hand (what no library
 * would make). Each test program draws its keys once.
 */
#ifndef TESTS_UNIT_COMMON_TOKENS_H
#define TESTS_UNIT_COMMON_TOKENS_H

#include "common/base64url.h"
#include "common/key_file.h"
#include "common/token_keys.h"

#include <check.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "a shared secret of the cluster"
#define NOW_S 1700000000
#define NOW_MS (NOW_S * 1000ull)
#define CLAIMS "{\"sub\":\"alice\",\"exp\":1700000100}"
/* The first 16 hex digits of `printf alice | sha256sum`. */
#define ALICE 0x2bd806c97f0e00afull

static EVP_PKEY *rsa, *ec;
static token_keys_t *keys;
static char path[] = "/tmp/stipple-key-XXXXXX";
static const char *why;

static inline void s_draw_keys(void)
{
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    close(mkstemp(path));
}

static inline void s_drop_keys(void)
{
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    unlink(path);
}

static inline void s_setup(void)
{
    keys = token_keys_new();
}

static inline void s_teardown(void)
{
    token_keys_destroy(&keys);
    token_keys_destroy(&keys);
}

static inline void s_write(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A key as PEM text; the caller's (free). */
static inline char *s_pem(EVP_PKEY *key, bool private)
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

static inline int s_add_pem(EVP_PKEY *key)
{
    char *text = s_pem(key, false);
    s_write(text, strlen(text));
    free(text);
    return key_file_add_pem(keys, path, &why);
}

static inline int s_verify_at(const char *token, uint64_t now_ms)
{
    identity_t identity = {0};
    int result = token_verify(keys, token, strlen(token), now_ms, &identity);
    if (result == 0)
        ck_assert_uint_eq(identity.user, ALICE);
    return result;
}

/* The verdict on a token that is then freed. */
static inline int s_verify(char *token)
{
    int result = s_verify_at(token, NOW_MS);
    free(token);
    return result;
}

/* header.claims. of two texts, room for a signature behind; *length. */
static inline char *s_unsigned(const char *header, const char *claims,
                               size_t *length)
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
static inline char *s_forge(const char *header, const char *claims,
                            const char *secret)
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

static inline char *s_hs256(const char *claims)
{
    return s_forge("{\"alg\":\"HS256\"}", claims, SECRET);
}

/* Signed by libjwt; kid may be NULL. */
static inline char *s_libjwt(jwt_alg_t alg, const char *key, const char *kid)
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

static inline char *s_libjwt_public(jwt_alg_t alg, EVP_PKEY *key,
                                    const char *kid)
{
    char *pem = s_pem(key, true);
    char *token = s_libjwt(alg, pem, kid);
    free(pem);
    return token;
}

static inline void s_use_secret(void)
{
    ck_assert_int_eq(token_keys_add_secret(keys, SECRET, strlen(SECRET), NULL),
                     0);
}

#endif
