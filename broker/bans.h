/* SPDX-License-Identifier: Apache-2.0
 *
 * The banned users: a hash set, read at the start of a lead from Redis' set in
 * one pass. Seldom changed, asked for each placement.
 */
#ifndef BROKER_BANS_H
#define BROKER_BANS_H

#include "common/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: nobody. */
typedef struct {
    uint64_t *slots; /* 0: empty; NULL: all are */
    size_t mask;     /* slots − 1, a power of two */
    size_t count;    /* different users */
    bool zero;       /* user 0 is in */
    siphash_key_t key;
} bans_t;

void bans_fini(bans_t *self);

/* Replaces the whole set by a copy of `users`, in any order. */
void bans_set(bans_t *self, const uint64_t *users, size_t count);
bool bans_has(const bans_t *self, uint64_t user);

#endif
