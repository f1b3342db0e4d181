/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups and scans of the CQL store.
 */
#include "persister/cassandra/store_cql.h"
#include "persister/journal_cursor.h"

#define BLOBS_A_PAGE 64
#define ROWS_A_PAGE 5000

/* ---- Placements ---------------------------------------------------------- */

static int s_placement(const cql_bytes_t *values, uint32_t count,
                       record_t *record)
{
    int64_t seq, placed_at_ms;
    int32_t x, y, color;
    cql_bytes_t user = values[CQL_COLUMN_USER];
    if (count != CQL_PLACEMENT_COLUMNS ||
        !cql_value_bigint(values[CQL_COLUMN_SEQ], &seq) ||
        !cql_value_bigint(values[CQL_COLUMN_PLACED_AT], &placed_at_ms) ||
        !cql_value_int(values[CQL_COLUMN_X], &x) ||
        !cql_value_int(values[CQL_COLUMN_Y], &y) ||
        !cql_value_int(values[CQL_COLUMN_COLOR], &color) || !user.bytes ||
        user.size != 8 || x < 0 || x > UINT16_MAX || y < 0 || y > UINT16_MAX ||
        color < 0 || color > UINT8_MAX)
        return -1;
    *record = (record_t){
        .seq = (uint64_t)seq,
        .placed_at_ms = (uint64_t)placed_at_ms,
        .x = (uint16_t)x,
        .y = (uint16_t)y,
        .color = (uint8_t)color,
    };
    for (int i = 0; i < 8; i++)
        record->user = record->user << 8 | user.bytes[i];
    return 0;
}

typedef struct {
    store_scan_fn visit;
    void *context;
    uint64_t rows;
    bool damaged;
} reading_t;

static bool s_on_row(void *context, const cql_bytes_t *values, uint32_t count)
{
    reading_t *self = context;
    record_t record;
    self->rows++;
    self->damaged = s_placement(values, count, &record) != 0;
    return !self->damaged && self->visit(self->context, &record, 1);
}

static store_result_t s_settle(store_cql_t *self, store_result_t result,
                               const reading_t *reading)
{
    if (result != STORE_OK || !reading->damaged)
        return result;
    cql_client_fail(self->client, "a damaged row in %s", self->keyspace);
    return STORE_FAILED;
}

store_result_t cql_placements(store_t *base, store_scan_fn visit, void *context)
{
    store_cql_t *self = (store_cql_t *)base;
    cql_call_t call = {0};
    reading_t reading = {.visit = visit, .context = context};
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    cql_begin(self, &call, CQL_PLACEMENTS, 0);
    result =
        cql_finish(self, &call, CQL_LONG_MS, ROWS_A_PAGE, s_on_row, &reading);
    return s_settle(self, result, &reading);
}

static bool s_keep(void *context, const record_t *records, size_t count)
{
    record_t *record = context;
    *record = records[count - 1];
    return false;
}

/* The one row of a call that is ready but for its end. */
static store_result_t s_newest(store_cql_t *self, cql_call_t *call,
                               record_t *record)
{
    reading_t reading = {.visit = s_keep, .context = record};
    store_result_t result =
        cql_finish(self, call, CQL_LOOKUP_MS, 0, s_on_row, &reading);
    result = s_settle(self, result, &reading);
    return result == STORE_OK && reading.rows == 0 ? STORE_NONE : result;
}

/* A look-up of a pixel that takes `values`, the first two of them put; not
 * STORE_OK: there is no connection, and nothing was begun. */
static store_result_t s_begin_pixel(store_cql_t *self, cql_call_t *call,
                                    cql_statement_t statement, uint16_t values,
                                    uint16_t x, uint16_t y)
{
    store_result_t result = cql_client_open(self->client, CQL_LOOKUP_MS);
    if (result != STORE_OK)
        return result;
    cql_begin(self, call, statement, values);
    cql_put_int(&call->frame, x);
    cql_put_int(&call->frame, y);
    return STORE_OK;
}

/* The same of a user, the first value put. */
static store_result_t s_begin_user(store_cql_t *self, cql_call_t *call,
                                   cql_statement_t statement, uint16_t values,
                                   uint64_t user)
{
    uint8_t bytes[8];
    store_result_t result = cql_client_open(self->client, CQL_LOOKUP_MS);
    if (result != STORE_OK)
        return result;
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(user >> (56 - 8 * i));
    cql_begin(self, call, statement, values);
    cql_put_blob(&call->frame, bytes, sizeof bytes);
    return STORE_OK;
}

