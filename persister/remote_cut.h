/* SPDX-License-Identifier: Apache-2.0
 *
 * What the remote stores have in common beside their writing: the format mark,
 * the chain that a blob says, and the replacement of a losing history, which no
 * transaction covers:
 *
 *     mark "cut" ─▶ copy ─▶ mark "copied" ─▶ rows, blobs, snapshots go
 *                                 ─▶ the state moves back ─▶ marks go
 *
 * Each step may be done twice. A cut that broke off is seen by its mark: open
 * then says the state that it is going to leave, and the next write ends it.
 * Until the state moved, its epoch is below the cut's: so a mark that was left
 * behind is known to be done with.
 *
 * What is replaced stands in the journal's table, in a chunk of its own whose
 * number is the winner's epoch, negative; marks "replaced-0", "replaced-1", …
 * list them.
 */
#ifndef PERSISTER_REMOTE_CUT_H
#define PERSISTER_REMOTE_CUT_H

#include "persister/blob.h"
#include "persister/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row of meta beside the state, with the same two numbers. */
typedef struct {
    uint64_t seq;
    uint64_t epoch;
} remote_mark_t;

/* One blob, borrowed for the call; false ends the reading. */
typedef bool (*remote_blob_fn)(void *context, const uint8_t *bytes,
                               size_t size);

/* What a store brings; `self` is the store. */
typedef struct {
    /* NONE where there is none of that name. */
    store_result_t (*read_mark)(void *self, const char *name,
                                remote_mark_t *mark);
    store_result_t (*put_mark)(void *self, const char *name,
                               remote_mark_t mark);
    store_result_t (*drop_mark)(void *self, const char *name);
    /* The blobs of a chunk with least ≤ first ≤ most, ascending. */
    store_result_t (*blobs)(void *self, int64_t chunk, uint64_t least,
                            uint64_t most, remote_blob_fn visit, void *context);
    /* Whatever stands there. */
    store_result_t (*put_blob)(void *self, int64_t chunk, uint64_t first,
                               uint64_t last, const uint8_t *bytes,
                               size_t size);
    /* The one that has both; another of the same first stays. */
    store_result_t (*drop_blob)(void *self, int64_t chunk, uint64_t first,
                                uint64_t last);
    /* At most JOURNAL_RECORDS_MAX. */
    store_result_t (*drop_rows)(void *self, const record_t *records,
                                size_t count);
    store_result_t (*cut_snapshots)(void *self, uint64_t after);
    /* As in remote_writer_t. */
    store_result_t (*read_state)(void *self, store_state_t *state);
    store_result_t (*put_state)(void *self, store_state_t from,
                                store_state_t to, bool *applied);
    void (*fail)(void *self, const char *why);
} remote_ops_t;

/* A store's own part. Zero at first, but for ops and codec. */
typedef struct {
    const remote_ops_t *ops;
    blob_codec_t *codec; /* borrowed */
    bool marked;         /* the format's mark is there */
    bool pending;        /* a cut broke off: */
    uint64_t after;
    uint32_t epoch;
} remote_t;

/* The open of store.h, once the tables are known to be there. */
store_result_t remote_open(remote_t *self, store_t *store,
                           store_state_t *state);
/* Ends a cut that broke off, if there is one. *state is the store's own copy of
 * what it knows, and is kept up to date. */
store_result_t remote_settle(remote_t *self, store_t *store,
                             store_state_t *state);
store_result_t remote_cut(remote_t *self, store_t *store, store_state_t *state,
                          uint64_t after, uint32_t epoch, uint64_t *cut);
store_result_t remote_replaced(remote_t *self, store_t *store,
                               store_scan_fn visit, void *context);
store_result_t remote_position(remote_t *self, store_t *store, uint64_t at_most,
                               position_t *position);

#endif
