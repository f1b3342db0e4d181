/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4: a hash for tables whose keys a peer chooses. Without the key
 * nobody can find keys that collide, so nobody can make a table slow.
 */
#ifndef COMMON_SIPHASH_H
#define COMMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t k0, k1;
} siphash_key_t;

/* A random key. */
siphash_key_t siphash_key(void);

uint64_t siphash(siphash_key_t key, const void *bytes, size_t size);

#endif
