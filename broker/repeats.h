/* SPDX-License-Identifier: Apache-2.0
 *
 * What edges have sent again and had answered. An older copy that was stuck in
 * the network may come after that, and even after the user's next placement,
 * where the users' table knows it no more: here it is known by its ticket,
 * which an edge gives once, and its copy's number. Remembers for one to two
 * minutes, at most REPEATS_MAX; the oldest half goes when it is full.
 */
#ifndef BROKER_REPEATS_H
#define BROKER_REPEATS_H

#include "common/bus.h"
#include "common/siphash.h"

#include <stdbool.h>

#define REPEATS_MAX 131072u

typedef struct {
    siphash_key_t key;
    uint64_t *slots[2]; /* newer, older; NULL: none yet */
    size_t count;       /* of the newer */
} repeats_t;

void repeats_init(repeats_t *self);
void repeats_fini(repeats_t *self);

/* This copy is answered; older ones are not any more. */
void repeats_add(repeats_t *self, const bus_place_t *place);
/* Whether this copy comes behind a newer one of the same placement. */
bool repeats_has(const repeats_t *self, const bus_place_t *place);
/* Call each minute. */
void repeats_age(repeats_t *self);

#endif
