/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading much: the journal in order, every placement, and the pages that both
 * come in.
 */
#include "common/mem.h"
#include "persister/dynamodb/dynamodb_item.h"
#include "persister/dynamodb/store_dynamodb.h"
#include "persister/journal_cursor.h"

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

typedef struct {
    remote_blob_fn visit;
    void *context;
} blobs_t;

static bool s_on_blob(void *context, const json_t *item)
{
    blobs_t *blobs = context;
    size_t size = 0;
    uint8_t *blob = item_get_bytes(item, "data", &size);
    bool more = blobs->visit(blobs->context, blob ? blob : (uint8_t *)"", size);
    free(blob);
    return more;
}

store_result_t dynamodb_blobs(void *context, int64_t chunk, uint64_t least,
                              uint64_t most, remote_blob_fn visit,
                              void *visit_context)
{
    store_dynamodb_t *self = context;
    blobs_t blobs = {visit, visit_context};
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_JOURNAL);
    json_put(&body, ",\"ConsistentRead\":true,\"KeyConditionExpression\":"
                    "\"#c=:c AND #f BETWEEN :a AND :b\","
                    "\"ExpressionAttributeNames\":{\"#c\":\"chunk\","
                    "\"#f\":\"first\"},\"ExpressionAttributeValues\":{");
    item_put_integer(&body, ":c", chunk);
    json_put(&body, ",");
    item_put_number(&body, ":a", least);
    json_put(&body, ",");
    item_put_number(&body, ":b", most);
    json_put(&body, "}");
    return dynamodb_pages(self, "Query", &body, s_on_blob, &blobs);
}

static bool s_take(void *cursor, const uint8_t *bytes, size_t size)
{
    return journal_cursor_take(cursor, bytes, size);
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
        result =
            dynamodb_blobs(self, (int64_t)chunk, journal_cursor_least(&cursor),
                           cursor.to, s_take, &cursor);
    } while (result == STORE_OK && journal_cursor_more(&cursor, chunk++));
    if (result == STORE_OK)
        result = journal_cursor_result(&cursor, self->state.checkpoint);
    if (cursor.broken)
        dynamodb_client_fail(self->client, "%s", cursor.why);
    journal_cursor_fini(&cursor);
    return result;
}

/* ---- Placements ---------------------------------------------------------- */

/* Rows of one segment, on the average: about a page of 1 MB. Many segments are
 * read side by side, and DynamoDB Local needs them: for each page it reads the
 * whole rest of the segment. */
#define SEGMENT_ROWS 8192
#define SEGMENTS_MAX 1000000

typedef struct {
    store_dynamodb_t *store;
    store_scan_fn visit;
    void *context;
    uint64_t segments, next; /* all; the one to be begun next */
    bool stopped;            /* visit has enough */
    bool damaged;
    store_result_t result; /* the worst so far */
} placements_t;

/* One of the segments that are read now. */
typedef struct {
    placements_t *all;
    uint64_t number;
    char *start; /* of the next page; NULL: the segment is over */
} segment_t;

/* False where no more are wanted. */
static bool s_take_rows(placements_t *self, const json_t *items)
{
    const json_t *item;
    size_t i;
    json_array_foreach(items, i, item)
    {
        record_t record;
        self->damaged = self->damaged || item_get_placement(item, &record);
        if (self->damaged || !self->visit(self->context, &record, 1))
            return false;
    }
    return !self->damaged;
}

static bool s_on_rows(dynamodb_call_t *call, const char *json, size_t size)
{
    segment_t *segment = call->context;
    placements_t *all = segment->all;
    json_t *answer = json_loadb(json, size, 0, NULL);
    const json_t *last = json_object_get(answer, "LastEvaluatedKey");
    const json_t *items = json_object_get(answer, "Items");
    all->damaged = all->damaged || !items;
    free(segment->start);
    segment->start = last ? json_dumps(last, JSON_COMPACT) : NULL;
    if (!all->stopped)
        all->stopped = !s_take_rows(all, items);
    json_decref(answer);
    return true;
}

static void s_read_rows(segment_t *segment, dynamodb_call_t *call)
{
    placements_t *all = segment->all;
    json_text_t *body = &call->body;
    json_text_clear(body);
    dynamodb_begin(all->store, body, DYNAMODB_PLACEMENTS);
    json_put(body, ",\"ConsistentRead\":true,\"TotalSegments\":");
    json_put_number(body, all->segments);
    json_put(body, ",\"Segment\":");
    json_put_number(body, segment->number);
    if (segment->start) {
        json_put(body, ",\"ExclusiveStartKey\":");
        json_put(body, segment->start);
    }
    json_put(body, "}");
    dynamodb_client_start(all->store->client, call);
}

/* The segment's next page, else the next segment. */
static void s_on_segment(dynamodb_call_t *call)
{
    segment_t *segment = call->context;
    placements_t *all = segment->all;
    if (call->result > all->result)
        all->result = call->result;
    if (all->stopped || all->result != STORE_OK)
        return;
    if (!segment->start) {
        if (all->next == all->segments)
            return;
        segment->number = all->next++;
    }
    s_read_rows(segment, call);
}

static void s_read_segments(placements_t *self)
{
    unsigned lanes = self->store->in_flight;
    segment_t *segments = mem_zalloc(lanes, sizeof *segments);
    dynamodb_call_t *calls = mem_zalloc(lanes, sizeof *calls);
    for (unsigned i = 0; i < lanes && self->next < self->segments; i++) {
        segments[i] = (segment_t){.all = self, .number = self->next++};
        calls[i].operation = "Scan";
        calls[i].timeout_ms = DYNAMODB_LONG_MS;
        calls[i].context = &segments[i];
        calls[i].on_answer = s_on_rows;
        calls[i].on_end = s_on_segment;
        s_read_rows(&segments[i], &calls[i]);
    }
    dynamodb_client_run(self->store->client);
    for (unsigned i = 0; i < lanes; i++) {
        free(segments[i].start);
        json_text_fini(&calls[i].body);
    }
    free(segments);
    free(calls);
}

store_result_t dynamodb_placements(store_t *base, store_scan_fn visit,
                                   void *context)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    uint64_t segments = self->state.checkpoint / SEGMENT_ROWS + 1;
    placements_t reader = {
        .store = self,
        .visit = visit,
        .context = context,
        .segments = segments < SEGMENTS_MAX ? segments : SEGMENTS_MAX,
    };
    s_read_segments(&reader);
    if (reader.damaged) {
        dynamodb_client_fail(self->client, "a damaged row in %s",
                             self->tables[DYNAMODB_PLACEMENTS]);
        return STORE_FAILED;
    }
    return reader.result;
}
