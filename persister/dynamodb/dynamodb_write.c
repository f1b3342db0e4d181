/* SPDX-License-Identifier: Apache-2.0
 *
 * State and records into DynamoDB. A write puts placements (many BatchWriteItem
 * in flight) and journal blobs side by side, then moves the checkpoint; each of
 * the three may be repeated at will: placements are keyed by pixel and seq, a
 * blob never replaces a longer one, the checkpoint never goes back.
 */
#include "common/mem.h"
#include "persister/dynamodb/dynamodb_item.h"
#include "persister/dynamodb/store_dynamodb.h"
#include "persister/journal_cursor.h"
#include "persister/remote_write.h"

#include <stdlib.h>
#include <string.h>

/* ---- State --------------------------------------------------------------- */

store_result_t dynamodb_read_state(void *context, store_state_t *state)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    json_t *answer = NULL;
    dynamodb_begin(self, &body, DYNAMODB_META);
    json_put(&body, ",\"ConsistentRead\":true,\"Key\":{\"name\":{\"S\":"
                    "\"state\"}}}");
    store_result_t result =
        dynamodb_ask(self, "GetItem", &body, DYNAMODB_WRITE_MS, &answer, NULL);
    if (result != STORE_OK)
        return result;
    const json_t *item = json_object_get(answer, "Item");
    uint64_t epoch = 0;
    *state = (store_state_t){0};
    if (item && (item_get_number(item, "checkpoint", &state->checkpoint) ||
                 item_get_number(item, "epoch", &epoch))) {
        dynamodb_client_fail(self->client, "the state in %s is damaged",
                             self->tables[DYNAMODB_META]);
        result = STORE_FAILED;
    }
    state->epoch = (uint32_t)epoch;
    json_decref(answer);
    return result;
}

store_result_t dynamodb_put_state(void *self, store_state_t from,
                                  store_state_t to, bool *applied)
{
    bool first = from.checkpoint == 0 && from.epoch == 0;
    json_text_t body = {0};
    char code[DYNAMODB_CODE_SIZE];
    dynamodb_begin(self, &body, DYNAMODB_META);
    json_put(&body, ",\"Key\":{\"name\":{\"S\":\"state\"}},"
                    "\"UpdateExpression\":\"SET #c=:c,#e=:e\","
                    "\"ExpressionAttributeNames\":"
                    "{\"#c\":\"checkpoint\",\"#e\":\"epoch\"},"
                    "\"ConditionExpression\":\"");
    json_put(&body, first ? "attribute_not_exists(#c)" : "#c=:fc AND #e=:fe");
    json_put(&body, "\",\"ExpressionAttributeValues\":{");
    item_put_number(&body, ":c", to.checkpoint);
    json_put(&body, ",");
    item_put_number(&body, ":e", to.epoch);
    if (!first) {
        json_put(&body, ",");
        item_put_number(&body, ":fc", from.checkpoint);
        json_put(&body, ",");
        item_put_number(&body, ":fe", from.epoch);
    }
    json_put(&body, "}}");
    store_result_t result =
        dynamodb_ask(self, "UpdateItem", &body, DYNAMODB_WRITE_MS, NULL, code);
    *applied = result == STORE_OK;
    return strcmp(code, DYNAMODB_CONDITION_FAILED) ? result : STORE_OK;
}

/* ---- Writing ------------------------------------------------------------- */

static void s_on_blob(dynamodb_call_t *call)
{
    store_result_t *result = call->context;
    if (call->result == STORE_FAILED &&
        strcmp(call->code, DYNAMODB_CONDITION_FAILED) == 0)
        return; /* a longer one stands there */
    if (call->result > *result)
        *result = call->result;
}

static void s_start_blob(store_dynamodb_t *self, dynamodb_call_t *call,
                         chain_t before, const record_t *records, size_t count)
{
    uint64_t first = records[0].seq;
    uint8_t *blob = mem_alloc(blob_bound(count));
    size_t size = blob_encode(self->codec, blob, before, records, count);
    json_text_t *body = &call->body;
    dynamodb_begin(self, body, DYNAMODB_JOURNAL);
    json_put(body, ",\"ConditionExpression\":\"attribute_not_exists(#l) OR "
                   "#l<:l\",\"ExpressionAttributeNames\":{\"#l\":\"last\"},"
                   "\"ExpressionAttributeValues\":{");
    item_put_number(body, ":l", first + count - 1);
    json_put(body, "},\"Item\":{");
    item_put_number(body, "chunk", first >> JOURNAL_CHUNK_SHIFT);
    json_put(body, ",");
    item_put_number(body, "first", first);
    json_put(body, ",");
    item_put_number(body, "last", first + count - 1);
    json_put(body, ",");
    item_put_bytes(body, "data", blob, size);
    json_put(body, "}}");
    free(blob);
    call->operation = "PutItem";
    call->timeout_ms = DYNAMODB_WRITE_MS;
    call->on_end = s_on_blob;
    dynamodb_client_start(self->client, call);
}

/* At most a blob of records: placements and blob side by side. */
static store_result_t s_put_records(void *context, chain_t before,
                                    const record_t *records, size_t count)
{
    store_dynamodb_t *self = context;
    store_result_t result = STORE_OK;
    dynamodb_call_t call = {.context = &result};
    s_start_blob(self, &call, before, records, count);
    dynamodb_batch_start(self->batch, records, count, DYNAMODB_WRITE_MS);
    dynamodb_client_run(self->client);
    json_text_fini(&call.body);
    store_result_t placements = dynamodb_batch_result(self->batch);
    return placements > result ? placements : result;
}

void dynamodb_fail(void *self, const char *why)
{
    dynamodb_client_fail(((store_dynamodb_t *)self)->client, "%s", why);
}

store_result_t dynamodb_write(store_t *base, chain_t before,
                              const record_t *records, size_t count,
                              uint32_t epoch)
{
    static const remote_writer_t writer = {
        .read_state = dynamodb_read_state,
        .put_records = s_put_records,
        .put_state = dynamodb_put_state,
        .fail = dynamodb_fail,
    };
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    store_result_t result = remote_settle(&self->remote, base, &self->state);
    if (result != STORE_OK)
        return result;
    return remote_write(&writer, self, &self->state, before, records, count,
                        epoch);
}
