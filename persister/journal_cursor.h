/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a run of records out of journal blobs that a remote store hands over in
 * ascending order of their first seq. Blobs may overlap: a batch that was
 * written twice after a crash need not have been cut at the same places. Pure
 * but for what `visit` does.
 */
#ifndef PERSISTER_JOURNAL_CURSOR_H
#define PERSISTER_JOURNAL_CURSOR_H

#include "persister/blob.h"
#include "persister/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In one blob of a remote store: below 400 KB however badly it compresses. So
 * the blob that holds seq begins above seq - JOURNAL_RECORDS_MAX. */
#define JOURNAL_RECORDS_MAX 8192
/* Blobs whose first seq shares these upper bits stand in one partition. */
#define JOURNAL_CHUNK_SHIFT 16

typedef struct {
    blob_codec_t *codec; /* borrowed */
    uint64_t from, to;   /* what is asked */
    uint64_t next;       /* seq to be visited next */
    store_scan_fn visit;
    void *context;
    record_t *records; /* room for a blob */
    bool stopped;      /* visit has enough, or `to` is reached */
    bool broken;       /* a hole or a damaged blob: `why` says which */
    char why[96];
} journal_cursor_t;

void journal_cursor_init(journal_cursor_t *self, blob_codec_t *codec,
                         uint64_t from, uint64_t to, store_scan_fn visit,
                         void *context);
void journal_cursor_fini(journal_cursor_t *self);

/* First chunk to read, and the least first seq worth reading. */
uint64_t journal_cursor_chunk(const journal_cursor_t *self);
uint64_t journal_cursor_least(const journal_cursor_t *self);

/* One blob; false where no more are wanted. */
bool journal_cursor_take(journal_cursor_t *self, const void *blob, size_t size);

/* All blobs of `chunk` were taken: true where the next chunk may go on. */
bool journal_cursor_more(const journal_cursor_t *self, uint64_t chunk);

/* What the scan gave; `checkpoint` is how far the journal must reach. */
store_result_t journal_cursor_result(journal_cursor_t *self,
                                     uint64_t checkpoint);

#endif
