/* SPDX-License-Identifier: Apache-2.0
 *
 * Each user's last accepted placement, for cooldowns and duplicates. Open
 * addressing with linear probing, 32 bytes a user; entries are only ever
 * overwritten, and those past the window fall away when the table is rebuilt.
 * Derived from the log: a new leader fills it from the log's window.
 */
#ifndef BROKER_USERS_H
#define BROKER_USERS_H

#include "common/record.h"

#include <stddef.h>
#include <stdint.h>

typedef struct users users_t;

typedef struct {
    uint64_t user;
    uint64_t placed_at_ms;
    uint64_t seq; /* never 0 */
    uint32_t request;
    uint16_t flags; /* RECORD_KEYLESS … */
} last_placement_t;

/* What is to be remembered: placed at since_ms or later, or by a seq from
 * since_seq on, whatever its time. */
typedef struct {
    uint64_t since_ms, since_seq;
} keep_t;

users_t *users_new(void);
void users_destroy(users_t **self_p);

/* The user's last placement, however old; NULL if none is known. One that was
 * placed after `now_ms`, by a clock that was ahead, counts as placed now from
 * here on: nobody waits longer than one cooldown for it. Borrowed until the
 * next users_put. */
const last_placement_t *users_find(users_t *self, uint64_t user,
                                   uint64_t now_ms);

/* Starts loading what users_find will look at. */
void users_prefetch(const users_t *self, uint64_t user);

/* Makes `record` its user's last placement. Where the table must grow, others
 * are dropped first. */
void users_put(users_t *self, const record_t *record, keep_t keep);

/* Entries held, expired ones not yet dropped included. */
size_t users_count(const users_t *self);
void users_clear(users_t *self);

#endif
