/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that an anonymous identity costs (session_work_bits): a challenge, and a
 * number that makes SHA-256 of both begin with so many zero bits.
 *
 * Nothing is remembered. A challenge says how many bits it asks for and when it
 * ends, and carries a MAC over that and the address it was given to, by a key
 * drawn from the cluster's anonymous secret: every edge can check it. What it
 * pays for follows from the challenge itself, so shown again, here or at any
 * other edge, it gives the same identity and no second one.
 *
 * A challenge is the base64url of
 *     bits u8 · ends u64, ms since 1970 · 8 random bytes · MAC of 16
 * and the hash is over that text with the number's decimal digits behind it: up
 * to 11 digits, that is one block of SHA-256.
 */
#ifndef EDGE_PROOF_H
#define EDGE_PROOF_H

#include "common/role_keys.h"
#include "edge/address_limits.h"

#define PROOF_TEXT_LENGTH 44
#define PROOF_LIFE_MS 300000
#define PROOF_SEED_BYTES 16

/* Writes a challenge to `client`, with NUL; the first of `secrets` signs. */
void proof_challenge(char text[PROOF_TEXT_LENGTH + 1],
                     const key_list_t *secrets, unsigned bits,
                     const address_t *client, uint64_t now_ms);

typedef enum {
    PROOF_GOOD = 0,
    PROOF_NOT_OURS, /* or another address's, or altered */
    PROOF_LATE,     /* its time is over */
    PROOF_EASY,     /* asks for fewer bits than are wanted now */
    PROOF_WRONG,    /* the hash has too few zero bits */
} proof_result_t;

/* Judges a challenge and its number, at the cost of a few hashes whatever they
 * are. If it is good, `seed` says which identity it pays for. */
proof_result_t proof_check(uint8_t seed[PROOF_SEED_BYTES],
                           const key_list_t *secrets, unsigned bits,
                           const address_t *client, uint64_t now_ms,
                           const char *text, size_t length, uint64_t number);

#endif
