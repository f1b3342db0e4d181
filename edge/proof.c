/* SPDX-License-Identifier: Apache-2.0
 *
 * See proof.h.
 */
#include "edge/proof.h"

#include "common/base64url.h"
#include "common/hkdf.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_BYTES 8
#define MAC_BYTES 16
#define KEY_INFO "stipple session work"

/* What the MAC is over: a challenge without its MAC, and an address. */
typedef struct {
    uint8_t bits;
    uint8_t ends_ms[8]; /* big-endian */
    uint8_t random[RANDOM_BYTES];
    uint8_t mac[MAC_BYTES];
} challenge_t;

static_assert(sizeof(challenge_t) == PROOF_TEXT_LENGTH / 4 * 3,
              "no bits are left over");

/* One purpose each, so that what a challenge shows is not what it pays for. */
typedef enum { FOR_MAC = 1, FOR_SEED = 2 } purpose_t;

static void s_mac(uint8_t mac[MAC_BYTES], const uint8_t secret[KEY_BYTES],
                  purpose_t purpose, const challenge_t *challenge,
                  const address_t *client)
{
    uint8_t key[HKDF_BYTES], whole[SHA256_DIGEST_LENGTH];
    uint8_t message[1 + offsetof(challenge_t, mac) + sizeof(address_t)];
    const address_t one = address_key(client);
    hkdf(key, secret, KEY_BYTES, KEY_INFO);
    message[0] = (uint8_t)purpose;
    memcpy(message + 1, challenge, offsetof(challenge_t, mac));
    memcpy(message + 1 + offsetof(challenge_t, mac), one.bytes,
           sizeof one.bytes);
    const void *made = HMAC(EVP_sha256(), key, sizeof key, message,
                            sizeof message, whole, NULL);
    assert(made);
    memcpy(mac, whole, MAC_BYTES);
    OPENSSL_cleanse(key, sizeof key);
}

void proof_challenge(char text[PROOF_TEXT_LENGTH + 1],
                     const key_list_t *secrets, unsigned bits,
                     const address_t *client, uint64_t now_ms)
{
    challenge_t challenge = {.bits = (uint8_t)bits};
    uint64_t ends_ms = now_ms + PROOF_LIFE_MS;
    assert(secrets->count && bits < 256);
    for (size_t i = 0; i < sizeof challenge.ends_ms; i++)
        challenge.ends_ms[i] = (uint8_t)(ends_ms >> (56 - 8 * i));
    int drawn = RAND_bytes(challenge.random, sizeof challenge.random);
    assert(drawn == 1);
    s_mac(challenge.mac, secrets->bytes[0], FOR_MAC, &challenge, client);
    base64url_encode(text, &challenge, sizeof challenge);
    text[PROOF_TEXT_LENGTH] = '\0';
}

/* The secret that signed it; NULL if none did. */
static const uint8_t *s_signer(const key_list_t *secrets,
                               const challenge_t *challenge,
                               const address_t *client)
{
    uint8_t mac[MAC_BYTES];
    for (size_t i = 0; i < secrets->count; i++) {
        s_mac(mac, secrets->bytes[i], FOR_MAC, challenge, client);
        if (!CRYPTO_memcmp(mac, challenge->mac, sizeof mac))
            return secrets->bytes[i];
    }
    return NULL;
}

static bool s_begins_with_zeros(const uint8_t *hash, unsigned bits)
{
    for (; bits >= 8; bits -= 8)
        if (*hash++)
            return false;
    return !(*hash >> (8 - bits));
}

proof_result_t proof_check(uint8_t seed[PROOF_SEED_BYTES],
                           const key_list_t *secrets, unsigned bits,
                           const address_t *client, uint64_t now_ms,
                           const char *text, size_t length, uint64_t number)
{
    uint8_t bytes[BASE64URL_ROOM(PROOF_TEXT_LENGTH)];
    uint8_t hash[SHA256_DIGEST_LENGTH + 1];
    char hashed[PROOF_TEXT_LENGTH + 21];
    challenge_t challenge;
    uint64_t ends_ms = 0;
    if (length != PROOF_TEXT_LENGTH ||
        base64url_decode(bytes, text, length) != (ssize_t)sizeof challenge)
        return PROOF_NOT_OURS;
    memcpy(&challenge, bytes, sizeof challenge);
    const uint8_t *secret = s_signer(secrets, &challenge, client);
    if (!secret)
        return PROOF_NOT_OURS;
    for (size_t i = 0; i < sizeof challenge.ends_ms; i++)
        ends_ms = ends_ms << 8 | challenge.ends_ms[i];
    if (now_ms >= ends_ms)
        return PROOF_LATE;
    if (challenge.bits < bits)
        return PROOF_EASY;
    int size = snprintf(hashed, sizeof hashed, "%.*s%" PRIu64,
                        PROOF_TEXT_LENGTH, text, number);
    SHA256((const uint8_t *)hashed, (size_t)size, hash);
    hash[SHA256_DIGEST_LENGTH] = 0;
    if (!s_begins_with_zeros(hash, challenge.bits))
        return PROOF_WRONG;
    s_mac(seed, secret, FOR_SEED, &challenge, client);
    return PROOF_GOOD;
}
