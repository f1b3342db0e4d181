/* SPDX-License-Identifier: Apache-2.0
 *
 * See touched.h. `leaf` has a bit for each pixel, `top` a bit for each word of
 * `leaf` that is not zero.
 */
#include "common/touched.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

struct touched {
    uint32_t pixels;
    uint32_t count;
    uint32_t tops;  /* words in top */
    uint64_t *top;  /* leaf words in use */
    uint64_t *leaf; /* the members */
};

static uint32_t s_words(uint32_t bits)
{
    return (bits + 63) / 64;
}

touched_t *touched_new(uint32_t pixels)
{
    touched_t *self = mem_zalloc(1, sizeof *self);
    uint32_t leaves = s_words(pixels);
    self->pixels = pixels;
    self->tops = s_words(leaves);
    self->top = mem_zalloc(self->tops, sizeof *self->top);
    /* Whole top words, so that a walk never runs past the end. */
    self->leaf = mem_zalloc((size_t)self->tops * 64, sizeof *self->leaf);
    return self;
}

void touched_destroy(touched_t **self_p)
{
    touched_t *self = *self_p;
    if (!self)
        return;
    free(self->top);
    free(self->leaf);
    free(self);
    *self_p = NULL;
}

void touched_add(touched_t *self, uint32_t index)
{
    assert(index < self->pixels);
    uint32_t word = index / 64;
    uint64_t bit = 1ull << index % 64;
    self->count += !(self->leaf[word] & bit);
    self->leaf[word] |= bit;
    self->top[word / 64] |= 1ull << word % 64;
}

uint32_t touched_count(const touched_t *self)
{
    return self->count;
}

void touched_clear(touched_t *self)
{
    for (uint32_t t = 0; self->count && t < self->tops; t++) {
        while (self->top[t]) {
            unsigned bit = (unsigned)__builtin_ctzll(self->top[t]);
            self->leaf[t * 64 + bit] = 0;
            self->top[t] &= self->top[t] - 1;
        }
    }
    self->count = 0;
}

/* Bits of `word` at `from` and above. */
static uint64_t s_from(uint64_t word, unsigned from)
{
    return word & ~0ull << from;
}

bool touched_next(const touched_t *self, uint32_t *index)
{
    if (*index >= self->pixels)
        return false;
    uint32_t word = *index / 64;
    uint64_t rest = s_from(self->leaf[word], *index % 64);
    if (!rest) {
        /* The next leaf in use: first in this top word, then in later ones. */
        uint32_t t = ++word / 64;
        uint64_t tops = t < self->tops ? s_from(self->top[t], word % 64) : 0;
        while (!tops && ++t < self->tops)
            tops = self->top[t];
        if (!tops)
            return false;
        word = t * 64 + (uint32_t)__builtin_ctzll(tops);
        rest = self->leaf[word];
    }
    *index = word * 64 + (uint32_t)__builtin_ctzll(rest);
    return true;
}
