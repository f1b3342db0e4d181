/* SPDX-License-Identifier: Apache-2.0
 *
 * What Redis says of its memory, and what is wrong with it: a policy that may
 * drop the board, or less than board and log need.
 */
#ifndef BROKER_REDIS_MEMORY_H
#define BROKER_REDIS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Of one record in the log, with its share of the entry. */
#define REDIS_RECORD_BYTES 60u

typedef struct {
    uint64_t max_bytes; /* 0: no limit, or it does not say */
    char policy[32];    /* "": it does not say */
} redis_memory_t;

/* From the text of INFO. */
redis_memory_t redis_memory_of(const char *info);

/* Whether it drops keys when it is full. */
bool redis_memory_may_evict(const redis_memory_t *self);

/* A line for each thing that is wrong. */
void redis_memory_log(const redis_memory_t *self, uint64_t needed_bytes);

#endif
