/* SPDX-License-Identifier: Apache-2.0
 *
 * What remote_cut.c needs of Cassandra: marks in meta, blobs that go, and rows
 * that go.
 */
#include "common/mem.h"
#include "persister/cassandra/store_cql.h"

#include <stdlib.h>

/* Keyspaces takes 30 statements in a batch; a record makes two. */
#define BATCH_RECORDS 15

static store_result_t s_read_mark(void *context, const char *name,
                                  remote_mark_t *mark)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_MARK_GET, 1);
    cql_put_text(&call.frame, name);
    return cql_numbers(self, &call, &mark->seq, &mark->epoch);
}

static store_result_t s_put_mark(void *context, const char *name,
                                 remote_mark_t mark)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_MARK_PUT, 3);
    cql_put_text(&call.frame, name);
    cql_put_bigint(&call.frame, (int64_t)mark.seq);
    cql_put_bigint(&call.frame, (int64_t)mark.epoch);
    return cql_finish(self, &call, CQL_WRITE_MS, 0, NULL, NULL);
}

static store_result_t s_drop_mark(void *context, const char *name)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_MARK_DROP, 1);
    cql_put_text(&call.frame, name);
    return cql_finish(self, &call, CQL_WRITE_MS, 0, NULL, NULL);
}

static store_result_t s_drop_blob(void *context, int64_t chunk, uint64_t first,
                                  uint64_t last)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_BLOB_DROP, 3);
    cql_put_bigint(&call.frame, chunk);
    cql_put_bigint(&call.frame, (int64_t)first);
    cql_put_bigint(&call.frame, (int64_t)last);
    return cql_finish(self, &call, CQL_WRITE_MS, 0, NULL, NULL);
}

/* ---- Rows ---------------------------------------------------------------- */

typedef struct {
    store_cql_t *store;
    const record_t *records;
    size_t left;
    store_result_t result; /* the worst so far */
} dropping_t;

static void s_entry(dropping_t *dropping, cql_writer_t *frame,
                    cql_statement_t statement, uint16_t values)
{
    const cql_id_t *id = &dropping->store->statements.ids[statement];
    cql_batch_entry(frame, (cql_bytes_t){id->bytes, id->size}, values);
}

static void s_drop_row(dropping_t *dropping, cql_writer_t *frame,
                       const record_t *record)
{
    uint8_t user[8];
    for (int i = 0; i < 8; i++)
        user[i] = (uint8_t)(record->user >> (56 - 8 * i));
    s_entry(dropping, frame, CQL_ROW_DROP, 3);
    cql_put_int(frame, record->x);
    cql_put_int(frame, record->y);
    cql_put_bigint(frame, (int64_t)record->seq);
    s_entry(dropping, frame, CQL_ROW_DROP_BY_USER, 2);
    cql_put_blob(frame, user, sizeof user);
    cql_put_bigint(frame, (int64_t)record->seq);
}

static void s_next_batch(dropping_t *dropping, cql_call_t *call)
{
    store_cql_t *self = dropping->store;
    size_t count =
        dropping->left < BATCH_RECORDS ? dropping->left : BATCH_RECORDS;
    cql_batch_begin(&call->frame);
    for (size_t i = 0; i < count; i++)
        s_drop_row(dropping, &call->frame, &dropping->records[i]);
    cql_batch_end(&call->frame, (uint16_t)(2 * count), self->consistency);
    dropping->records += count;
    dropping->left -= count;
    cql_client_start(self->client, call);
}

static void s_on_batch(cql_call_t *call)
{
    dropping_t *dropping = call->context;
    if (call->result > dropping->result)
        dropping->result = call->result;
    if (dropping->result == STORE_OK && dropping->left)
        s_next_batch(dropping, call);
}

static store_result_t s_drop_rows(void *context, const record_t *records,
                                  size_t count)
{
    store_cql_t *self = context;
    dropping_t dropping = {self, records, count, STORE_OK};
    for (unsigned i = 0; i < self->parallel && dropping.left; i++) {
        cql_call_t *call = &self->batches[i];
        call->timeout_ms = CQL_WRITE_MS;
        call->context = &dropping;
        call->on_end = s_on_batch;
        s_next_batch(&dropping, call);
    }
    cql_client_run(self->client);
    return dropping.result;
}

const remote_ops_t cql_remote = {
    .read_mark = s_read_mark,
    .put_mark = s_put_mark,
    .drop_mark = s_drop_mark,
    .blobs = cql_blobs,
    .put_blob = cql_put_journal,
    .drop_blob = s_drop_blob,
    .drop_rows = s_drop_rows,
    .cut_snapshots = cql_cut_snapshots,
    .read_state = cql_read_state,
    .put_state = cql_put_state,
    .fail = cql_fail,
};
