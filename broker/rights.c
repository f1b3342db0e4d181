/* SPDX-License-Identifier: Apache-2.0
 *
 * See rights.h.
 */
#include "broker/rights.h"

#include "common/key_file.h"
#include "common/mem.h"

#include <stdlib.h>

struct rights {
    token_keys_t *keys;
};

rights_t *rights_new(const broker_config_t *config, const role_keys_t *keys)
{
    rights_t *self = mem_zalloc(1, sizeof *self);
    self->keys = token_keys_new();
    if (role_keys_verify_with(keys, self->keys) < 0 ||
        key_file_add(self->keys, "jwt_key_file", config->jwt_key_file,
                     key_file_add_pem) < 0 ||
        key_file_add(self->keys, "jwks_file", config->jwks_file,
                     key_file_add_jwks) < 0)
        rights_destroy(&self);
    return self;
}

void rights_destroy(rights_t **self_p)
{
    rights_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    token_keys_destroy(&self->keys);
    free(self);
}

const char *rights_of(const rights_t *self, const char *token, size_t size,
                      uint64_t now_ms, identity_t *identity)
{
    if (!self || token_verify(self->keys, token, size, now_ms, identity) < 0)
        return "the leader does not know whoever signed this token, or it has "
               "expired";
    if (identity->expires_at_ms > now_ms + TOKEN_DAY_MS + TOKEN_LEEWAY_MS)
        return "a token with a role has a day to live at most";
    return NULL;
}
