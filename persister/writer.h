/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that writes: a zactor with a store of its own. It gathers records
 * into batches, writes each until the store has it, and takes the snapshots.
 * Its queue is bounded by its owner, who sends no more than WRITER_QUEUE_MAX
 * records beyond those that the news count as consumed.
 *
 * The owner reads news from the actor's socket: one writer_news_t a frame.
 */
#ifndef PERSISTER_WRITER_H
#define PERSISTER_WRITER_H

#include "persister/store.h"

#include <czmq.h>

#define WRITER_QUEUE_MAX 262144

typedef struct {
    const char *store; /* URL; the text outlives the actor */
    uint64_t flush_ms;
    uint64_t snapshot_ms;
} writer_options_t;

/* All counters since the start. */
typedef struct {
    uint64_t opened;       /* writer_open calls that were answered by `state` */
    uint64_t read_at_ms;   /* mono: not before this, last */
    store_state_t state;   /* counts once opened ≥ 1 */
    chain_t chain;         /* at state.checkpoint */
    uint64_t snapshot_seq; /* of the newest in the store; 0 for none */
    uint64_t snapshot_at_ms; /* 0 for none */
    uint64_t consumed;       /* records that left the queue */
    uint64_t written, batches, retries, disagreed;
    uint64_t last_error_ms;
    bool lost;   /* the queue did not follow on from the store's checkpoint and
                    was dropped: go on from state.checkpoint + 1 */
    bool forked; /* the queue was of another history than the store, and was
                    dropped */
    uint64_t probes;   /* writer_probe calls that were answered, */
    position_t probed; /* the last one */
    uint64_t cuts;     /* writer_cut calls that were answered */
    uint64_t replaced; /* records that were cut off */
} writer_news_t;

/* NULL where the URL is malformed. `options` is copied. */
zactor_t *writer_new(const writer_options_t *options);

/* Reads the store's state, anew; news follow when that went well. */
void writer_open(zactor_t *self);
/* Drops what is queued and writes no more until the next records come. */
void writer_stop(zactor_t *self);
/* The canvas as the leader tells it; snapshots begin with it. */
void writer_canvas(zactor_t *self, const char *json, size_t size);
/* The leader's epoch: the store is told even where no record comes, so that no
 * later leader is given it again. */
void writer_epoch(zactor_t *self, uint32_t epoch);
/* The store's own chain at a seq: news follow, unknown if it cannot tell. */
void writer_probe(zactor_t *self, uint64_t seq);
/* Cuts off every record above `after` (store_cut), which epoch's leader never
 * had: news follow once it is done. What is queued is dropped. */
void writer_cut(zactor_t *self, uint64_t after, uint32_t epoch);
/* A BUS_RECORDS message, checked to be whole; its first `skip` records are
 * known already. Takes the frame. */
void writer_records(zactor_t *self, zframe_t **frame, uint64_t skip);

#endif
