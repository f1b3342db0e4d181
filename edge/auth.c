/* SPDX-License-Identifier: Apache-2.0
 *
 * See auth.h. The key files are read once, at the start.
 */
#include "edge/auth.h"

#include "common/clock.h"
#include "common/key_file.h"
#include "common/mem.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct auth {
    const edge_config_t *config;
    token_keys_t *keys;
};

auth_t *auth_new(const edge_config_t *config)
{
    auth_t *self = mem_zalloc(1, sizeof *self);
    self->config = config;
    self->keys = token_keys_new();
    if (role_keys_verify_with(&config->keys, self->keys) < 0 ||
        key_file_add(self->keys, "jwt_key_file", config->jwt_key_file,
                     key_file_add_pem) < 0 ||
        key_file_add(self->keys, "jwks_file", config->jwks_file,
                     key_file_add_jwks) < 0 ||
        key_file_add(self->keys, "jwt_secret_file", config->jwt_secret_file,
                     key_file_add_secret) < 0)
        auth_destroy(&self);
    return self;
}

void auth_destroy(auth_t **self_p)
{
    auth_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    token_keys_destroy(&self->keys);
    free(self);
}

int auth_verify(auth_t *self, const char *token, size_t length,
                identity_t *identity)
{
    return token_verify(self->keys, token, length, clock_wall_ms(), identity);
}

const char *auth_bearer(const char *authorization, size_t *length)
{
    if (strncasecmp(authorization, "Bearer ", 7))
        return NULL;
    const char *token = authorization + 7 + strspn(authorization + 7, " ");
    *length = strlen(token);
    while (*length && strchr(" \t", token[*length - 1]))
        (*length)--;
    return token;
}

static int s_verify_header(auth_t *self, const char *authorization,
                           identity_t *identity)
{
    size_t length;
    const char *token = auth_bearer(authorization, &length);
    return token ? auth_verify(self, token, length, identity) : -1;
}

auth_result_t auth_request(auth_t *self, const char *authorization,
                           const char *url_token, identity_t *identity)
{
    if (!authorization && !url_token)
        return AUTH_NONE;
    if (authorization && s_verify_header(self, authorization, identity) < 0)
        return AUTH_BAD;
    if (url_token &&
        auth_verify(self, url_token, strlen(url_token), identity) < 0)
        return AUTH_BAD;
    return AUTH_GOOD;
}

char *auth_anonymous(auth_t *self, identity_t *identity)
{
    uint8_t random[AUTH_SEED_BYTES];
    int drawn = RAND_bytes(random, sizeof random);
    assert(drawn == 1);
    return auth_anonymous_of(self, random, identity);
}

char *auth_anonymous_of(auth_t *self, const uint8_t seed[AUTH_SEED_BYTES],
                        identity_t *identity)
{
    const key_list_t *secrets = &self->config->keys.anonymous;
    if (!self->config->anonymous || !secrets->count)
        return NULL;
    char sub[] = ANONYMOUS_SUBJECTS "00000000000000000000000000000000";
    for (size_t i = 0; i < AUTH_SEED_BYTES; i++) {
        sub[5 + 2 * i] = "0123456789abcdef"[seed[i] >> 4];
        sub[6 + 2 * i] = "0123456789abcdef"[seed[i] & 15];
    }
    uint64_t now_ms = clock_wall_ms();
    identity->user = token_user(sub, strlen(sub));
    identity->expires_at_ms =
        (now_ms / 1000 + (uint64_t)self->config->session_ttl_s) * 1000;
    /* The oldest that counts: every edge knows it already. */
    return token_sign(secrets->bytes[0], KEY_BYTES, sub, now_ms,
                      identity->expires_at_ms);
}
