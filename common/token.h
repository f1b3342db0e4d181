/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed identities: JWT (RFC 7519) with `sub` and `exp`. HS256 with the
 * cluster's secret for the anonymous ones; an operator's own identity provider
 * may sign with HS256, RS256 or ES256 (PEM or JWKS). `none`, a key of the wrong
 * kind and every other algorithm are refused.
 */
#ifndef COMMON_TOKEN_H
#define COMMON_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#define TOKEN_MAX_BYTES 8192
#define TOKEN_LEEWAY_MS 5000
#define USER_HEX_BYTES 17 /* 16 digits and NUL */

typedef struct token_keys token_keys_t;

typedef struct {
    uint64_t user;          /* token_user(sub) */
    uint64_t expires_at_ms; /* since 1970, without the leeway */
} identity_t;

/* An empty set; it verifies nothing. */
token_keys_t *token_keys_new(void);
void token_keys_destroy(token_keys_t **self_p);

/* Add a key. -1 where it cannot be used. add_file takes a PEM public key, a
 * JWKS document or, for any other content, HS256 bytes without one trailing
 * newline. */
int token_keys_add_secret(token_keys_t *self, const void *secret, size_t size);
int token_keys_add_file(token_keys_t *self, const char *path);

/* 0 and *identity where some key signed it, it has sub and exp, and now_ms is
 * within its times (leeway TOKEN_LEEWAY_MS); else -1. */
int token_verify(const token_keys_t *self, const char *token, size_t length,
                 uint64_t now_ms, identity_t *identity);

/* An HS256 token for `sub`; the caller owns the text (free). */
char *token_sign(const void *secret, size_t size, const char *sub,
                 uint64_t issued_at_ms, uint64_t expires_at_ms);

/* The first 8 bytes of SHA-256(sub), big-endian, so that its hex digits are
 * those of the hash. */
uint64_t token_user(const char *sub, size_t length);

/* 16 lower-case hex digits. */
void user_to_hex(uint64_t user, char hex[USER_HEX_BYTES]);
/* -1 where it is not exactly that. */
int user_from_hex(const char *hex, uint64_t *user);

/* A file's bytes without one trailing newline, at most 64 KiB; the caller owns
 * them (free). NULL, with a line in the log, where it cannot be read or is
 * empty. */
char *secret_read(const char *path, size_t *size);

#endif
