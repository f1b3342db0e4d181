/* SPDX-License-Identifier: Apache-2.0
 *
 * See jwks.h. One row a key type; a key that names another use or algorithm
 * than the one its type has here is passed over.
 */
#include "common/jwks.h"

#include "common/base64url.h"
#include "common/token_keys.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <string.h>

/* Of one base64url member: an RSA modulus of 16,384 bits and then some. */
#define JWK_MEMBER_MAX 4096

static const char *s_text(const json_t *jwk, const char *name)
{
    return json_string_value(json_object_get(jwk, name));
}

/* A base64url member's bytes into `bytes`; -1 where it is missing or bad. */
static ssize_t s_bytes(const json_t *jwk, const char *name, uint8_t *bytes)
{
    const char *text = s_text(jwk, name);
    size_t length = text ? strlen(text) : 0;
    if (!length || length > JWK_MEMBER_MAX)
        return -1;
    return base64url_decode(bytes, text, length);
}

/* An RSA public key of what was pushed to `build`. */
static EVP_PKEY *s_rsa_of(OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (params && context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static int s_add_rsa(token_keys_t *keys, const json_t *jwk, const char *kid)
{
    uint8_t n[BASE64URL_ROOM(JWK_MEMBER_MAX)];
    uint8_t e[BASE64URL_ROOM(JWK_MEMBER_MAX)];
    ssize_t n_size = s_bytes(jwk, "n", n);
    ssize_t e_size = s_bytes(jwk, "e", e);
    if (n_size < 0 || e_size < 0)
        return -1;
    BIGNUM *modulus = BN_bin2bn(n, (int)n_size, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
        key = s_rsa_of(build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return key ? token_keys_add_public(keys, key, kid) : -1;
}

static int s_add_ec(token_keys_t *keys, const json_t *jwk, const char *kid)
{
    uint8_t x[BASE64URL_ROOM(JWK_MEMBER_MAX)];
    uint8_t y[BASE64URL_ROOM(JWK_MEMBER_MAX)];
    const char *curve = s_text(jwk, "crv");
    if (!curve || strcmp(curve, "P-256") || s_bytes(jwk, "x", x) != 32 ||
        s_bytes(jwk, "y", y) != 32)
        return -1;
    uint8_t point[65] = {4}; /* uncompressed: 4, x, y */
    memcpy(point + 1, x, 32);
    memcpy(point + 33, y, 32);
    return token_keys_add_point(keys, point, kid);
}

static const struct {
    const char *kty, *alg;
    int (*add)(token_keys_t *keys, const json_t *jwk, const char *kid);
} types[] = {
    {"RSA", "RS256", s_add_rsa},
    {"EC", "ES256", s_add_ec},
};

static bool s_is_for_signing(const json_t *jwk)
{
    const char *use = s_text(jwk, "use");
    return !use || !strcmp(use, "sig");
}

/* 0 if the key was added. */
static int s_add(token_keys_t *keys, const json_t *jwk)
{
    const char *kty = s_text(jwk, "kty");
    const char *alg = s_text(jwk, "alg");
    if (!kty || !s_is_for_signing(jwk))
        return -1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(kty, types[i].kty))
            return alg && strcmp(alg, types[i].alg)
                       ? -1
                       : types[i].add(keys, jwk, s_text(jwk, "kid"));
    return -1;
}

static bool s_is_secret(const json_t *jwk)
{
    const char *kty = s_text(jwk, "kty");
    return kty && !strcmp(kty, "oct") && s_is_for_signing(jwk);
}

static const char *s_add_all(token_keys_t *keys, const json_t *set)
{
    size_t i, added = 0;
    json_t *jwk;
    if (!json_is_array(set))
        return "it is not a JWKS, an object with a member keys";
    json_array_foreach(set, i, jwk)
    {
        if (s_is_secret(jwk))
            return "it holds a shared secret, which jwt_secret_file sets";
        added += s_add(keys, jwk) == 0;
    }
    return added ? NULL : "no key in it can be used";
}

int jwks_add(token_keys_t *keys, const char *text, size_t size,
             const char **why)
{
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    *why = s_add_all(keys, json_object_get(document, "keys"));
    json_decref(document);
    return *why ? -1 : 0;
}
