/* SPDX-License-Identifier: Apache-2.0
 *
 * Key sets of identity providers (RFC 7517, RFC 7518): members of kty RSA and
 * EC (P-256) whose use is signing. A set is published, so a shared secret in it
 * (kty oct) is refused.
 */
#ifndef COMMON_JWKS_H
#define COMMON_JWKS_H

#include "common/token.h"

/* Adds every usable key of a JWKS; other keys are passed over, as RFC 7517
 * asks. 0, or -1 with the reason in *why (static text) if the text is no JWKS,
 * if it holds a shared secret or if no key can be used. */
int jwks_add(token_keys_t *keys, const char *text, size_t size,
             const char **why);

#endif
