/* SPDX-License-Identifier: Apache-2.0
 *
 * HKDF-SHA-256 (RFC 5869) for one block: keys of 32 bytes that are drawn apart
 * from one secret by a word that says what each is for.
 */
#ifndef COMMON_HKDF_H
#define COMMON_HKDF_H

#include <stddef.h>
#include <stdint.h>

#define HKDF_BYTES 32

/* `info` is what the key is for. Whoever has the key learns nothing of `secret`
 * or of any other key. */
void hkdf(uint8_t key[HKDF_BYTES], const void *secret, size_t size,
          const char *info);

#endif
