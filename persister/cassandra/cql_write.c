/* SPDX-License-Identifier: Apache-2.0
 *
 * State and records into the CQL store. Rows are keyed by seq, so everything
 * may be written twice; journal rows by first and last, so that a shorter blob
 * never takes a longer one's place. The checkpoint is moved by a conditional
 * update: it never goes back, whoever writes.
 */
#include "persister/cassandra/store_cql.h"
#include "persister/journal_cursor.h"
#include "persister/remote_write.h"

#include "common/mem.h"

#include <stdlib.h>

/* Keyspaces takes 30 statements in a batch; a record makes two. */
#define BATCH_RECORDS 15

/* ---- State --------------------------------------------------------------- */

/* None at all is an empty store; one that cannot be read is not. */
store_result_t cql_read_state(void *context, store_state_t *state)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    uint64_t checkpoint = 0, epoch = 0;
    cql_begin(self, &call, CQL_STATE_GET, 0);
    store_result_t result = cql_numbers(self, &call, &checkpoint, &epoch);
    if (result != STORE_OK && result != STORE_NONE)
        return result;
    *state = (store_state_t){checkpoint, (uint32_t)epoch};
    return STORE_OK;
}

/* The first row is inserted, later ones are updates. */
store_result_t cql_put_state(void *context, store_state_t from,
                             store_state_t to, bool *applied)
{
    store_cql_t *self = context;
    bool first = from.checkpoint == 0 && from.epoch == 0;
    cql_call_t call = {0};
    cql_begin(self, &call, first ? CQL_STATE_FIRST : CQL_STATE_MOVE,
              first ? 2 : 4);
    cql_put_bigint(&call.frame, (int64_t)to.checkpoint);
    cql_put_bigint(&call.frame, to.epoch);
    if (!first) {
        cql_put_bigint(&call.frame, (int64_t)from.checkpoint);
        cql_put_bigint(&call.frame, from.epoch);
    }
    return cql_finish_if(self, &call, applied);
}

/* ---- Records ------------------------------------------------------------- */

/* One write: what is left to be given to the batches. */
typedef struct {
    store_cql_t *store;
    const record_t *records;
    size_t left;
    store_result_t result; /* the worst so far */
} writing_t;

static cql_bytes_t s_id(const store_cql_t *self, cql_statement_t statement)
{
    const cql_id_t *id = &self->statements.ids[statement];
    return (cql_bytes_t){id->bytes, id->size};
}

static void s_put_placement(cql_writer_t *frame, const record_t *record)
{
    uint8_t user[8];
    for (int i = 0; i < 8; i++)
        user[i] = (uint8_t)(record->user >> (56 - 8 * i));
    cql_put_bigint(frame, (int64_t)record->seq);
    cql_put_bigint(frame, (int64_t)record->placed_at_ms);
    cql_put_blob(frame, user, sizeof user);
    cql_put_int(frame, record->x);
    cql_put_int(frame, record->y);
    cql_put_int(frame, record->color);
}

static void s_next_batch(writing_t *writing, cql_call_t *call)
{
    store_cql_t *self = writing->store;
    size_t count =
        writing->left < BATCH_RECORDS ? writing->left : BATCH_RECORDS;
    cql_batch_begin(&call->frame);
    for (size_t i = 0; i < count; i++) {
        cql_batch_entry(&call->frame, s_id(self, CQL_PLACE),
                        CQL_PLACEMENT_COLUMNS);
        s_put_placement(&call->frame, &writing->records[i]);
        cql_batch_entry(&call->frame, s_id(self, CQL_PLACE_BY_USER),
                        CQL_PLACEMENT_COLUMNS);
        s_put_placement(&call->frame, &writing->records[i]);
    }
    cql_batch_end(&call->frame, (uint16_t)(2 * count), self->consistency);
    writing->records += count;
    writing->left -= count;
    cql_client_start(self->client, call);
}

static void s_worsen(writing_t *writing, const cql_call_t *call)
{
    if (call->result > writing->result)
        writing->result = call->result;
}

static void s_on_batch(cql_call_t *call)
{
    writing_t *writing = call->context;
    s_worsen(writing, call);
    if (writing->result == STORE_OK && writing->left > 0)
        s_next_batch(writing, call);
}

static void s_on_blob(cql_call_t *call)
{
    s_worsen(call->context, call);
}

static void s_begin_blob(store_cql_t *self, cql_call_t *call, int64_t chunk,
                         uint64_t first, uint64_t last, const uint8_t *bytes,
                         size_t size)
{
    cql_begin(self, call, CQL_BLOB_PUT, 4);
    cql_put_bigint(&call->frame, chunk);
    cql_put_bigint(&call->frame, (int64_t)first);
    cql_put_bigint(&call->frame, (int64_t)last);
    cql_put_blob(&call->frame, bytes, size);
}

store_result_t cql_put_journal(void *context, int64_t chunk, uint64_t first,
                               uint64_t last, const uint8_t *bytes, size_t size)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    s_begin_blob(self, &call, chunk, first, last, bytes, size);
    return cql_finish(self, &call, CQL_WRITE_MS, 0, NULL, NULL);
}

static void s_start_blob(writing_t *writing, cql_call_t *call, chain_t before,
                         const record_t *records, size_t count)
{
    store_cql_t *self = writing->store;
    uint64_t first = records[0].seq;
    uint8_t *blob = mem_alloc(blob_bound(count));
    size_t size = blob_encode(self->codec, blob, before, records, count);
    s_begin_blob(self, call, (int64_t)(first >> JOURNAL_CHUNK_SHIFT), first,
                 first + count - 1, blob, size);
    cql_execute_end(&call->frame, 0, (cql_bytes_t){0}, false);
    free(blob);
    call->timeout_ms = CQL_WRITE_MS;
    call->context = writing;
    call->on_end = s_on_blob;
    cql_client_start(self->client, call);
}

/* At most a blob of records: placements and blob side by side. */
static store_result_t s_put_records(void *context, chain_t before,
                                    const record_t *records, size_t count)
{
    store_cql_t *self = context;
    cql_call_t blob = {0};
    writing_t writing = {.store = self, .records = records, .left = count};
    s_start_blob(&writing, &blob, before, records, count);
    for (unsigned i = 0; i < self->parallel && writing.left > 0; i++) {
        cql_call_t *call = &self->batches[i];
        call->timeout_ms = CQL_WRITE_MS;
        call->context = &writing;
        call->on_end = s_on_batch;
        s_next_batch(&writing, call);
    }
    cql_client_run(self->client);
    cql_writer_fini(&blob.frame);
    return writing.result;
}

void cql_fail(void *self, const char *why)
{
    cql_client_fail(((store_cql_t *)self)->client, "%s", why);
}

store_result_t cql_write(store_t *base, chain_t before, const record_t *records,
                         size_t count, uint32_t epoch)
{
    static const remote_writer_t writer = {
        .read_state = cql_read_state,
        .put_records = s_put_records,
        .put_state = cql_put_state,
        .fail = cql_fail,
    };
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result == STORE_OK)
        result = remote_settle(&self->remote, base, &self->state);
    if (result != STORE_OK)
        return result;
    return remote_write(&writer, self, &self->state, before, records, count,
                        epoch);
}
