/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading much: the journal in order, every placement, and the pages that both
 * come in.
 */
#include "persister/dynamodb_item.h"
#include "persister/journal_cursor.h"
#include "persister/store_dynamodb.h"

#include <stdlib.h>

/* One page; `start` is where it begins, NULL for the first, and becomes where
 * the next one does. */
static store_result_t s_page(store_dynamodb_t *self, const char *operation,
                             const json_text_t *body, char **start,
                             json_t **answer)
{
    json_text_t page = {0};
    json_put_raw(&page, body->bytes, body->size);
    if (*start) {
        json_put(&page, ",\"ExclusiveStartKey\":");
        json_put(&page, *start);
    }
    json_put(&page, "}");
    free(*start);
    *start = NULL;
    store_result_t result =
        dynamodb_ask(self, operation, &page, DYNAMODB_LONG_MS, answer, NULL);
    if (result != STORE_OK)
        return result;
    const json_t *last = json_object_get(*answer, "LastEvaluatedKey");
    if (last)
        *start = json_dumps(last, JSON_COMPACT);
    return STORE_OK;
}

store_result_t dynamodb_pages(store_dynamodb_t *self, const char *operation,
                              json_text_t *body, dynamodb_item_fn visit,
                              void *context)
{
    char *start = NULL;
    store_result_t result;
    bool more = true;
    do {
        json_t *answer = NULL;
        const json_t *item;
        size_t i;
        result = s_page(self, operation, body, &start, &answer);
        json_array_foreach(json_object_get(answer, "Items"), i, item)
        {
            more = visit(context, item);
            if (!more)
                break;
        }
        json_decref(answer);
    } while (result == STORE_OK && more && start);
    free(start);
    json_text_fini(body);
    return result;
}

/* ---- The journal --------------------------------------------------------- */

static bool s_on_blob(void *context, const json_t *item)
{
    journal_cursor_t *cursor = context;
    size_t size = 0;
    uint8_t *blob = item_get_bytes(item, "data", &size);
    bool more = journal_cursor_take(cursor, blob ? blob : (uint8_t *)"", size);
    free(blob);
    return more;
}

static void s_chunk_query(store_dynamodb_t *self, json_text_t *body,
                          uint64_t chunk, const journal_cursor_t *cursor)
{
    dynamodb_begin(self, body, DYNAMODB_JOURNAL);
    json_put(body, ",\"ConsistentRead\":true,\"KeyConditionExpression\":"
                   "\"#c=:c AND #f BETWEEN :a AND :b\","
                   "\"ExpressionAttributeNames\":{\"#c\":\"chunk\","
                   "\"#f\":\"first\"},\"ExpressionAttributeValues\":{");
    item_put_number(body, ":c", chunk);
    json_put(body, ",");
    item_put_number(body, ":a", journal_cursor_least(cursor));
    json_put(body, ",");
    item_put_number(body, ":b", cursor->to);
    json_put(body, "}");
}

store_result_t dynamodb_scan(store_t *base, uint64_t from, uint64_t to,
                             store_scan_fn visit, void *context)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    journal_cursor_t cursor;
    journal_cursor_init(&cursor, self->codec, from, to, visit, context);
    uint64_t chunk = journal_cursor_chunk(&cursor);
    store_result_t result;
    do {
        json_text_t body = {0};
        s_chunk_query(self, &body, chunk, &cursor);
        result = dynamodb_pages(self, "Query", &body, s_on_blob, &cursor);
    } while (result == STORE_OK && journal_cursor_more(&cursor, chunk++));
    if (result == STORE_OK)
        result = journal_cursor_result(&cursor, self->state.checkpoint);
    if (cursor.broken)
        dynamodb_client_fail(self->client, "%s", cursor.why);
    journal_cursor_fini(&cursor);
    return result;
}

/* ---- Placements ---------------------------------------------------------- */

typedef struct {
    store_scan_fn visit;
    void *context;
    bool damaged;
} placements_t;

static bool s_on_placement(void *context, const json_t *item)
{
    placements_t *self = context;
    record_t record;
    self->damaged = item_get_placement(item, &record) != 0;
    return !self->damaged && self->visit(self->context, &record, 1);
}

store_result_t dynamodb_placements(store_t *base, store_scan_fn visit,
                                   void *context)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    placements_t reader = {.visit = visit, .context = context};
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_PLACEMENTS);
    json_put(&body, ",\"ConsistentRead\":true");
    store_result_t result =
        dynamodb_pages(self, "Scan", &body, s_on_placement, &reader);
    if (reader.damaged) {
        dynamodb_client_fail(self->client, "a damaged row in %s",
                             self->tables[DYNAMODB_PLACEMENTS]);
        return STORE_FAILED;
    }
    return result;
}
