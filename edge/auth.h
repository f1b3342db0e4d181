/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose tokens count, and making anonymous ones.
 */
#ifndef EDGE_AUTH_H
#define EDGE_AUTH_H

#include "common/token.h"
#include "edge/config.h"

typedef struct auth auth_t;

/* NULL, with a line in the log, where a key cannot be used. */
auth_t *auth_new(const edge_config_t *config);
void auth_destroy(auth_t **self_p);

/* 0 and *identity where the token is good now, else -1. */
int auth_verify(auth_t *self, const char *token, size_t length,
                identity_t *identity);

#endif
