/* SPDX-License-Identifier: Apache-2.0
 *
 * See token_keys.h. A handful of keys in an array, tried in turn: providers
 * publish two or three, and a token's kid leaves one. libjwt 1.10 was not taken
 * for verifying, since it parses the PEM anew for each token, knows no key sets
 * and reads base64 loosely; it serves the tests as a second opinion.
 */
#include "common/token_keys.h"

#include "common/mem.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    token_alg_t alg;
    char *kid;        /* NULL: serves tokens of any key id */
    char *subjects;   /* how each `sub` it may sign begins; NULL: any */
    EVP_PKEY *public; /* NULL for HS256 */
    uint8_t *secret;
    size_t secret_size;
} token_key_t;

struct token_keys {
    token_key_t *keys;
    size_t count;
};

token_keys_t *token_keys_new(void)
{
    return mem_zalloc(1, sizeof(token_keys_t));
}

void token_keys_destroy(token_keys_t **self_p)
{
    token_keys_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        token_key_t *key = &self->keys[i];
        free(key->kid);
        free(key->subjects);
        EVP_PKEY_free(key->public);
        if (key->secret)
            OPENSSL_cleanse(key->secret, key->secret_size);
        free(key->secret);
    }
    free(self->keys);
    free(self);
}

static token_key_t *s_append(token_keys_t *self, token_alg_t alg,
                             const char *kid)
{
    self->keys = mem_realloc(self->keys, self->count + 1, sizeof *self->keys);
    token_key_t *key = &self->keys[self->count++];
    *key = (token_key_t){.alg = alg, .kid = kid ? mem_strdup(kid) : NULL};
    return key;
}

int token_keys_add_secret(token_keys_t *self, const void *secret, size_t size,
                          const char *subjects)
{
    if (!size)
        return -1;
    token_key_t *key = s_append(self, TOKEN_HS256, NULL);
    key->subjects = subjects ? mem_strdup(subjects) : NULL;
    key->secret = mem_alloc(size);
    key->secret_size = size;
    memcpy(key->secret, secret, size);
    return 0;
}

static bool s_is_p256(const EVP_PKEY *key)
{
    char group[32];
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME,
                                          group, sizeof group, NULL) == 1 &&
           !strcmp(group, "prime256v1");
}

int token_keys_add_public(token_keys_t *self, EVP_PKEY *key, const char *kid)
{
    if (EVP_PKEY_is_a(key, "RSA") &&
        EVP_PKEY_get_bits(key) >= TOKEN_RSA_BITS_MIN) {
        s_append(self, TOKEN_RS256, kid)->public = key;
        return 0;
    }
    if (EVP_PKEY_is_a(key, "EC") && s_is_p256(key)) {
        s_append(self, TOKEN_ES256, kid)->public = key;
        return 0;
    }
    EVP_PKEY_free(key);
    return -1;
}

int token_keys_add_point(token_keys_t *self, const uint8_t point[65],
                         const char *kid)
{
    char group[] = "prime256v1";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                          (void *)(uintptr_t)point, 65),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return key ? token_keys_add_public(self, key, kid) : -1;
}

void token_hmac(const void *secret, size_t size, const char *text,
                size_t length, uint8_t mac[32])
{
    unsigned mac_size = 0;
    const void *made = HMAC(EVP_sha256(), secret, (int)size,
                            (const uint8_t *)text, length, mac, &mac_size);
    assert(made && mac_size == 32);
}

/* A JWS signature is r and s, 32 bytes each; OpenSSL wants them as DER. */
static size_t s_ecdsa_der(const uint8_t *signature, size_t size,
                          uint8_t der[80])
{
    if (size != 64)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL);
    BIGNUM *s = BN_bin2bn(signature + 32, 32, NULL);
    assert(pair && r && s);
    ECDSA_SIG_set0(pair, r, s);
    int length = i2d_ECDSA_SIG(pair, NULL);
    assert(length <= 80);
    if (length > 0)
        length = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    return length > 0 ? (size_t)length : 0;
}

void token_ecdsa(EVP_PKEY *key, const char *text, size_t length,
                 uint8_t signature[64])
{
    uint8_t der[80];
    const uint8_t *at = der;
    size_t size = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int made =
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, der, &size, (const uint8_t *)text, length) == 1;
    assert(made);
    EVP_MD_CTX_free(context);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)size);
    assert(pair);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32);
    ECDSA_SIG_free(pair);
}

static bool s_check_public(EVP_PKEY *key, const char *text, size_t length,
                           const uint8_t *signature, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(context, signature, size, (const uint8_t *)text,
                         length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

static bool s_check(const token_key_t *key, const char *text, size_t length,
                    const uint8_t *signature, size_t size)
{
    uint8_t bytes[80];
    switch (key->alg) {
    case TOKEN_HS256:
        token_hmac(key->secret, key->secret_size, text, length, bytes);
        return size == 32 && !CRYPTO_memcmp(bytes, signature, 32);
    case TOKEN_ES256:
        size = s_ecdsa_der(signature, size, bytes);
        return size && s_check_public(key->public, text, length, bytes, size);
    case TOKEN_RS256:
        return s_check_public(key->public, text, length, signature, size);
    }
    return false;
}

bool token_keys_check(const token_keys_t *self, token_alg_t alg,
                      const char *kid, const char *text, size_t length,
                      const uint8_t *signature, size_t size,
                      const char **subjects)
{
    for (size_t i = 0; i < self->count; i++) {
        const token_key_t *key = &self->keys[i];
        if (key->alg == alg && !(kid && key->kid && strcmp(kid, key->kid)) &&
            s_check(key, text, length, signature, size)) {
            *subjects = key->subjects ? key->subjects : "";
            return true;
        }
    }
    return false;
}
