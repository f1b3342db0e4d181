/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: the bytes as a whole token, as the claims and the header of one that
 * is well signed (else nothing behind the signature is ever reached), and as a
 * key set. What verifies must be bounded by its times.
 */
#include "common/base64url.h"
#include "common/jwks.h"
#include "common/key_file.h"
#include "common/token_keys.h"

#include <stdlib.h>
#include <string.h>

#define SECRET "secret"
#define NOW_MS 1700000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void s_verify(const token_keys_t *keys, const char *token, size_t length)
{
    identity_t identity;
    if (token_verify(keys, token, length, NOW_MS, &identity) == 0 &&
        identity.expires_at_ms + TOKEN_LEEWAY_MS <= NOW_MS)
        abort();
}

static void s_verify_signed(const token_keys_t *keys, const void *header,
                            size_t header_size, const void *claims,
                            size_t claims_size)
{
    char *token = malloc(base64url_length(header_size) +
                         base64url_length(claims_size) + 64);
    uint8_t mac[32];
    size_t at = base64url_encode(token, header, header_size);
    token[at++] = '.';
    at += base64url_encode(token + at, claims, claims_size);
    token_hmac(SECRET, strlen(SECRET), token, at, mac);
    token[at++] = '.';
    at += base64url_encode(token + at, mac, sizeof mac);
    s_verify(keys, token, at);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char header[] = "{\"alg\":\"HS256\"}";
    static const char claims[] = "{\"sub\":\"a\",\"exp\":1800000000}";
    token_keys_t *keys = token_keys_new();
    const char *why;
    token_keys_add_secret(keys, SECRET, strlen(SECRET), NULL);
    s_verify(keys, (const char *)data, size);
    s_verify_signed(keys, header, sizeof header - 1, data, size);
    s_verify_signed(keys, data, size, claims, sizeof claims - 1);
    jwks_add(keys, (const char *)data, size, &why);
    secret_fault(data, size);
    s_verify_signed(keys, data, size, claims, sizeof claims - 1);
    token_keys_destroy(&keys);
    return 0;
}
