/* SPDX-License-Identifier: Apache-2.0
 *
 * Records on their way into the store: contiguous by seq, and the chain before
 * the first of them.
 */
#ifndef PERSISTER_RECORD_QUEUE_H
#define PERSISTER_RECORD_QUEUE_H

#include "common/chain.h"
#include "common/record.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    record_t *at; /* room for as many as record_queue_init said */
    size_t count;
    chain_t before;    /* before the first, as the leader says */
    uint64_t since_ms; /* when the first became the first */
} record_queue_t;

void record_queue_init(record_queue_t *self, size_t room);
void record_queue_fini(record_queue_t *self);

/* Packed records, and the chain before them, behind those that are there, or
 * behind `checkpoint` if none are. How many were known already and left out;
 * -1, with nothing taken, if they would leave a gap. */
int64_t record_queue_put(record_queue_t *self, uint64_t checkpoint,
                         chain_t before, const uint8_t *records, size_t count,
                         uint64_t now_ms);

/* Drops the first `count`. */
void record_queue_drop(record_queue_t *self, size_t count, uint64_t now_ms);

#endif
