/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose tokens the leader believes when a moderator asks by way of an edge:
 * those signed by keys that no edge holds. The tokens.key of broker.key, and an
 * identity provider's public keys (jwks_file, jwt_key_file). There is no shared
 * secret among them, since edges hold those.
 */
#ifndef BROKER_RIGHTS_H
#define BROKER_RIGHTS_H

#include "broker/config.h"
#include "common/role_keys.h"

typedef struct rights rights_t;

/* NULL, with a line in the log, if a key cannot be used. */
rights_t *rights_new(const broker_config_t *config, const role_keys_t *keys);
void rights_destroy(rights_t **self_p);

/* NULL and *identity if the token is good now; else why not (static text). A
 * NULL `self` believes nobody. */
const char *rights_of(const rights_t *self, const char *token, size_t size,
                      uint64_t now_ms, identity_t *identity);

#endif
