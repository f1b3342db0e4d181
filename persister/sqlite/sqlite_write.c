/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches into the SQLite store: one transaction each, which reads the
 * checkpoint first and leaves out what is there already. So a batch written
 * twice, or by two persisters at once, changes nothing.
 */
#include "persister/sqlite/store_sqlite.h"

#include "common/mem.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)
#define KEY_SIGN (UINT64_C(1) << 63)

/* Sorts by key, stable: of one key the newest comes last. A radix sort, since
 * comparing took a third of a merge. The result is in `keys`. */
static void s_sort(merge_key_t *keys, merge_key_t *other, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        size_t ends[DIGITS] = {0};
        for (size_t i = 0; i < count; i++)
            ends[keys[i].key >> shift & (DIGITS - 1)]++;
        if (ends[keys[0].key >> shift & (DIGITS - 1)] == count)
            continue; /* all alike here */
        size_t end = 0;
        for (size_t digit = 0; digit < DIGITS; digit++)
            ends[digit] = end += ends[digit];
        for (size_t i = count; i-- > 0;)
            other[--ends[keys[i].key >> shift & (DIGITS - 1)]] = keys[i];
        memcpy(keys, other, count * sizeof *keys);
    }
}

/* One row's values for s_insert, in the order of the table's columns. */
typedef void (*row_fn)(const void *rows, size_t index, int64_t *values);

/* Rows into a table: SQLITE_BULK of them a statement, the rest one by one. The
 * statement's own start and end cost as much as a third of its row. */
static store_result_t s_insert(store_sqlite_t *self, sql_t one, sql_t bulk,
                               size_t columns, row_fn row, const void *rows,
                               size_t count)
{
    int64_t values[SQLITE_COLUMNS_MAX];
    store_result_t result = STORE_OK;
    for (size_t done = 0; done < count && result == STORE_OK;) {
        bool many = count - done >= SQLITE_BULK;
        sql_t sql = many ? bulk : one;
        int parameter = 0;
        for (size_t end = done + (many ? SQLITE_BULK : 1); done < end; done++) {
            row(rows, done, values);
            for (size_t i = 0; i < columns; i++)
                sqlite3_bind_int64(self->statements[sql], ++parameter,
                                   values[i]);
        }
        result = sqlite_run(self, sql);
    }
    return result;
}

static void s_key_row(const void *rows, size_t index, int64_t *values)
{
    const merge_key_t *key = (const merge_key_t *)rows + index;
    values[0] = (int64_t)(key->key ^ KEY_SIGN);
    values[1] = (int64_t)key->seq;
}

static void s_place_row(const void *rows, size_t index, int64_t *values)
{
    const record_t *r = (const record_t *)rows + index;
    values[0] = (int64_t)r->seq;
    values[1] = (int64_t)r->placed_at_ms;
    values[2] = (int64_t)r->user;
    values[3] = r->x;
    values[4] = r->y;
    values[5] = r->color;
}

static void s_link_row(const void *rows, size_t index, int64_t *values)
{
    const merge_key_t *link = (const merge_key_t *)rows + index;
    values[0] = (int64_t)link->key;
    values[1] = (int64_t)link->seq;
}

/* The newest placement of a pixel, or of a user, in its look-up table; 0: there
 * is none. */
static store_result_t s_merged(store_sqlite_t *self, bool users, uint64_t key,
                               uint64_t *seq)
{
    sqlite3_stmt *statement =
        self->statements[users ? SQL_USER_SEQ : SQL_PIXEL_SEQ];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)key);
    int code = sqlite3_step(statement);
    *seq =
        code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    store_result_t result = STORE_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        result = sqlite_failure(self, "links");
    sqlite3_reset(statement);
    return result;
}

/* Links begin here unless they reach up to here. */
static store_result_t s_continue_links(store_sqlite_t *self, bool users,
                                       uint64_t first, uint64_t last)
{
    uint64_t linked;
    const char *to = users ? "user_linked" : "linked";
    store_result_t result = sqlite_meta_get(self, to, &linked);
    if (result == STORE_OK && linked + 1 != first)
        result = sqlite_meta_set(
            self, users ? "user_linked_from" : "linked_from", first);
    if (result == STORE_OK)
        result = sqlite_meta_set(self, to, last);
    return result;
}

