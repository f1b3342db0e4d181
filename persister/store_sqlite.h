/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the SQLite store, shared by store_sqlite.c (connection, state),
 * sqlite_write.c (batches and look-up tables) and sqlite_read.c (scans,
 * look-ups, snapshots). For those three alone.
 *
 * One file in WAL mode, one connection a store_t:
 *
 *   placements  seq → placed_at, user, x, y, color
 *   pixels      y << 16 | x → seq of its newest placement
 *   users       user → seq of its newest placement
 *   journal     first → last, blob (persister/blob.h)
 *   snapshots   seq → taken_at, digest, canvas, pixels
 *   meta        checkpoint, epoch, merged
 *
 * Placements are appended in the order of seq, and the two look-up tables
 * follow behind, up to `merged`, brought on in large sorted steps: about two
 * microseconds a record in all. Clustered by pixel and indexed by user the same
 * records took more than twenty, since each dirties pages all over the file.
 * What is newer than `merged` a look-up finds by walking placements back from
 * the end, at most MERGE_MOST of them and a batch.
 */
#ifndef PERSISTER_STORE_SQLITE_H
#define PERSISTER_STORE_SQLITE_H

#include "persister/blob.h"
#include "persister/store.h"

/* As <sqlite3.h> has them, which the three files include themselves. */
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* A blob is grown, commit by commit, until it has as many records. */
#define BLOB_GROWN 1024
/* Merging waits for as many batches … */
#define MERGE_BATCHES 16
/* … but at least and at most for as many records. */
#define MERGE_LEAST 1024
#define MERGE_MOST 131072

/* Rows in one statement, values in a row. */
#define SQLITE_BULK 64
#define SQLITE_COLUMNS_MAX 6

typedef enum {
    SQL_BEGIN,
    SQL_BEGIN_READ,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_META_GET,
    SQL_META_SET,
    SQL_PLACE, /* one row … */
    SQL_PIXEL_SET,
    SQL_USER_SET,
    SQL_PLACE_BULK, /* … and SQLITE_BULK of them */
    SQL_PIXELS_SET,
    SQL_USERS_SET,
    SQL_BLOB_PUT,
    SQL_BLOB_SCAN,
    SQL_PLACEMENTS,
    SQL_FRESH,
    SQL_PIXEL_FRESH,
    SQL_PIXEL_GET,
    SQL_USER_FRESH,
    SQL_USER_GET,
    SQL_SNAPSHOT_PUT,
    SQL_SNAPSHOT_GET,
    SQL_SNAPSHOT_LIST,
    SQL_SNAPSHOT_DROP,
    SQL_COUNT
} sql_t;

/* Growing array of records. */
typedef struct {
    record_t *at;
    size_t count, room;
} record_list_t;

/* A row of a look-up table to be. */
typedef struct {
    uint64_t key, seq;
} merge_key_t;

typedef struct {
    store_t base;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
    blob_codec_t *codec;
    uint8_t *blob;       /* blob_bound(BLOB_RECORDS_MAX) */
    record_t *records;   /* BLOB_RECORDS_MAX, for decoding */
    record_list_t tail;  /* records of the journal's last blob, to grow it */
    record_list_t fresh; /* merged + 1 … checkpoint, as last seen */
    merge_key_t *keys;   /* scratch of a merge: to sort, and beside it */
    size_t keys_room;
    char error[256];
} store_sqlite_t;

/* The connection's last error as a result, its text kept for error(). */
store_result_t sqlite_failure(store_sqlite_t *self, const char *doing);
/* The same with an own text. */
store_result_t sqlite_refuse(store_sqlite_t *self, const char *text);

/* The file that is open is not the one of that name any more. */
bool sqlite_has_moved(store_sqlite_t *self);

/* Runs a statement that gives no rows, bound before, and resets it. */
store_result_t sqlite_run(store_sqlite_t *self, sql_t sql);
/* Takes back an open transaction, if there is one. */
void sqlite_abandon(store_sqlite_t *self);

/* Brings the look-up tables up to the checkpoint. */
store_result_t sqlite_settle(store_sqlite_t *self);

/* A number in meta; 0 where it is not there. */
store_result_t sqlite_meta_get(store_sqlite_t *self, const char *name,
                               uint64_t *value);
store_result_t sqlite_meta_set(store_sqlite_t *self, const char *name,
                               uint64_t value);

/* Room for `more` behind list->count. */
void record_list_reserve(record_list_t *list, size_t more);

/* A row of placements, in the order of the table's columns. */
record_t sqlite_record(sqlite3_stmt *statement);

store_result_t sqlite_write(store_t *base, const record_t *records,
                            size_t count, uint32_t epoch);
store_result_t sqlite_scan(store_t *base, uint64_t from, uint64_t to,
                           store_scan_fn visit, void *context);
store_result_t sqlite_placements(store_t *base, store_scan_fn visit,
                                 void *context);
store_result_t sqlite_pixel(store_t *base, uint16_t x, uint16_t y,
                            record_t *record);
store_result_t sqlite_user(store_t *base, uint64_t user, record_t *record);
store_result_t sqlite_put_snapshot(store_t *base,
                                   const store_snapshot_t *snapshot);
store_result_t sqlite_get_snapshot(store_t *base, uint64_t at_most,
                                   store_snapshot_t *snapshot);
store_result_t sqlite_thin_snapshots(store_t *base, uint64_t now_ms);

#endif
