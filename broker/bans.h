/* SPDX-License-Identifier: Apache-2.0
 *
 * The banned users: a sorted array, read at the start of a lead from Redis'
 * set. Few and seldom changed, asked for each placement.
 */
#ifndef BROKER_BANS_H
#define BROKER_BANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t *users; /* ascending */
    size_t count;
} bans_t;

void bans_fini(bans_t *self);

/* Replaces the whole set by a copy of `users`, in any order. */
void bans_set(bans_t *self, const uint64_t *users, size_t count);
bool bans_has(const bans_t *self, uint64_t user);

#endif
