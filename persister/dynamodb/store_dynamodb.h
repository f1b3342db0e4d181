/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the DynamoDB store share: the object, its tables' names and
 * shapes. Nobody else includes this.
 *
 *     PREFIX-placements  pixel S, seq N; index by_user: user S, seq N
 *     PREFIX-journal     chunk N, first N · last N, data B
 *     PREFIX-snapshots   snapshot S, part N: see dynamodb_snapshots.c
 *     PREFIX-meta        name S · checkpoint N, epoch N: "state", and the marks
 *                        of remote_cut.h
 */
#ifndef PERSISTER_DYNAMODB_STORE_DYNAMODB_H
#define PERSISTER_DYNAMODB_STORE_DYNAMODB_H

#include "persister/blob.h"
#include "persister/dynamodb/dynamodb_batch.h"
#include "persister/dynamodb/dynamodb_client.h"
#include "persister/remote_cut.h"
#include "persister/store.h"

#define DYNAMODB_OPEN_MS 3000
#define DYNAMODB_WRITE_MS 8000
#define DYNAMODB_LOOKUP_MS 2000
#define DYNAMODB_LONG_MS 30000 /* scans, snapshots, tables */

typedef enum {
    DYNAMODB_PLACEMENTS,
    DYNAMODB_JOURNAL,
    DYNAMODB_SNAPSHOTS,
    DYNAMODB_META,
    DYNAMODB_TABLES,
} dynamodb_table_t;

typedef struct {
    store_t base;
    dynamodb_client_t *client;
    dynamodb_batch_t *batch;
    blob_codec_t *codec;
    unsigned in_flight;            /* requests of one kind side by side */
    char *tables[DYNAMODB_TABLES]; /* their names */
    store_state_t state;           /* as last read or written */
    remote_t remote;
} store_dynamodb_t;

#define DYNAMODB_CONDITION_FAILED "ConditionalCheckFailedException"

/* One call with `body`, which it frees. */
store_result_t dynamodb_ask(store_dynamodb_t *self, const char *operation,
                            json_text_t *body, uint32_t timeout_ms,
                            json_t **answer, char *code);

/* "{"TableName":"…", the begin of most requests. */
void dynamodb_begin(const store_dynamodb_t *self, json_text_t *body,
                    dynamodb_table_t table);

/* Query or Scan, page by page: `visit` gets each item until it says false or
 * the pages end. `body` lacks its last brace. OK, RETRY or FAILED. */
typedef bool (*dynamodb_item_fn)(void *context, const json_t *item);
store_result_t dynamodb_pages(store_dynamodb_t *self, const char *operation,
                              json_text_t *body, dynamodb_item_fn visit,
                              void *context);

/* dynamodb_tables.c */
store_result_t dynamodb_create_tables(store_t *base);

/* dynamodb_scan.c */
store_result_t dynamodb_scan(store_t *base, uint64_t from, uint64_t to,
                             store_scan_fn visit, void *context);
store_result_t dynamodb_placements(store_t *base, store_scan_fn visit,
                                   void *context);

/* dynamodb_snapshots.c */
store_result_t dynamodb_put_snapshot(store_t *base,
                                     const store_snapshot_t *snapshot);
store_result_t dynamodb_get_snapshot(store_t *base, uint64_t at_most,
                                     store_snapshot_t *snapshot);
store_result_t dynamodb_newest_snapshot(store_t *base, uint64_t *seq,
                                        uint64_t *taken_at_ms);
store_result_t dynamodb_snapshots(store_t *base, store_stamp_fn visit,
                                  void *context);
store_result_t dynamodb_thin_snapshots(store_t *base, uint64_t now_ms);
store_result_t dynamodb_cut_snapshots(void *self, uint64_t after);

/* dynamodb_cut.c */
extern const remote_ops_t dynamodb_remote;

/* dynamodb_write.c */
store_result_t dynamodb_write(store_t *base, chain_t before,
                              const record_t *records, size_t count,
                              uint32_t epoch);
store_result_t dynamodb_read_state(void *self, store_state_t *state);
store_result_t dynamodb_put_state(void *self, store_state_t from,
                                  store_state_t to, bool *applied);
void dynamodb_fail(void *self, const char *why);
/* dynamodb_scan.c: the blobs of a chunk, see remote_ops_t. */
store_result_t dynamodb_blobs(void *self, int64_t chunk, uint64_t least,
                              uint64_t most, remote_blob_fn visit,
                              void *context);

#endif
