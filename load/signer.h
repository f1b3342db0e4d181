/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs the placers' tokens, as an operator's own backend would.
 */
#ifndef LOAD_SIGNER_H
#define LOAD_SIGNER_H

#include "load/config.h"

#include <stdint.h>

typedef struct signer signer_t;

/* By token_key_file (ES256) or secret_file (HS256). NULL, logged, if that
 * cannot be used. */
signer_t *signer_new(const config_t *config);
void signer_destroy(signer_t **self_p);

/* The caller owns the text (free). */
char *signer_token(const signer_t *self, const char *sub, uint64_t issued_at_ms,
                   uint64_t expires_at_ms);

#endif
