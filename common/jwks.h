/* SPDX-License-Identifier: Apache-2.0
 *
 * Key sets of identity providers (RFC 7517, RFC 7518): members of kty RSA, EC
 * (P-256) and oct whose use is signing.
 */
#ifndef COMMON_JWKS_H
#define COMMON_JWKS_H

#include "common/token.h"

/* Adds every usable key of a JWKS, or of one JWK, and returns how many; other
 * keys are passed over, as RFC 7517 asks. -1 where the text is neither. */
int jwks_add(token_keys_t *keys, const char *text, size_t size);

#endif
