/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read from the SQLite store: journal scans, chains, rows, look-ups.
 */
#include "persister/sqlite/store_sqlite.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#define ROWS_AT_ONCE 4096

typedef struct {
    uint64_t next, to; /* visited up to next - 1 */
    store_scan_fn visit;
    void *context;
    bool stopped;
} scan_t;

static store_result_t s_broken(store_sqlite_t *self, uint64_t seq)
{
    char text[64];
    snprintf(text, sizeof text, "journal is broken at %" PRIu64, seq);
    return sqlite_refuse(self, text);
}

/* One row of the journal. */
static store_result_t s_scan_blob(store_sqlite_t *self, scan_t *scan,
                                  sqlite3_stmt *statement)
{
    uint64_t first = (uint64_t)sqlite3_column_int64(statement, 0);
    uint64_t last = (uint64_t)sqlite3_column_int64(statement, 1);
    if (last < scan->next)
        return STORE_OK; /* before the range */
    const void *blob = sqlite3_column_blob(statement, 2);
    size_t size = (size_t)sqlite3_column_bytes(statement, 2);
    if (first > scan->next)
        return s_broken(self, scan->next);
    int count = blob ? blob_decode(self->codec, self->records, blob, size) : -1;
    if (count < 1 || self->records[0].seq != first ||
        first + (uint64_t)count - 1 != last)
        return s_broken(self, scan->next);
    uint64_t end = last < scan->to ? last : scan->to;
    scan->stopped =
        !scan->visit(scan->context, self->records + (scan->next - first),
                     end + 1 - scan->next);
    scan->next = end + 1;
    return STORE_OK;
}

store_result_t sqlite_scan(store_t *base, uint64_t from, uint64_t to,
                           store_scan_fn visit, void *context)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    if (!from || from > to || from > INT64_MAX)
        return STORE_NONE;
    if (to > INT64_MAX)
        to = INT64_MAX;
    scan_t scan = {.next = from, .to = to, .visit = visit, .context = context};
    sqlite3_stmt *statement = self->statements[SQL_BLOB_SCAN];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)from);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)to);
    store_result_t result = STORE_OK;
    int code = SQLITE_DONE;
    while (result == STORE_OK && !scan.stopped &&
           (code = sqlite3_step(statement)) == SQLITE_ROW)
        result = s_scan_blob(self, &scan, statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(self, "scan");
    sqlite3_reset(statement);
    if (result == STORE_OK && scan.next == from)
        return STORE_NONE;
    return result;
}

/* The blobs from at_most + 1 down: the first that carries a chain says the one
 * at the seq before its own. */
store_result_t sqlite_position(store_t *base, uint64_t at_most,
                               position_t *position)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_stmt *statement = self->statements[SQL_BLOB_BELOW];
    store_result_t result = STORE_NONE;
    int code = SQLITE_DONE;
    if (at_most >= INT64_MAX)
        at_most = INT64_MAX - 1;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)at_most + 1);
    while (result == STORE_NONE &&
           (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);
        chain_t chain = blob ? blob_chain(blob, size) : CHAIN_UNKNOWN;
        if (!chain_known(chain))
            continue;
        uint64_t first = (uint64_t)sqlite3_column_int64(statement, 0);
        *position = (position_t){first - 1, chain};
        result = STORE_OK;
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(self, "position");
    sqlite3_reset(statement);
    return result;
}

store_result_t sqlite_placements(store_t *base, store_scan_fn visit,
                                 void *context)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_stmt *statement = self->statements[SQL_PLACEMENTS];
    size_t count = 0;
    bool more = true;
    int code = SQLITE_DONE;
    while (more && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        self->records[count++] = sqlite_record(statement);
        if (count == ROWS_AT_ONCE) {
            more = visit(context, self->records, count);
            count = 0;
        }
    }
    store_result_t result = STORE_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sqlite_failure(self, "placements");
    sqlite3_reset(statement);
    if (result == STORE_OK && more && count)
        visit(context, self->records, count);
    return result;
}

/* The first row of a statement with its parameters bound. */
static store_result_t s_first(store_sqlite_t *self, sql_t sql, record_t *record)
{
    sqlite3_stmt *statement = self->statements[sql];
    int code = sqlite3_step(statement);
    store_result_t result = STORE_OK;
    if (code == SQLITE_ROW)
        *record = sqlite_record(statement);
    else if (code == SQLITE_DONE)
        result = STORE_NONE;
    else
        result = sqlite_failure(self, "look-up");
    sqlite3_reset(statement);
    return result;
}

/* First among the placements newer than the look-up tables, then in those. */
static store_result_t s_look_up(store_sqlite_t *self, sql_t fresh, sql_t merged,
                                record_t *record)
{
    uint64_t seq;
    store_result_t result = sqlite_meta_get(self, "merged", &seq);
    if (result != STORE_OK)
        return result;
    sqlite3_bind_int64(self->statements[fresh], 1, (sqlite3_int64)seq);
    result = s_first(self, fresh, record);
    if (result == STORE_NONE)
        result = s_first(self, merged, record);
    return result;
}

/* In one read transaction: between two statements the tables may be merged. */
static store_result_t s_look_up_whole(store_sqlite_t *self, sql_t fresh,
                                      sql_t merged, record_t *record)
{
    store_result_t result = sqlite_run(self, SQL_BEGIN_READ);
    if (result == STORE_OK)
        result = s_look_up(self, fresh, merged, record);
    sqlite_abandon(self);
    return result;
}

store_result_t sqlite_pixel(store_t *base, uint16_t x, uint16_t y,
                            record_t *record)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_bind_int(self->statements[SQL_PIXEL_FRESH], 2, x);
    sqlite3_bind_int(self->statements[SQL_PIXEL_FRESH], 3, y);
    sqlite3_bind_int64(self->statements[SQL_PIXEL_GET], 1,
                       (sqlite3_int64)y << 16 | x);
    return s_look_up_whole(self, SQL_PIXEL_FRESH, SQL_PIXEL_GET, record);
}

store_result_t sqlite_user(store_t *base, uint64_t user, record_t *record)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    sqlite3_bind_int64(self->statements[SQL_USER_FRESH], 2,
                       (sqlite3_int64)user);
    sqlite3_bind_int64(self->statements[SQL_USER_GET], 1, (sqlite3_int64)user);
    return s_look_up_whole(self, SQL_USER_FRESH, SQL_USER_GET, record);
}
