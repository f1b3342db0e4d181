/* SPDX-License-Identifier: Apache-2.0
 *
 * See signer.h.
 */
#include "load/signer.h"

#include "common/key_file.h"
#include "common/mem.h"
#include "common/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct signer {
    EVP_PKEY *key; /* NULL: by the secret */
    char *secret;
    size_t size;
};

signer_t *signer_new(const config_t *config)
{
    signer_t *self = mem_zalloc(1, sizeof *self);
    const char *why;
    if (config->token_key_file) {
        self->key = key_file_read_signing(config->token_key_file, &why);
        if (!self->key)
            key_file_refuse("token_key_file", config->token_key_file, why);
    } else {
        self->secret = secret_read(config->secret_file, &self->size, &why);
        if (!self->secret)
            key_file_refuse("secret_file", config->secret_file, why);
    }
    if (!self->key && !self->secret)
        signer_destroy(&self);
    return self;
}

void signer_destroy(signer_t **self_p)
{
    signer_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    EVP_PKEY_free(self->key);
    if (self->secret)
        OPENSSL_cleanse(self->secret, self->size);
    free(self->secret);
    free(self);
}

char *signer_token(const signer_t *self, const char *sub, uint64_t issued_at_ms,
                   uint64_t expires_at_ms)
{
    return self->key ? token_sign_es256(self->key, sub, NULL, issued_at_ms,
                                        expires_at_ms)
                     : token_sign(self->secret, self->size, sub, issued_at_ms,
                                  expires_at_ms);
}
