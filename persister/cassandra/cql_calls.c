/* SPDX-License-Identifier: Apache-2.0
 *
 * How the files of the CQL store talk to the client: one prepared statement,
 * its values, its rows.
 */
#include "persister/cassandra/store_cql.h"

void cql_begin(store_cql_t *self, cql_call_t *call, cql_statement_t statement,
               uint16_t values)
{
    const cql_id_t *id = &self->statements.ids[statement];
    cql_execute_begin(&call->frame, (cql_bytes_t){id->bytes, id->size},
                      self->consistency, values);
}

/* The rows of a call, through all its pages. */
typedef struct {
    cql_row_fn visit;
    void *context;
    int32_t page_size;
    size_t values_end; /* of the frame: what follows is written per page */
    bool damaged;
} rows_t;

static bool s_on_page(cql_call_t *call, cql_reply_t *reply)
{
    rows_t *rows = call->context;
    cql_bytes_t values[CQL_COLUMNS_MAX];
    cql_result_t got = CQL_MORE;
    bool wanted = rows->visit != NULL && reply->result == CQL_RESULT_ROWS;
    while (wanted && (got = cql_row_next(reply, values)) == CQL_OK)
        wanted = rows->visit(rows->context, values, reply->column_count);
    rows->damaged = got == CQL_BAD;
    if (!wanted || rows->damaged || !reply->paging.bytes)
        return true;
    call->frame.size = rows->values_end;
    cql_execute_end(&call->frame, rows->page_size, reply->paging, false);
    return false;
}

store_result_t cql_finish(store_cql_t *self, cql_call_t *call,
                          uint32_t timeout_ms, int32_t page_size,
                          cql_row_fn visit, void *context)
{
    rows_t rows = {
        .visit = visit,
        .context = context,
        .page_size = page_size,
        .values_end = call->frame.size,
    };
    cql_execute_end(&call->frame, page_size, (cql_bytes_t){0}, false);
    call->timeout_ms = timeout_ms;
    call->context = &rows;
    call->on_result = s_on_page;
    store_result_t result = cql_client_ask(self->client, call);
    cql_writer_fini(&call->frame);
    if (result == STORE_OK && rows.damaged) {
        cql_client_fail(self->client, "the server sent a damaged row");
        result = STORE_RETRY;
    }
    return result;
}

/* The first column of a conditional statement's row is [applied]. */
static bool s_on_applied(cql_call_t *call, cql_reply_t *reply)
{
    bool *applied = call->context;
    cql_bytes_t values[CQL_COLUMNS_MAX];
    *applied = reply->column_count > 0 &&
               cql_row_next(reply, values) == CQL_OK && values[0].size == 1 &&
               values[0].bytes[0] != 0;
    return true;
}

store_result_t cql_finish_if(store_cql_t *self, cql_call_t *call, bool *applied)
{
    *applied = false;
    cql_execute_end(&call->frame, 0, (cql_bytes_t){0}, true);
    call->timeout_ms = CQL_WRITE_MS;
    call->context = applied;
    call->on_result = s_on_applied;
    store_result_t result = cql_client_ask(self->client, call);
    cql_writer_fini(&call->frame);
    return result;
}

typedef struct {
    int64_t first, second;
    bool found, damaged;
} numbers_t;

static bool s_on_numbers(void *context, const cql_bytes_t *values,
                         uint32_t count)
{
    numbers_t *numbers = context;
    numbers->found = true;
    numbers->damaged = count != 2 ||
                       !cql_value_bigint(values[0], &numbers->first) ||
                       !cql_value_bigint(values[1], &numbers->second) ||
                       numbers->first < 0 || numbers->second < 0;
    return false;
}

store_result_t cql_numbers(store_cql_t *self, cql_call_t *call, uint64_t *first,
                           uint64_t *second)
{
    numbers_t numbers = {0};
    store_result_t result =
        cql_finish(self, call, CQL_WRITE_MS, 0, s_on_numbers, &numbers);
    if (result != STORE_OK)
        return result;
    if (!numbers.found)
        return STORE_NONE;
    if (numbers.damaged) {
        cql_client_fail(self->client, "a row of %s.meta is damaged",
                        self->keyspace);
        return STORE_FAILED;
    }
    *first = (uint64_t)numbers.first;
    *second = (uint64_t)numbers.second;
    return STORE_OK;
}
