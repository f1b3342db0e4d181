/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys behind token.h, for token.c and jwks.c only. A key has one kind and
 * serves the one algorithm of that kind: the token's header chooses among the
 * keys, never what a key is used for. So an RSA public key can not be taken for
 * an HMAC secret, which is what forged tokens try.
 */
#ifndef COMMON_TOKEN_KEYS_H
#define COMMON_TOKEN_KEYS_H

#include "common/token.h"

#include <openssl/evp.h>
#include <stdbool.h>

typedef enum { TOKEN_HS256, TOKEN_RS256, TOKEN_ES256 } token_alg_t;

/* RSA keys below this are refused. */
#define TOKEN_RSA_BITS_MIN 2048

/* Takes over the key, also on failure: -1 where it is neither RSA of
 * TOKEN_RSA_BITS_MIN nor EC on P-256. kid may be NULL. */
int token_keys_add_public(token_keys_t *self, EVP_PKEY *key, const char *kid);

/* A shared secret under a key id; kid may be NULL. -1 where it is empty. */
int token_keys_add_shared(token_keys_t *self, const void *secret, size_t size,
                          const char *kid);

/* True where a key for `alg` made `signature` over `text`. Where both the
 * token and the key name a key id, they must be the same. */
bool token_keys_check(const token_keys_t *self, token_alg_t alg,
                      const char *kid, const char *text, size_t length,
                      const uint8_t *signature, size_t size);

/* HMAC-SHA-256 into 32 bytes. */
void token_hmac(const void *secret, size_t size, const char *text,
                size_t length, uint8_t mac[32]);

#endif
