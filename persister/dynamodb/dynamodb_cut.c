/* SPDX-License-Identifier: Apache-2.0
 *
 * What remote_cut.c needs of DynamoDB: marks in PREFIX-meta, blobs of any chunk
 * of PREFIX-journal, and rows that go.
 */
#include "common/mem.h"
#include "persister/dynamodb/dynamodb_item.h"
#include "persister/dynamodb/store_dynamodb.h"

#include <stdlib.h>
#include <string.h>

/* ---- Marks --------------------------------------------------------------- */

static void s_put_name(json_text_t *body, const char *name)
{
    json_put(body, ",\"Key\":{");
    item_put_string(body, "name", name);
    json_put(body, "}");
}

static store_result_t s_read_mark(void *context, const char *name,
                                  remote_mark_t *mark)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    json_t *answer = NULL;
    dynamodb_begin(self, &body, DYNAMODB_META);
    json_put(&body, ",\"ConsistentRead\":true");
    s_put_name(&body, name);
    json_put(&body, "}");
    store_result_t result =
        dynamodb_ask(self, "GetItem", &body, DYNAMODB_WRITE_MS, &answer, NULL);
    if (result != STORE_OK)
        return result;
    const json_t *item = json_object_get(answer, "Item");
    if (!item) {
        result = STORE_NONE;
    } else if (item_get_number(item, "checkpoint", &mark->seq) ||
               item_get_number(item, "epoch", &mark->epoch)) {
        dynamodb_client_fail(self->client, "the mark %s in %s is damaged", name,
                             self->tables[DYNAMODB_META]);
        result = STORE_FAILED;
    }
    json_decref(answer);
    return result;
}

static store_result_t s_put_mark(void *context, const char *name,
                                 remote_mark_t mark)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_META);
    json_put(&body, ",\"Item\":{");
    item_put_string(&body, "name", name);
    json_put(&body, ",");
    item_put_number(&body, "checkpoint", mark.seq);
    json_put(&body, ",");
    item_put_number(&body, "epoch", mark.epoch);
    json_put(&body, "}}");
    return dynamodb_ask(self, "PutItem", &body, DYNAMODB_WRITE_MS, NULL, NULL);
}

static store_result_t s_drop_mark(void *context, const char *name)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_META);
    s_put_name(&body, name);
    json_put(&body, "}");
    return dynamodb_ask(self, "DeleteItem", &body, DYNAMODB_WRITE_MS, NULL,
                        NULL);
}

/* ---- Blobs --------------------------------------------------------------- */

static store_result_t s_put_blob(void *context, int64_t chunk, uint64_t first,
                                 uint64_t last, const uint8_t *bytes,
                                 size_t size)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_JOURNAL);
    json_put(&body, ",\"Item\":{");
    item_put_integer(&body, "chunk", chunk);
    json_put(&body, ",");
    item_put_number(&body, "first", first);
    json_put(&body, ",");
    item_put_number(&body, "last", last);
    json_put(&body, ",");
    item_put_bytes(&body, "data", bytes, size);
    json_put(&body, "}}");
    return dynamodb_ask(self, "PutItem", &body, DYNAMODB_WRITE_MS, NULL, NULL);
}

static store_result_t s_drop_blob(void *context, int64_t chunk, uint64_t first,
                                  uint64_t last)
{
    store_dynamodb_t *self = context;
    char code[DYNAMODB_CODE_SIZE];
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_JOURNAL);
    json_put(&body, ",\"ConditionExpression\":\"#l=:l\","
                    "\"ExpressionAttributeNames\":{\"#l\":\"last\"},"
                    "\"ExpressionAttributeValues\":{");
    item_put_number(&body, ":l", last);
    json_put(&body, "},\"Key\":{");
    item_put_integer(&body, "chunk", chunk);
    json_put(&body, ",");
    item_put_number(&body, "first", first);
    json_put(&body, "}}");
    store_result_t result =
        dynamodb_ask(self, "DeleteItem", &body, DYNAMODB_WRITE_MS, NULL, code);
    return strcmp(code, DYNAMODB_CONDITION_FAILED) ? result : STORE_OK;
}

/* ---- Rows ---------------------------------------------------------------- */

/* Rows that go, one DeleteItem each: only while they are what was replaced, so
 * that a row of the winner's at the same pixel and seq stays. */
typedef struct {
    store_dynamodb_t *store;
    const record_t *records;
    size_t left;
    store_result_t result; /* the worst so far */
} dropping_t;

static void s_drop_next(dropping_t *dropping, dynamodb_call_t *call)
{
    const record_t *record = dropping->records++;
    json_text_t *body = &call->body;
    dropping->left--;
    json_text_clear(body);
    dynamodb_begin(dropping->store, body, DYNAMODB_PLACEMENTS);
    json_put(body, ",\"ConditionExpression\":\"#u=:u AND #t=:t\","
                   "\"ExpressionAttributeNames\":{\"#u\":\"user\","
                   "\"#t\":\"placed_at\"},\"ExpressionAttributeValues\":{");
    item_put_hex(body, ":u", record->user);
    json_put(body, ",");
    item_put_number(body, ":t", record->placed_at_ms);
    json_put(body, "},\"Key\":{");
    item_put_pixel(body, "pixel", record->x, record->y);
    json_put(body, ",");
    item_put_number(body, "seq", record->seq);
    json_put(body, "}}");
    dynamodb_client_start(dropping->store->client, call);
}

static void s_on_dropped(dynamodb_call_t *call)
{
    dropping_t *dropping = call->context;
    bool gone = strcmp(call->code, DYNAMODB_CONDITION_FAILED) == 0;
    if (!gone && call->result > dropping->result)
        dropping->result = call->result;
    if (dropping->result == STORE_OK && dropping->left)
        s_drop_next(dropping, call);
}

static store_result_t s_drop_rows(void *context, const record_t *records,
                                  size_t count)
{
    store_dynamodb_t *self = context;
    dropping_t dropping = {self, records, count, STORE_OK};
    dynamodb_call_t *calls = mem_zalloc(self->in_flight, sizeof *calls);
    for (unsigned i = 0; i < self->in_flight && dropping.left; i++) {
        calls[i].operation = "DeleteItem";
        calls[i].timeout_ms = DYNAMODB_WRITE_MS;
        calls[i].context = &dropping;
        calls[i].on_end = s_on_dropped;
        s_drop_next(&dropping, &calls[i]);
    }
    dynamodb_client_run(self->client);
    for (unsigned i = 0; i < self->in_flight; i++)
        json_text_fini(&calls[i].body);
    free(calls);
    return dropping.result;
}

const remote_ops_t dynamodb_remote = {
    .read_mark = s_read_mark,
    .put_mark = s_put_mark,
    .drop_mark = s_drop_mark,
    .blobs = dynamodb_blobs,
    .put_blob = s_put_blob,
    .drop_blob = s_drop_blob,
    .drop_rows = s_drop_rows,
    .cut_snapshots = dynamodb_cut_snapshots,
    .read_state = dynamodb_read_state,
    .put_state = dynamodb_put_state,
    .fail = dynamodb_fail,
};
