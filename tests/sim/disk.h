/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store keeps: the durable side of the store in memory that
 * images/persister.c puts behind store_ops_t. It outlives processes, can be
 * away, slow, or take half a write, and can be put back from an older copy.
 */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include "common/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    DISK_OK,
    DISK_NONE,
    DISK_RETRY,
    DISK_FAILED,
    DISK_MOVED, /* another wrote meanwhile */
} disk_result_t;

/* As store.h's, of bytes only. */
#define DISK_CHAIN_BYTES 16

typedef struct {
    uint64_t seq, taken_at_ms;
    uint32_t digest;
    uint8_t chain[DISK_CHAIN_BYTES];
    char *canvas; /* owned by the disk */
    uint8_t *pixels;
    size_t pixels_size;
} disk_snapshot_t;

void disk_reset(void);
void disk_set_away(bool away);
void disk_set_slow(uint64_t delay);
void disk_set_halves(bool on);
void disk_keep(void);
bool disk_has_kept(void);
void disk_put_back(void);

/* For the store; these wait as a store does. */
disk_result_t disk_open(void *state, size_t size);
typedef struct {
    const void *state; /* durable once the records are */
    size_t size;
    uint64_t before, after;          /* checkpoints */
    uint8_t chain[DISK_CHAIN_BYTES]; /* before the first record */
} disk_step_t;
disk_result_t disk_write(const record_t *records, size_t count,
                         const disk_step_t *step);
/* Takes what is above step->after out of the history. */
disk_result_t disk_cut(const disk_step_t *step, uint64_t *cut);
/* The highest seq up to there whose chain was written down. */
disk_result_t disk_position(uint64_t at_most, uint64_t *seq, uint8_t *chain);
/* The i-th record that was ever cut off; NULL: no more. */
const record_t *disk_replaced(size_t i);
disk_result_t disk_put_snapshot(const disk_snapshot_t *snapshot);
const disk_snapshot_t *disk_snapshot(uint64_t at_most);

/* For store and checks; NULL: not there. */
const record_t *disk_record(uint64_t seq);
uint64_t disk_checkpoint(void);

#endif
