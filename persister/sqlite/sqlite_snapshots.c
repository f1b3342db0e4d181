/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots of the SQLite store: a row each.
 */
#include "persister/sqlite/store_sqlite.h"

#include "common/mem.h"
#include "persister/snapshots.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Its chain stands beside it. */
static store_result_t s_put_chain(store_sqlite_t *self,
                                  const store_snapshot_t *snapshot)
{
    sqlite3_stmt *statement = self->statements[SQL_CHAIN_PUT];
    if (!chain_known(snapshot->chain))
        return STORE_OK;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)snapshot->seq);
    sqlite3_bind_blob(statement, 2, snapshot->chain.bytes, CHAIN_BYTES,
                      SQLITE_STATIC);
    store_result_t result = sqlite_run(self, SQL_CHAIN_PUT);
    sqlite3_clear_bindings(statement); /* nothing borrowed stays bound */
    return result;
}

static store_result_t s_get_chain(store_sqlite_t *self, uint64_t seq,
                                  chain_t *chain)
{
    sqlite3_stmt *statement = self->statements[SQL_CHAIN_GET];
    *chain = CHAIN_UNKNOWN;
    if (!statement) /* only read, and of format 1 */
        return STORE_OK;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    store_result_t result = STORE_OK;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == CHAIN_BYTES)
        memcpy(chain->bytes, sqlite3_column_blob(statement, 0), CHAIN_BYTES);
    else if (code != SQLITE_ROW && code != SQLITE_DONE)
        result = sqlite_failure(self, "snapshot");
    sqlite3_reset(statement);
    return result;
}

store_result_t sqlite_put_snapshot(store_t *base,
                                   const store_snapshot_t *snapshot)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    store_result_t result = s_put_chain(self, snapshot);
    if (result != STORE_OK)
        return result;
    sqlite3_stmt *statement = self->statements[SQL_SNAPSHOT_PUT];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)snapshot->seq);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)snapshot->taken_at_ms);
    sqlite3_bind_int64(statement, 3, snapshot->digest);
    sqlite3_bind_text(statement, 4, snapshot->canvas, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 5, snapshot->pixels, snapshot->pixels_size,
                        SQLITE_STATIC);
    result = sqlite_run(self, SQL_SNAPSHOT_PUT);
    sqlite3_clear_bindings(statement);
    /* Each minute is a good time: after a rush that ended the tables would stay
     * behind until the next record came. */
    return result == STORE_OK ? sqlite_settle(self) : result;
}

static store_snapshot_t s_snapshot(sqlite3_stmt *statement)
{
    const char *canvas = (const char *)sqlite3_column_text(statement, 3);
    const void *pixels = sqlite3_column_blob(statement, 4);
    store_snapshot_t snapshot = {
        .seq = (uint64_t)sqlite3_column_int64(statement, 0),
        .taken_at_ms = (uint64_t)sqlite3_column_int64(statement, 1),
        .digest = (uint32_t)sqlite3_column_int64(statement, 2),
        .canvas = mem_strdup(canvas ? canvas : ""),
        .pixels_size = (size_t)sqlite3_column_bytes(statement, 4),
    };
    snapshot.pixels = mem_alloc(snapshot.pixels_size + 1);
    if (pixels)
        memcpy(snapshot.pixels, pixels, snapshot.pixels_size);
    return snapshot;
}

store_result_t sqlite_get_snapshot(store_t *base, uint64_t at_most,
                                   store_snapshot_t *snapshot)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_stmt *statement = self->statements[SQL_SNAPSHOT_GET];
    if (at_most > INT64_MAX)
        at_most = INT64_MAX;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)at_most);
    int code = sqlite3_step(statement);
    store_result_t result = STORE_NONE;
    *snapshot = (store_snapshot_t){0};
    if (code == SQLITE_ROW) {
        *snapshot = s_snapshot(statement);
        result = STORE_OK;
    } else if (code != SQLITE_DONE) {
        result = sqlite_failure(self, "snapshot");
    }
    sqlite3_reset(statement);
    if (result == STORE_OK)
        result = s_get_chain(self, snapshot->seq, &snapshot->chain);
    if (result != STORE_OK && result != STORE_NONE)
        store_snapshot_free(snapshot);
    return result;
}

store_result_t sqlite_newest_snapshot(store_t *base, uint64_t *seq,
                                      uint64_t *taken_at_ms)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_stmt *statement = self->statements[SQL_SNAPSHOT_NEWEST];
    store_result_t result = STORE_NONE;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *seq = (uint64_t)sqlite3_column_int64(statement, 0);
        *taken_at_ms = (uint64_t)sqlite3_column_int64(statement, 1);
        result = STORE_OK;
    } else if (code != SQLITE_DONE) {
        result = sqlite_failure(self, "snapshot");
    }
    sqlite3_reset(statement);
    return result;
}

store_result_t sqlite_snapshots(store_t *base, store_stamp_fn visit,
                                void *context)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_stmt *statement = self->statements[SQL_SNAPSHOTS];
    bool more = true;
    int code = SQLITE_DONE;
    while (more && (code = sqlite3_step(statement)) == SQLITE_ROW)
        more = visit(context, (uint64_t)sqlite3_column_int64(statement, 0),
                     (uint64_t)sqlite3_column_int64(statement, 1));
    store_result_t result = STORE_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(self, "snapshots");
    sqlite3_reset(statement);
    return result;
}

typedef struct {
    uint64_t *seqs, *taken_at_ms;
    size_t count, room;
} stamps_t;

static store_result_t s_stamps(store_sqlite_t *self, stamps_t *stamps)
{
    sqlite3_stmt *statement = self->statements[SQL_SNAPSHOT_LIST];
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (stamps->count == stamps->room) {
            stamps->room = stamps->room ? stamps->room * 2 : 256;
            stamps->seqs =
                mem_realloc(stamps->seqs, stamps->room, sizeof *stamps->seqs);
            stamps->taken_at_ms = mem_realloc(stamps->taken_at_ms, stamps->room,
                                              sizeof *stamps->taken_at_ms);
        }
        size_t i = stamps->count++;
        stamps->seqs[i] = (uint64_t)sqlite3_column_int64(statement, 0);
        stamps->taken_at_ms[i] = (uint64_t)sqlite3_column_int64(statement, 1);
    }
    store_result_t result = STORE_OK;
    if (code != SQLITE_DONE)
        result = sqlite_failure(self, "snapshots");
    sqlite3_reset(statement);
    return result;
}

store_result_t sqlite_thin_snapshots(store_t *base, uint64_t now_ms)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    stamps_t stamps = {0};
    store_result_t result = s_stamps(self, &stamps);
    bool *keep = mem_zalloc(stamps.count + 1, sizeof *keep);
    snapshot_keep(stamps.taken_at_ms, stamps.count, now_ms, keep);
    for (size_t i = 0; i < stamps.count && result == STORE_OK; i++) {
        if (keep[i])
            continue;
        sqlite3_bind_int64(self->statements[SQL_SNAPSHOT_DROP], 1,
                           (sqlite3_int64)stamps.seqs[i]);
        result = sqlite_run(self, SQL_SNAPSHOT_DROP);
    }
    free(keep);
    free(stamps.seqs);
    free(stamps.taken_at_ms);
    return result;
}