/* Where in `fresh` that seq stands. Seqs may leave gaps. */
static size_t s_position(const record_list_t *fresh, uint64_t seq)
{
    size_t low = 0, high = fresh->count - 1;
    size_t guess = (size_t)(seq - fresh->at[0].seq);
    if (guess < fresh->count && fresh->at[guess].seq == seq)
        return guess;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (fresh->at[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* From each of `fresh` to the one before it at its pixel, or by its user;
 * `keys` are they, sorted so. Written in the order of seq, which is appending.
 */
static store_result_t s_link(store_sqlite_t *self, bool users,
                             const merge_key_t *keys)
{
    size_t count = self->fresh.count, linked = 0;
    const record_t *fresh = self->fresh.at;
    merge_key_t *links = self->keys + count;
    store_result_t result =
        s_continue_links(self, users, fresh[0].seq, fresh[count - 1].seq);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        merge_key_t *link = &links[s_position(&self->fresh, keys[i].seq)];
        link->key = keys[i].seq;
        if (i && keys[i - 1].key == keys[i].key)
            link->seq = keys[i - 1].seq;
        else
            result = s_merged(self, users, keys[i].key ^ KEY_SIGN, &link->seq);
    }
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        if (links[i].seq)
            links[linked++] = links[i];
    return result == STORE_OK
               ? s_insert(self, users ? SQL_USER_EARLIER_SET : SQL_EARLIER_SET,
                          users ? SQL_USER_EARLIER_BULK : SQL_EARLIER_BULK, 2,
                          s_link_row, links, linked)
               : result;
}

/* Sorted as SQLite's signed keys are, each B-tree page is visited once. */
static store_result_t s_merge_table(store_sqlite_t *self, bool users)
{
    size_t count = self->fresh.count, unique = 0;
    merge_key_t *keys = self->keys;
    for (size_t i = 0; i < count; i++) {
        const record_t *r = &self->fresh.at[i];
        uint64_t key = users ? r->user : (uint64_t)r->y << 16 | r->x;
        keys[i] = (merge_key_t){key ^ KEY_SIGN, r->seq};
    }
    s_sort(keys, keys + count, count);
    store_result_t result = s_link(self, users, keys);
    if (result != STORE_OK)
        return result;
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || keys[i].key != keys[i + 1].key)
            keys[unique++] = keys[i];
    return s_insert(self, users ? SQL_USER_SET : SQL_PIXEL_SET,
                    users ? SQL_USERS_SET : SQL_PIXELS_SET, 2, s_key_row, keys,
                    unique);
}

/* Brings the look-up tables up to the last of `fresh`. */
static store_result_t s_merge(store_sqlite_t *self)
{
    size_t count = self->fresh.count;
    if (self->keys_room < 2 * count) {
        self->keys_room = 2 * count;
        self->keys = mem_realloc(self->keys, 2 * count, sizeof *self->keys);
    }
    uint64_t last = self->fresh.at[count - 1].seq;
    store_result_t result = s_merge_table(self, false);
    if (result == STORE_OK)
        result = s_merge_table(self, true);
    if (result == STORE_OK)
        result = sqlite_meta_set(self, "merged", last);
    self->fresh.count = 0;
    return result;
}

/* `fresh` as the file has it: after a start, or after another wrote. */
static store_result_t s_refresh(store_sqlite_t *self, uint64_t merged,
                                uint64_t checkpoint)
{
    record_list_t *fresh = &self->fresh;
    if (fresh->count == checkpoint - merged &&
        (!fresh->count || fresh->at[0].seq == merged + 1))
        return STORE_OK;
    fresh->count = 0;
    sqlite3_stmt *statement = self->statements[SQL_FRESH];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)merged);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        record_list_reserve(fresh, 1);
        fresh->at[fresh->count++] = sqlite_record(statement);
    }
    store_result_t result = STORE_OK;
    if (code != SQLITE_DONE)
        result = sqlite_failure(self, "reading placements");
    sqlite3_reset(statement);
    if (result == STORE_OK && fresh->count != checkpoint - merged)
        result = sqlite_refuse(self, "placements do not reach the checkpoint");
    return result;
}

static store_result_t s_blob_put(store_sqlite_t *self)
{
    const record_list_t *tail = &self->tail;
    size_t size = blob_encode(self->codec, self->blob, self->tail_before,
                              tail->at, tail->count);
    uint64_t first = tail->at[0].seq;
    sqlite3_stmt *statement = self->statements[SQL_BLOB_PUT];
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)first);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)(first + tail->count - 1));
    sqlite3_bind_blob(statement, 3, self->blob, (int)size, SQLITE_STATIC);
    return sqlite_run(self, SQL_BLOB_PUT);
}

/* Small batches grow the journal's last blob, so that a quiet day does not
 * leave a million blobs of one record for scans to wade through. */
