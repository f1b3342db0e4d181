/* SPDX-License-Identifier: Apache-2.0
 *
 * See hkdf.h. The salt is empty, which RFC 5869 reads as 32 zeros.
 */
#include "common/hkdf.h"

#include "common/mem.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

static void s_hmac(uint8_t mac[HKDF_BYTES], const void *key, size_t key_size,
                   const void *bytes, size_t size)
{
    unsigned mac_size = 0;
    const void *made =
        HMAC(EVP_sha256(), key, (int)key_size, bytes, size, mac, &mac_size);
    assert(made && mac_size == HKDF_BYTES);
}

void hkdf(uint8_t key[HKDF_BYTES], const void *secret, size_t size,
          const char *info)
{
    static const uint8_t salt[HKDF_BYTES];
    uint8_t extracted[HKDF_BYTES];
    size_t length = strlen(info);
    uint8_t *message = mem_alloc(length + 1);
    assert(size);
    memcpy(message, info, length);
    message[length] = 1;
    s_hmac(extracted, salt, sizeof salt, secret, size);
    s_hmac(key, extracted, sizeof extracted, message, length + 1);
    OPENSSL_cleanse(extracted, sizeof extracted);
    free(message);
}
