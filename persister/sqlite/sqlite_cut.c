/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes the losing end of a history out of the SQLite store, in one
 * transaction, and keeps it in `replaced`.
 */
#include "persister/sqlite/store_sqlite.h"

#include "common/clock.h"
#include "common/mem.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Records that are put into a table as blobs. */
typedef struct {
    store_sqlite_t *store;
    sql_t into;
    uint32_t epoch; /* of SQL_REPLACED_PUT */
    chain_t before; /* before the next record */
    uint64_t count; /* put so far */
    store_result_t result;
} keeping_t;

static store_result_t s_put_blob(keeping_t *self, const record_t *records,
                                 size_t count)
{
    store_sqlite_t *store = self->store;
    size_t size =
        blob_encode(store->codec, store->blob, self->before, records, count);
    sqlite3_stmt *statement = store->statements[self->into];
    int at = 0;
    if (self->into == SQL_REPLACED_PUT)
        sqlite3_bind_int64(statement, ++at, self->epoch);
    sqlite3_bind_int64(statement, ++at, (sqlite3_int64)records[0].seq);
    sqlite3_bind_int64(statement, ++at,
                       (sqlite3_int64)(records[0].seq + count - 1));
    if (self->into == SQL_REPLACED_PUT)
        sqlite3_bind_int64(statement, ++at, (sqlite3_int64)clock_wall_ms());
    sqlite3_bind_blob(statement, ++at, store->blob, (int)size, SQLITE_STATIC);
    return sqlite_run(store, self->into);
}

static bool s_keep(void *context, const record_t *records, size_t count)
{
    keeping_t *self = context;
    self->result = s_put_blob(self, records, count);
    self->before = records_chain(self->before, records, count);
    self->count += count;
    return self->result == STORE_OK;
}

/* Copies the records from … to of the journal. */
static store_result_t s_copy(keeping_t *self, uint64_t from, uint64_t to)
{
    if (store_chain_at(&self->store->base, from - 1, &self->before) ==
        STORE_RETRY)
        return STORE_RETRY;
    store_result_t result =
        sqlite_scan(&self->store->base, from, to, s_keep, self);
    return self->result != STORE_OK ? self->result : result;
}

static store_result_t s_drop(store_sqlite_t *self, sql_t sql, uint64_t after)
{
    sqlite3_bind_int64(self->statements[sql], 1, (sqlite3_int64)after);
    return sqlite_run(self, sql);
}

/* The look-up tables name what is gone: made anew. That reads every placement,
 * about a second per million; a fork is rare. */
static store_result_t s_rebuild(store_sqlite_t *self, uint64_t after)
{
    static const char text[] =
        "DELETE FROM pixels;"
        "INSERT INTO pixels SELECT y << 16 | x, max(seq) FROM placements"
        " GROUP BY 1;"
        "DELETE FROM users;"
        "INSERT INTO users SELECT user, max(seq) FROM placements GROUP BY 1";
    if (sqlite3_exec(self->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_failure(self, "cut");
    return sqlite_meta_set(self, "merged", after);
}

/* The records of the blob that goes past `after`, up to it, into self->tail. */
static store_result_t s_save_rest(store_sqlite_t *self, uint64_t after)
{
    sqlite3_stmt *statement = self->statements[SQL_BLOB_BELOW];
    int64_t first = 0;
    self->tail.count = 0;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        first = sqlite3_column_int64(statement, 0);
        const void *blob = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);
        int count = blob_decode(self->codec, self->records, blob, size);
        uint64_t rest = after + 1 - (uint64_t)first;
        if (count > 0 && (uint64_t)count > rest) {
            record_list_reserve(&self->tail, (size_t)rest);
            memcpy(self->tail.at, self->records,
                   (size_t)rest * sizeof *self->records);
            self->tail.count = (size_t)rest;
            self->tail_before = blob_chain(blob, size);
        }
    }
    sqlite3_reset(statement);
    return STORE_OK;
}

static store_result_t s_cut_journal(store_sqlite_t *self, uint64_t after)
{
    store_result_t result = s_save_rest(self, after);
    if (result == STORE_OK)
        result = s_drop(self, SQL_CUT_JOURNAL, after);
    keeping_t rest = {
        .store = self, .into = SQL_BLOB_PUT, .before = self->tail_before};
    if (result == STORE_OK && self->tail.count)
        result = s_put_blob(&rest, self->tail.at, self->tail.count);
    self->tail.count = 0;
    return result;
}

static store_result_t s_cut_links(store_sqlite_t *self, bool users,
                                  uint64_t after)
{
    uint64_t linked;
    const char *to = users ? "user_linked" : "linked";
    store_result_t result =
        s_drop(self, users ? SQL_CUT_USER_EARLIER : SQL_CUT_EARLIER, after);
    if (result == STORE_OK)
        result = sqlite_meta_get(self, to, &linked);
    return result == STORE_OK && linked > after
               ? sqlite_meta_set(self, to, after)
               : result;
}

/* Inside a transaction. */
static store_result_t s_cut(store_sqlite_t *self, uint64_t after,
                            uint32_t epoch, uint64_t *cut)
{
    uint64_t checkpoint, merged;
    keeping_t keeping = {
        .store = self, .into = SQL_REPLACED_PUT, .epoch = epoch};
    store_result_t result = sqlite_meta_get(self, "checkpoint", &checkpoint);
    if (result == STORE_OK)
        result = sqlite_meta_get(self, "merged", &merged);
    if (result == STORE_OK && checkpoint > after)
        result = s_copy(&keeping, after + 1, checkpoint);
    if (result == STORE_OK)
        result = s_cut_journal(self, after);
    static const sql_t drops[] = {SQL_CUT_PLACEMENTS, SQL_CUT_SNAPSHOTS,
                                  SQL_CUT_CHAINS};
    for (size_t i = 0; i < 3 && result == STORE_OK; i++)
        result = s_drop(self, drops[i], after);
    if (result == STORE_OK && self->links)
        result = s_cut_links(self, false, after);
    if (result == STORE_OK && self->links)
        result = s_cut_links(self, true, after);
    if (result == STORE_OK && merged > after)
        result = s_rebuild(self, after);
    if (result == STORE_OK)
        result = sqlite_meta_set(self, "checkpoint", after);
    if (result == STORE_OK)
        result = sqlite_meta_set(self, "epoch", epoch);
    *cut = keeping.count;
    return result;
}

store_result_t sqlite_cut(store_t *base, uint64_t after, uint32_t epoch,
                          uint64_t *cut)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    store_result_t result = sqlite_run(self, SQL_BEGIN);
    if (result == STORE_OK)
        result = s_cut(self, after, epoch, cut);
    if (result == STORE_OK)
        result = sqlite_run(self, SQL_COMMIT);
    if (result != STORE_OK)
        sqlite_abandon(self);
    self->tail.count = self->fresh.count = 0;
    return result;
}

store_result_t sqlite_replaced(store_t *base, store_scan_fn visit,
                               void *context)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_stmt *statement = self->statements[SQL_REPLACED];
    store_result_t result = STORE_OK;
    bool more = statement != NULL; /* only read, and of format 1: none */
    int code = SQLITE_DONE;
    while (more && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(statement, 0);
        size_t size = (size_t)sqlite3_column_bytes(statement, 0);
        int count =
            blob ? blob_decode(self->codec, self->records, blob, size) : -1;
        if (count < 1)
            result = sqlite_refuse(self, "a blob of `replaced` is damaged");
        more = count > 0 && visit(context, self->records, (size_t)count);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(self, "replaced");
    sqlite3_reset(statement);
    return result;
}
