/* SPDX-License-Identifier: Apache-2.0
 *
 * See token_keys.h. A handful of keys in an array, tried in turn: providers
 * publish two or three, and a token's kid leaves one. libjwt 1.10 was not taken
 * for verifying, since it parses the PEM anew for each token, knows no key sets
 * and reads base64 loosely; it serves the tests as a second opinion.
 */
#include "common/token_keys.h"

#include "common/jwks.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 65536

typedef struct {
    token_alg_t alg;
    char *kid;        /* NULL: serves tokens of any key id */
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

int token_keys_add_shared(token_keys_t *self, const void *secret, size_t size,
                          const char *kid)
{
    if (!size)
        return -1;
    token_key_t *key = s_append(self, TOKEN_HS256, kid);
    key->secret = mem_alloc(size);
    key->secret_size = size;
    memcpy(key->secret, secret, size);
    return 0;
}

int token_keys_add_secret(token_keys_t *self, const void *secret, size_t size)
{
    return token_keys_add_shared(self, secret, size, NULL);
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

/* A public key or a certificate's; NULL at the file's end. *bad: there was a
 * block that is neither. */
static EVP_PKEY *s_next_pem(BIO *bio, bool *bad)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *bytes = NULL;
    long size = 0;
    EVP_PKEY *key = NULL;
    if (PEM_read_bio(bio, &name, &header, &bytes, &size) != 1) {
        *bad = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
        return NULL;
    }
    const unsigned char *at = bytes;
    if (!strcmp(name, PEM_STRING_PUBLIC)) {
        key = d2i_PUBKEY(NULL, &at, size);
    } else if (!strcmp(name, PEM_STRING_X509)) {
        X509 *certificate = d2i_X509(NULL, &at, size);
        key = certificate ? X509_get_pubkey(certificate) : NULL;
        X509_free(certificate);
    }
    *bad = !key;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
    return key;
}

/* Every block must be a usable public key, and there must be one. */
static int s_add_pem(token_keys_t *self, const char *text, size_t size)
{
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    bool bad = false;
    int added = 0;
    for (EVP_PKEY *key; (key = s_next_pem(bio, &bad)); added++)
        if (token_keys_add_public(self, key, NULL)) {
            bad = true;
            break;
        }
    BIO_free(bio);
    ERR_clear_error();
    return bad || !added ? -1 : 0;
}

/* What begins like a PEM or a JSON document is one or is refused: a damaged
 * public document must not become a secret, since everybody has it. */
int token_keys_add_file(token_keys_t *self, const char *path)
{
    size_t size;
    char *text = secret_read(path, &size);
    if (!text)
        return -1;
    const char *start = text + strspn(text, " \t\r\n");
    size_t left = size - (size_t)(start - text);
    const uint8_t *der = (const uint8_t *)text;
    int result;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, (long)size);
    if (key)
        result = token_keys_add_public(self, key, NULL);
    else if (*start == '{')
        result = jwks_add(self, start, left) > 0 ? 0 : -1;
    else if (memmem(text, size, "-----BEGIN", 10))
        result = s_add_pem(self, text, size);
    else
        result = token_keys_add_secret(self, text, size);
    ERR_clear_error();
    OPENSSL_cleanse(text, size);
    free(text);
    return result;
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
                      const uint8_t *signature, size_t size)
{
    for (size_t i = 0; i < self->count; i++) {
        const token_key_t *key = &self->keys[i];
        if (key->alg == alg && !(kid && key->kid && strcmp(kid, key->kid)) &&
            s_check(key, text, length, signature, size))
            return true;
    }
    return false;
}

char *secret_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    char *bytes = file ? mem_alloc(KEY_FILE_MAX + 2) : NULL;
    size_t got = file ? fread(bytes, 1, KEY_FILE_MAX + 1, file) : 0;
    int error = !file || ferror(file) ? errno : 0;
    if (file)
        fclose(file);
    if (got && got <= KEY_FILE_MAX && bytes[got - 1] == '\n')
        got--;
    if (!error && got && got <= KEY_FILE_MAX) {
        bytes[got] = '\0';
        *size = got;
        return bytes;
    }
    char quoted[256];
    log_error("key_file_unusable", "path=%s reason=\"%s\"",
              log_quote(quoted, sizeof quoted, path),
              error ? strerror(error)
              : got ? "over 64 KiB"
                    : "empty");
    free(bytes);
    return NULL;
}
