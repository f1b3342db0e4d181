/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys behind token.h, for token.c, jwks.c and key_file.c only. A key has
 * one kind and serves the one algorithm of that kind: the token's header
 * chooses among the keys, never what a key is used for. So an RSA public key
 * can not be taken for an HMAC secret, which is what forged tokens try.
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

/* The same for a point of P-256: 4, then x and y of 32 bytes each. -1 if it is
 * not on the curve. */
int token_keys_add_point(token_keys_t *self, const uint8_t point[65],
                         const char *kid);

/* True if a key for `alg` made `signature` over `text`; *subjects is then how
 * `sub` must begin for this key (borrowed, maybe empty). If both the token and
 * the key name a key id, the ids must be equal. */
bool token_keys_check(const token_keys_t *self, token_alg_t alg,
                      const char *kid, const char *text, size_t length,
                      const uint8_t *signature, size_t size,
                      const char **subjects);

/* HMAC-SHA-256 into 32 bytes. */
void token_hmac(const void *secret, size_t size, const char *text,
                size_t length, uint8_t mac[32]);

/* ECDSA on P-256 with SHA-256 by a private key: r and s, 32 bytes each. */
void token_ecdsa(EVP_PKEY *key, const char *text, size_t length,
                 uint8_t signature[64]);

#endif
