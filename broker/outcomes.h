/* SPDX-License-Identifier: Apache-2.0
 *
 * How the last rollbacks ended, for those who did not wait for it: the answer
 * of each, by who asked and their own number. A few, and in memory alone: what
 * was done stands in the policy too.
 */
#ifndef BROKER_OUTCOMES_H
#define BROKER_OUTCOMES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define OUTCOMES_MAX 64

typedef struct {
    uint64_t by;
    uint32_t request;
    json_t *answer; /* NULL: the place is free */
} outcome_t;

/* All zero: empty. */
typedef struct {
    outcome_t table[OUTCOMES_MAX];
    size_t next;
} outcomes_t;

/* `answer` is borrowed. The oldest goes; request 0 is not kept. */
void outcomes_put(outcomes_t *self, uint64_t by, uint32_t request,
                  json_t *answer);
/* The newest answer of that request; NULL: none is known. Borrowed. */
json_t *outcomes_find(const outcomes_t *self, uint64_t by, uint32_t request);
void outcomes_clear(outcomes_t *self);

#endif