static store_result_t s_journal(store_sqlite_t *self, chain_t before,
                                const record_t *records, size_t count)
{
    record_list_t *tail = &self->tail;
    if (tail->count && (tail->count >= BLOB_GROWN ||
                        tail->at[tail->count - 1].seq + 1 != records[0].seq))
        tail->count = 0;
    store_result_t result = STORE_OK;
    while (count && result == STORE_OK) {
        if (tail->count >= BLOB_GROWN)
            tail->count = 0;
        if (!tail->count)
            self->tail_before = before;
        size_t room = BLOB_RECORDS_MAX - tail->count;
        size_t part = count < room ? count : room;
        record_list_reserve(tail, part);
        memcpy(tail->at + tail->count, records, part * sizeof *records);
        tail->count += part;
        before = records_chain(before, records, part);
        records += part;
        count -= part;
        result = s_blob_put(self);
    }
    return result;
}

static bool s_merge_due(const store_sqlite_t *self, size_t count)
{
    size_t enough = count * MERGE_BATCHES;
    if (enough < MERGE_LEAST)
        enough = MERGE_LEAST;
    if (enough > MERGE_MOST)
        enough = MERGE_MOST;
    return self->fresh.count >= enough;
}

/* Inside a transaction; records begin right behind `checkpoint`. */
static store_result_t s_append(store_sqlite_t *self, chain_t before,
                               const record_t *records, size_t count,
                               uint64_t checkpoint)
{
    uint64_t merged;
    store_result_t result = sqlite_meta_get(self, "merged", &merged);
    if (result == STORE_OK)
        result = s_refresh(self, merged, checkpoint);
    if (result == STORE_OK)
        result = s_insert(self, SQL_PLACE, SQL_PLACE_BULK, 6, s_place_row,
                          records, count);
    if (result == STORE_OK)
        result = s_journal(self, before, records, count);
    if (result != STORE_OK)
        return result;
    record_list_reserve(&self->fresh, count);
    memcpy(self->fresh.at + self->fresh.count, records,
           count * sizeof *records);
    self->fresh.count += count;
    if (s_merge_due(self, count))
        result = s_merge(self);
    if (result == STORE_OK)
        result = sqlite_meta_set(self, "checkpoint", records[count - 1].seq);
    return result;
}

/* Inside a transaction. */
static store_result_t s_write(store_sqlite_t *self, chain_t before,
                              const record_t *records, size_t count,
                              uint32_t epoch)
{
    uint64_t checkpoint, known_epoch;
    store_result_t result = sqlite_meta_get(self, "checkpoint", &checkpoint);
    if (result == STORE_OK)
        result = sqlite_meta_get(self, "epoch", &known_epoch);
    if (result != STORE_OK)
        return result;
    uint64_t first = records[0].seq;
    if (checkpoint != self->base.state.checkpoint)
        return STORE_MOVED;
    if (first > checkpoint + 1)
        return sqlite_refuse(self, "records would leave a gap");
    size_t skip = checkpoint + 1 - first;
    if (skip < count)
        result = s_append(self, records_chain(before, records, skip),
                          records + skip, count - skip, checkpoint);
    if (result == STORE_OK && epoch > known_epoch)
        result = sqlite_meta_set(self, "epoch", epoch);
    return result;
}

/* Inside a transaction. */
static store_result_t s_settle(store_sqlite_t *self)
{
    uint64_t merged, checkpoint;
    store_result_t result = sqlite_meta_get(self, "merged", &merged);
    if (result == STORE_OK)
        result = sqlite_meta_get(self, "checkpoint", &checkpoint);
    if (result == STORE_OK)
        result = s_refresh(self, merged, checkpoint);
    if (result == STORE_OK && self->fresh.count)
        result = s_merge(self);
    return result;
}

store_result_t sqlite_settle(store_sqlite_t *self)
{
    store_result_t result = sqlite_run(self, SQL_BEGIN);
    if (result == STORE_OK)
        result = s_settle(self);
    if (result == STORE_OK)
        result = sqlite_run(self, SQL_COMMIT);
    if (result != STORE_OK) {
        sqlite_abandon(self);
        self->fresh.count = 0;
    }
    return result;
}

/* A file that was deleted or replaced under us would take every write, and be
 * gone with this process. */
static store_result_t s_check_place(store_sqlite_t *self)
{
    return sqlite_has_moved(self)
               ? sqlite_refuse(self, "was deleted or replaced while in use")
               : STORE_OK;
}

store_result_t sqlite_write(store_t *base, chain_t before,
                            const record_t *records, size_t count,
                            uint32_t epoch)
{
    store_sqlite_t *self = (store_sqlite_t *)base;
    store_result_t result = s_check_place(self);
    if (result == STORE_OK)
        result = sqlite_run(self, SQL_BEGIN);
    if (result == STORE_OK)
        result = s_write(self, before, records, count, epoch);
    if (result == STORE_OK)
        result = sqlite_run(self, SQL_COMMIT);
    if (result != STORE_OK) {
        /* What memory holds beside the file may be ahead of it now. */
        sqlite_abandon(self);
        self->tail.count = 0;
        self->fresh.count = 0;
    }
    return result;
}
