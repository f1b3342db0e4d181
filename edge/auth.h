/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose tokens count (the cluster's own and those of jwt_key_file, jwks_file
 * and jwt_secret_file), where a request may carry one, and making anonymous
 * ones.
 */
#ifndef EDGE_AUTH_H
#define EDGE_AUTH_H

#include "common/token.h"
#include "edge/config.h"

typedef struct auth auth_t;

/* NULL, with a line in the log, where a key cannot be used. */
auth_t *auth_new(const edge_config_t *config);
void auth_destroy(auth_t **self_p);

/* The token within an Authorization header, without what stands around it;
 * NULL if that is no Bearer's. Borrowed, of `length` bytes. */
const char *auth_bearer(const char *authorization, size_t *length);

/* 0 and *identity where the token is good now, else -1. */
int auth_verify(auth_t *self, const char *token, size_t length,
                identity_t *identity);

typedef enum {
    AUTH_NONE, /* carries no token */
    AUTH_GOOD,
    AUTH_BAD, /* carries one that does not count, or twice */
} auth_result_t;

/* Judges a request by its Authorization header and its `token` in the URL, each
 * NULL where absent. Every token that is there must be good, an empty one in
 * the URL too; the URL's then names the player. */
auth_result_t auth_request(auth_t *self, const char *authorization,
                           const char *url_token, identity_t *identity);

/* An anonymous identity and its token (the caller's, free): a fresh one, or the
 * one of a seed that nobody can guess. NULL where the operator allows only
 * their own tokens. */
#define AUTH_SEED_BYTES 16
char *auth_anonymous(auth_t *self, identity_t *identity);
char *auth_anonymous_of(auth_t *self, const uint8_t seed[AUTH_SEED_BYTES],
                        identity_t *identity);

#endif
