/* SPDX-License-Identifier: Apache-2.0
 *
 * See siphash.h; by J.-P. Aumasson and D. J. Bernstein.
 */
#include "common/siphash.h"

#include "common/backoff.h"

typedef struct {
    uint64_t v0, v1, v2, v3;
} state_t;

static inline uint64_t s_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void s_round(state_t *s)
{
    s->v0 += s->v1;
    s->v1 = s_rotate(s->v1, 13) ^ s->v0;
    s->v0 = s_rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = s_rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = s_rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = s_rotate(s->v1, 17) ^ s->v2;
    s->v2 = s_rotate(s->v2, 32);
}

static inline void s_absorb(state_t *s, uint64_t word)
{
    s->v3 ^= word;
    s_round(s);
    s_round(s);
    s->v0 ^= word;
}

/* Up to eight bytes, little-endian. */
static inline uint64_t s_word(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

siphash_key_t siphash_key(void)
{
    return (siphash_key_t){random_u64(), random_u64()};
}

uint64_t siphash(siphash_key_t key, const void *bytes, size_t size)
{
    state_t s = {key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du,
                 key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u};
    const uint8_t *at = bytes;
    size_t whole = size / 8;
    for (size_t i = 0; i < whole; i++)
        s_absorb(&s, s_word(at + 8 * i, 8));
    s_absorb(&s, s_word(at + 8 * whole, size % 8) | (uint64_t)size << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        s_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