store_result_t cql_pixel(store_t *base, uint16_t x, uint16_t y,
                         record_t *record)
{
    store_cql_t *self = (store_cql_t *)base;
    cql_call_t call = {0};
    store_result_t result = s_begin_pixel(self, &call, CQL_PIXEL, 2, x, y);
    return result == STORE_OK ? s_newest(self, &call, record) : result;
}

store_result_t cql_user(store_t *base, uint64_t user, record_t *record)
{
    store_cql_t *self = (store_cql_t *)base;
    cql_call_t call = {0};
    store_result_t result = s_begin_user(self, &call, CQL_USER, 1, user);
    return result == STORE_OK ? s_newest(self, &call, record) : result;
}

static bool s_add(void *context, const record_t *records, size_t count)
{
    (void)count; /* 1 */
    return store_page_add(context, records);
}

/* A page of what the call asks for, whose key is put. */
static store_result_t s_page(store_cql_t *self, cql_call_t *call,
                             store_page_t *page)
{
    reading_t reading = {.visit = s_add, .context = page};
    uint64_t before = page->before < INT64_MAX ? page->before : INT64_MAX;
    store_page_begin(page);
    cql_put_bigint(&call->frame, (int64_t)before);
    store_result_t result = cql_finish(
        self, call, CQL_LOOKUP_MS, (int32_t)page->max + 1, s_on_row, &reading);
    return s_settle(self, result, &reading);
}

store_result_t cql_history(store_t *base, uint16_t x, uint16_t y,
                           store_page_t *page)
{
    store_cql_t *self = (store_cql_t *)base;
    cql_call_t call = {0};
    store_result_t result = s_begin_pixel(self, &call, CQL_HISTORY, 3, x, y);
    return result == STORE_OK ? s_page(self, &call, page) : result;
}

store_result_t cql_user_history(store_t *base, uint64_t user,
                                store_page_t *page)
{
    store_cql_t *self = (store_cql_t *)base;
    cql_call_t call = {0};
    store_result_t result =
        s_begin_user(self, &call, CQL_USER_HISTORY, 2, user);
    return result == STORE_OK ? s_page(self, &call, page) : result;
}

/* ---- The journal --------------------------------------------------------- */

typedef struct {
    remote_blob_fn visit;
    void *context;
} blobs_t;

static bool s_on_blob(void *context, const cql_bytes_t *values, uint32_t count)
{
    blobs_t *blobs = context;
    const uint8_t *blob = count == 1 ? values[0].bytes : NULL;
    return blobs->visit(blobs->context, blob ? blob : (const uint8_t *)"",
                        blob ? values[0].size : 0);
}

store_result_t cql_blobs(void *context, int64_t chunk, uint64_t least,
                         uint64_t most, remote_blob_fn visit,
                         void *visit_context)
{
    store_cql_t *self = context;
    blobs_t blobs = {visit, visit_context};
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_SCAN, 3);
    cql_put_bigint(&call.frame, chunk);
    cql_put_bigint(&call.frame, (int64_t)least);
    cql_put_bigint(&call.frame, most < INT64_MAX ? (int64_t)most : INT64_MAX);
    return cql_finish(self, &call, CQL_LONG_MS, BLOBS_A_PAGE, s_on_blob,
                      &blobs);
}

static bool s_take(void *cursor, const uint8_t *bytes, size_t size)
{
    return journal_cursor_take(cursor, bytes, size);
}

store_result_t cql_scan(store_t *base, uint64_t from, uint64_t to,
                        store_scan_fn visit, void *context)
{
    store_cql_t *self = (store_cql_t *)base;
    journal_cursor_t cursor;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    journal_cursor_init(&cursor, self->codec, from, to, visit, context);
    uint64_t chunk = journal_cursor_chunk(&cursor);
    do {
        result = cql_blobs(self, (int64_t)chunk, journal_cursor_least(&cursor),
                           cursor.to, s_take, &cursor);
    } while (result == STORE_OK && journal_cursor_more(&cursor, chunk++));
    if (result == STORE_OK)
        result = journal_cursor_result(&cursor, self->state.checkpoint);
    if (cursor.broken)
        cql_client_fail(self->client, "%s", cursor.why);
    journal_cursor_fini(&cursor);
    return result;
}
