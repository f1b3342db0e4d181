/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the SQLite store, shared by store_sqlite.c (connection, state),
 * sqlite_write.c (batches and look-up tables), sqlite_cut.c (what is replaced),
 * sqlite_read.c (scans, look-ups), sqlite_history.c (one pixel's or user's) and
 * sqlite_snapshots.c. For those alone.
 *
 * One file in WAL mode, one connection a store_t:
 *
 *   placements  seq → placed_at, user, x, y, color
 *   pixels      y << 16 | x → seq of its newest placement
 *   users       user → seq of its newest placement
 *   journal     first → last, blob (persister/blob.h)
 *   snapshots   seq → taken_at, digest, canvas, pixels
 *   earlier     seq → the one before it at the same pixel; none: there is none
 *   user_earlier  seq → the one before it by the same user, likewise
 *   chains      seq of a snapshot → chain (format 2, as the next)
 *   replaced    epoch, first → last, replaced_at, blob
 *   meta        checkpoint, epoch, merged, linked_from, linked,
 *               user_linked_from, user_linked
 *
 * user_version is the format. What came with format 2 stands in tables of its
 * own, so that 0.1.0 may write the file again.
 *
 * Placements are appended in the order of seq, and the two look-up tables
 * follow behind, up to `merged`, brought on in large sorted steps: about two
 * microseconds a record in all. Clustered by pixel and indexed by user the same
 * records took more than twenty, since each dirties pages all over the file.
 * Links are made in the same steps, a few bytes a placement, appended: so one
 * pixel's history, or one user's, is a walk from row to row, without an index.
 * They count from `linked_from` to `linked` (`user_linked_from` …); what
 * another version of this program wrote before or between has none, and is
 * found by looking through the rows.
 *
 * What is newer than `merged` a look-up finds by walking placements back from
 * the end, at most MERGE_MOST of them and a batch.
 */
#ifndef PERSISTER_SQLITE_STORE_SQLITE_H
#define PERSISTER_SQLITE_STORE_SQLITE_H

#include "persister/blob.h"
#include "persister/store.h"

/* As <sqlite3.h> has them, which the files include themselves. */
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
    SQL_PIXEL_SEQ,
    SQL_PLACEMENT,
    SQL_PIXEL_SPAN,
    SQL_USER_SEQ,
    SQL_USER_SPAN,
    SQL_PIXEL_FRESH,
    SQL_PIXEL_GET,
    SQL_USER_FRESH,
    SQL_USER_GET,
    SQL_SNAPSHOT_PUT,
    SQL_SNAPSHOT_GET,
    SQL_SNAPSHOT_LIST,
    SQL_SNAPSHOTS,
    SQL_SNAPSHOT_DROP,
    SQL_SNAPSHOT_NEWEST,
    SQL_BLOB_BELOW,
    SQL_FORMAT_2, /* those below need its tables */
    SQL_CHAIN_PUT = SQL_FORMAT_2,
    SQL_CHAIN_GET,
    SQL_REPLACED_PUT,
    SQL_REPLACED,
    SQL_CUT_PLACEMENTS, /* above ?1, each */
    SQL_CUT_JOURNAL,
    SQL_CUT_SNAPSHOTS,
    SQL_CUT_CHAINS,
    SQL_EARLIER, /* those below need the two tables of links */
    SQL_EARLIER_GET = SQL_EARLIER,
    SQL_EARLIER_SET,
    SQL_EARLIER_BULK,
    SQL_CUT_EARLIER,
    SQL_USER_EARLIER_GET,
    SQL_USER_EARLIER_SET,
    SQL_USER_EARLIER_BULK,
    SQL_CUT_USER_EARLIER,
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
    chain_t tail_before; /* before the first of them */
    int64_t format;      /* of the file */
    bool links;          /* it has the tables of links */
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

store_result_t sqlite_write(store_t *base, chain_t before,
                            const record_t *records, size_t count,
                            uint32_t epoch);
store_result_t sqlite_cut(store_t *base, uint64_t after, uint32_t epoch,
                          uint64_t *cut);
store_result_t sqlite_replaced(store_t *base, store_scan_fn visit,
                               void *context);
store_result_t sqlite_position(store_t *base, uint64_t at_most,
                               position_t *position);
store_result_t sqlite_scan(store_t *base, uint64_t from, uint64_t to,
                           store_scan_fn visit, void *context);
store_result_t sqlite_placements(store_t *base, store_scan_fn visit,
                                 void *context);
store_result_t sqlite_pixel(store_t *base, uint16_t x, uint16_t y,
                            record_t *record);
store_result_t sqlite_user(store_t *base, uint64_t user, record_t *record);
store_result_t sqlite_history(store_t *base, uint16_t x, uint16_t y,
                              store_page_t *page);
store_result_t sqlite_user_history(store_t *base, uint64_t user,
                                   store_page_t *page);
store_result_t sqlite_put_snapshot(store_t *base,
                                   const store_snapshot_t *snapshot);
store_result_t sqlite_get_snapshot(store_t *base, uint64_t at_most,
                                   store_snapshot_t *snapshot);
store_result_t sqlite_newest_snapshot(store_t *base, uint64_t *seq,
                                      uint64_t *taken_at_ms);
store_result_t sqlite_snapshots(store_t *base, store_stamp_fn visit,
                                void *context);
store_result_t sqlite_thin_snapshots(store_t *base, uint64_t now_ms);

#endif
