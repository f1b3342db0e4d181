/* SPDX-License-Identifier: Apache-2.0
 *
 * From the cluster's secret to the keys of each role.
 */
#ifndef CTL_DERIVE_H
#define CTL_DERIVE_H

#include "common/role_keys.h"

#include <openssl/evp.h>

/* The keys that can be changed apart from each other. */
typedef enum {
    KEYS_EDGE,      /* of edges, towards brokers and persisters */
    KEYS_PERSISTER, /* of persisters, towards brokers */
    KEYS_OPERATOR,  /* of stipplectl */
    KEYS_ANONYMOUS, /* sign anonymous tokens */
    KEYS_TOKENS,    /* sign operators' tokens */
    KEYS_SERVERS,   /* of brokers and persisters, which others know them by */
    KEYS,
} keys_t;

/* "edge", "persister", "operator", "anonymous", "tokens", "servers" */
extern const char *const keys_words[KEYS];

/* Generations `oldest` to `newest` count. */
typedef struct {
    unsigned oldest, newest;
} generation_t;

typedef struct {
    const void *secret;
    size_t size;
    generation_t generations[KEYS];
} master_t;

void derive_role(const master_t *master, role_t role, role_keys_t *keys);

/* The newest private key for operators' tokens; the caller's (free). */
EVP_PKEY *derive_tokens(const master_t *master);

#endif
