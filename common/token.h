/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed identities: JWT (RFC 7519) with `sub` and `exp`. HS256 with the
 * cluster's secret for the anonymous ones; an operator's own identity provider
 * may sign with HS256, RS256 or ES256 (PEM or JWKS). `none`, a key of the wrong
 * kind and every other algorithm are refused.
 *
 * `roles`, a word or a list of words, says what the bearer may do beyond
 * playing (rank.h): the highest that is known counts. What HS256 signed is
 * never above a player, since whoever verifies it could have signed it.
 */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include "common/rank.h"

#include <stddef.h>
#include <stdint.h>

#define TOKEN_MAX_BYTES 8192
#define TOKEN_LEEWAY_MS 5000
/* A token with a role above player has no more than this to live: whoever reads
 * it on its way may use it as long. */
#define TOKEN_DAY_MS 86400000
#define USER_HEX_BYTES 17 /* 16 digits and NUL */

typedef struct token_keys token_keys_t;

typedef struct {
    uint64_t user;          /* token_user(sub) */
    uint64_t expires_at_ms; /* since 1970, without the leeway */
    rank_t rank;            /* by `roles`; a player without */
} identity_t;

/* An empty set; it verifies nothing. */
token_keys_t *token_keys_new(void);
void token_keys_destroy(token_keys_t **self_p);

/* Adds an HS256 secret; files are read by key_file.h. If `subjects` is not
 * NULL, the secret counts only for tokens whose `sub` begins with it. -1 if the
 * secret is empty. */
int token_keys_add_secret(token_keys_t *self, const void *secret, size_t size,
                          const char *subjects);

/* 0 and *identity where some key signed it, it has sub and exp, and now_ms is
 * within its times (leeway TOKEN_LEEWAY_MS); else -1. */
int token_verify(const token_keys_t *self, const char *token, size_t length,
                 uint64_t now_ms, identity_t *identity);

/* An HS256 token for `sub`; the caller owns the text (free). */
char *token_sign(const void *secret, size_t size, const char *sub,
                 uint64_t issued_at_ms, uint64_t expires_at_ms);

/* The same as ES256, by a private key on P-256 (an EVP_PKEY), for the bearer of
 * a role (NULL: it says none). */
struct evp_pkey_st;
char *token_sign_es256(struct evp_pkey_st *key, const char *sub,
                       const char *role, uint64_t issued_at_ms,
                       uint64_t expires_at_ms);

/* The first 8 bytes of SHA-256(sub), big-endian, so that its hex digits are
 * those of the hash. */
uint64_t token_user(const char *sub, size_t length);

/* 16 lower-case hex digits. */
void user_to_hex(uint64_t user, char hex[USER_HEX_BYTES]);
/* -1 where it is not exactly that. */
int user_from_hex(const char *hex, uint64_t *user);

#endif
