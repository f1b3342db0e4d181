/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the CQL store share: the object, its tables and statements.
 * Nobody else includes this. The tables need nothing that Amazon Keyspaces does
 * not have; cql_tables.c has their texts.
 */
#ifndef PERSISTER_CASSANDRA_STORE_CQL_H
#define PERSISTER_CASSANDRA_STORE_CQL_H

#include "persister/blob.h"
#include "persister/cassandra/cql_client.h"
#include "persister/remote_cut.h"
#include "persister/store.h"
#include "persister/store_url.h"

#define CQL_OPEN_MS 5000
#define CQL_WRITE_MS 8000
#define CQL_LOOKUP_MS 2000
#define CQL_LONG_MS 30000 /* scans, snapshots, tables */
#define CQL_PARALLEL_MAX 128

typedef enum {
    CQL_PLACE,
    CQL_PLACE_BY_USER,
    CQL_BLOB_PUT,
    CQL_STATE_GET,
    CQL_STATE_FIRST,
    CQL_STATE_MOVE,
    CQL_MARK_GET,
    CQL_MARK_PUT,
    CQL_MARK_DROP,
    CQL_BLOB_DROP,
    CQL_ROW_DROP,
    CQL_ROW_DROP_BY_USER,
    CQL_PIXEL,
    CQL_USER,
    CQL_HISTORY,
    CQL_USER_HISTORY,
    CQL_SCAN,
    CQL_PLACEMENTS,
    CQL_HEAD_PUT,
    CQL_HEADS,
    CQL_HEAD_DROP,
    CQL_PART_PUT,
    CQL_PARTS,
    CQL_PARTS_DROP,
    CQL_STATEMENTS,
} cql_statement_t;

typedef struct {
    store_t base;
    store_url_t url; /* owns what options points into */
    char *keyspace;
    cql_options_t options;
    cql_consistency_t consistency;
    unsigned connections, parallel, replicas;
    cql_statements_t statements;
    cql_client_t *client;
    cql_call_t *batches; /* `parallel` of them */
    blob_codec_t *codec;
    store_state_t state; /* as last read or written */
    remote_t remote;
} store_cql_t;

/* Columns of a placement, in the order every statement has them. */
enum {
    CQL_COLUMN_SEQ,
    CQL_COLUMN_PLACED_AT,
    CQL_COLUMN_USER,
    CQL_COLUMN_X,
    CQL_COLUMN_Y,
    CQL_COLUMN_COLOR,
    CQL_PLACEMENT_COLUMNS,
};

/* Begins the call's frame: an EXECUTE of `values` values, to be put next. */
void cql_begin(store_cql_t *self, cql_call_t *call, cql_statement_t statement,
               uint16_t values);

/* Ends the frame, runs the call and releases the frame. Rows are given to
 * `visit` page by page until it says false; NULL: none are wanted. */
typedef bool (*cql_row_fn)(void *context, const cql_bytes_t *values,
                           uint32_t count);
store_result_t cql_finish(store_cql_t *self, cql_call_t *call,
                          uint32_t timeout_ms, int32_t page_size,
                          cql_row_fn visit, void *context);

/* The same for a conditional statement: *applied tells what became of it. */
store_result_t cql_finish_if(store_cql_t *self, cql_call_t *call,
                             bool *applied);

/* cql_tables.c: statements for the keyspace; the object owns their texts. */
void cql_statements_fill(store_cql_t *self);
store_result_t cql_create_tables(store_t *base);

/* cql_calls.c: the state's row and the marks' are alike: its two numbers,
 * FAILED if they are damaged, NONE if there is no row. */
store_result_t cql_numbers(store_cql_t *self, cql_call_t *call, uint64_t *first,
                           uint64_t *second);

/* cql_write.c */
store_result_t cql_read_state(void *self, store_state_t *state);
store_result_t cql_put_state(void *self, store_state_t from, store_state_t to,
                             bool *applied);
void cql_fail(void *self, const char *why);
store_result_t cql_put_journal(void *self, int64_t chunk, uint64_t first,
                               uint64_t last, const uint8_t *bytes,
                               size_t size);
store_result_t cql_write(store_t *base, chain_t before, const record_t *records,
                         size_t count, uint32_t epoch);

/* cql_cut.c */
extern const remote_ops_t cql_remote;

/* cql_read.c */
store_result_t cql_scan(store_t *base, uint64_t from, uint64_t to,
                        store_scan_fn visit, void *context);
store_result_t cql_blobs(void *self, int64_t chunk, uint64_t least,
                         uint64_t most, remote_blob_fn visit, void *context);
store_result_t cql_placements(store_t *base, store_scan_fn visit,
                              void *context);
store_result_t cql_pixel(store_t *base, uint16_t x, uint16_t y,
                         record_t *record);
store_result_t cql_user(store_t *base, uint64_t user, record_t *record);
store_result_t cql_history(store_t *base, uint16_t x, uint16_t y,
                           store_page_t *page);
store_result_t cql_user_history(store_t *base, uint64_t user,
                                store_page_t *page);

/* cql_snapshots.c */
store_result_t cql_put_snapshot(store_t *base,
                                const store_snapshot_t *snapshot);
store_result_t cql_get_snapshot(store_t *base, uint64_t at_most,
                                store_snapshot_t *snapshot);
store_result_t cql_newest_snapshot(store_t *base, uint64_t *seq,
                                   uint64_t *taken_at_ms);
store_result_t cql_snapshots(store_t *base, store_stamp_fn visit,
                             void *context);
store_result_t cql_thin_snapshots(store_t *base, uint64_t now_ms);
store_result_t cql_cut_snapshots(void *self, uint64_t after);

#endif
