/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/auth.h"

#include "common/clock.h"
#include "common/log.h"
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

static int s_add_file(auth_t *self, const char *path)
{
    if (!path || !*path || token_keys_add_file(self->keys, path) == 0)
        return 0;
    char quoted[256];
    log_error("key_file_unusable", "path=%s reason=\"no usable key in it\"",
              log_quote(quoted, sizeof quoted, path));
    return -1;
}

auth_t *auth_new(const edge_config_t *config)
{
    auth_t *self = mem_zalloc(1, sizeof *self);
    self->config = config;
    self->keys = token_keys_new();
    /* Without anonymous sessions the cluster's secret signs nothing, but
     * stays good for tokens that an operator's own backend makes with it. */
    if ((config->secret_size &&
         token_keys_add_secret(self->keys, config->secret,
                               config->secret_size) < 0) ||
        s_add_file(self, config->jwt_key_file) < 0 ||
        s_add_file(self, config->jwks_file) < 0)
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

static int s_verify_header(auth_t *self, const char *authorization,
                           identity_t *identity)
{
    if (strncasecmp(authorization, "Bearer ", 7))
        return -1;
    const char *token = authorization + 7 + strspn(authorization + 7, " ");
    size_t length = strlen(token);
    while (length && strchr(" \t", token[length - 1]))
        length--;
    return auth_verify(self, token, length, identity);
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
    if (!self->config->anonymous || !self->config->secret_size)
        return NULL;
    uint8_t random[16];
    char sub[] = "anon-00000000000000000000000000000000";
    int drawn = RAND_bytes(random, sizeof random);
    assert(drawn == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        sub[5 + 2 * i] = "0123456789abcdef"[random[i] >> 4];
        sub[6 + 2 * i] = "0123456789abcdef"[random[i] & 15];
    }
    uint64_t now_ms = clock_wall_ms();
    identity->user = token_user(sub, strlen(sub));
    identity->expires_at_ms =
        (now_ms / 1000 + (uint64_t)self->config->session_ttl_s) * 1000;
    return token_sign(self->config->secret, self->config->secret_size, sub,
                      now_ms, identity->expires_at_ms);
}
