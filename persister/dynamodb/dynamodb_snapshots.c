/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots in PREFIX-snapshots. All heads stand in one partition, so that the
 * newest is one query; a head names the partition of its parts:
 *
 *     snapshot "heads"        part SEQ · taken_at, digest, size, parts N,
 *                                        body S, canvas S
 *     snapshot BODY           part 0 … parts - 1 · data B
 *
 * What that is for, and why a head means a whole one: snapshot_head.h.
 */
#include "persister/dynamodb/dynamodb_item.h"
#include "persister/dynamodb/store_dynamodb.h"
#include "persister/snapshot_head.h"
#include "persister/snapshot_pack.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

static int s_head_read(snapshot_head_t *self, const json_t *item)
{
    const char *body = item_get_string(item, "body");
    const char *canvas = item_get_string(item, "canvas");
    *self = (snapshot_head_t){0};
    if (!body || !canvas || item_get_number(item, "part", &self->seq) ||
        item_get_number(item, "taken_at", &self->taken_at_ms) ||
        item_get_number(item, "digest", &self->digest) ||
        item_get_number(item, "size", &self->size) ||
        item_get_number(item, "parts", &self->parts) ||
        self->parts > SNAPSHOT_PARTS_MAX)
        return -1;
    self->body = mem_strdup(body);
    self->canvas = mem_strdup(canvas);
    return 0;
}

static void s_put_key(json_text_t *body, const char *snapshot, uint64_t part)
{
    item_put_string(body, "snapshot", snapshot);
    json_put(body, ",");
    item_put_number(body, "part", part);
}

static store_result_t s_delete(store_dynamodb_t *self, const char *snapshot,
                               uint64_t part)
{
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_SNAPSHOTS);
    json_put(&body, ",\"Key\":{");
    s_put_key(&body, snapshot, part);
    json_put(&body, "}}");
    return dynamodb_ask(self, "DeleteItem", &body, DYNAMODB_LONG_MS, NULL,
                        NULL);
}

static store_result_t s_delete_parts(store_dynamodb_t *self,
                                     const snapshot_head_t *head)
{
    store_result_t result = STORE_OK;
    for (uint64_t i = 0; i < head->parts && result == STORE_OK; i++)
        result = s_delete(self, head->body, i);
    return result;
}

/* ---- Put ----------------------------------------------------------------- */

static store_result_t s_put_part(store_dynamodb_t *self, const char *name,
                                 const snapshot_pack_t *pack, uint32_t part)
{
    size_t size;
    const uint8_t *bytes = snapshot_pack_part(pack, part, &size);
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_SNAPSHOTS);
    json_put(&body, ",\"Item\":{");
    s_put_key(&body, name, part);
    json_put(&body, ",");
    item_put_bytes(&body, "data", bytes, size);
    json_put(&body, "}}");
    return dynamodb_ask(self, "PutItem", &body, DYNAMODB_LONG_MS, NULL, NULL);
}

/* The head; *before is the one whose place it takes, parts 0 for none. */
static store_result_t s_put_head(store_dynamodb_t *self, const char *name,
                                 const store_snapshot_t *snapshot,
                                 uint32_t parts, snapshot_head_t *before)
{
    json_text_t body = {0};
    json_t *answer = NULL;
    dynamodb_begin(self, &body, DYNAMODB_SNAPSHOTS);
    json_put(&body, ",\"ReturnValues\":\"ALL_OLD\",\"Item\":{");
    s_put_key(&body, "heads", snapshot->seq);
    json_put(&body, ",");
    item_put_number(&body, "taken_at", snapshot->taken_at_ms);
    json_put(&body, ",");
    item_put_number(&body, "digest", snapshot->digest);
    json_put(&body, ",");
    item_put_number(&body, "size", snapshot->pixels_size);
    json_put(&body, ",");
    item_put_number(&body, "parts", parts);
    json_put(&body, ",");
    item_put_string(&body, "body", name);
    json_put(&body, ",");
    item_put_string(&body, "canvas", snapshot->canvas);
    json_put(&body, "}}");
    store_result_t result =
        dynamodb_ask(self, "PutItem", &body, DYNAMODB_LONG_MS, &answer, NULL);
    const json_t *old = json_object_get(answer, "Attributes");
    if (!old || s_head_read(before, old))
        *before = (snapshot_head_t){0};
    json_decref(answer);
    return result;
}

store_result_t dynamodb_put_snapshot(store_t *base,
                                     const store_snapshot_t *snapshot)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    snapshot_pack_t pack =
        snapshot_pack(snapshot->pixels, snapshot->pixels_size);
    char name[SNAPSHOT_BODY_SIZE];
    snapshot_body_name(snapshot, name);
    store_result_t result = STORE_OK;
    for (uint32_t i = 0; i < pack.parts && result == STORE_OK; i++)
        result = s_put_part(self, name, &pack, i);
    snapshot_head_t before = {0};
    if (result == STORE_OK)
        result = s_put_head(self, name, snapshot, pack.parts, &before);
    if (result == STORE_OK && before.body && strcmp(before.body, name) != 0)
        result = s_delete_parts(self, &before);
    snapshot_head_fini(&before);
    snapshot_pack_fini(&pack);
    return result;
}

/* ---- Get ----------------------------------------------------------------- */

static bool s_on_head(void *context, const json_t *item)
{
    snapshot_heads_t *self = context;
    if (self->count == self->capacity)
        return false;
    self->damaged = s_head_read(&self->heads[self->count], item) != 0;
    self->count += !self->damaged;
    return !self->damaged && self->count < self->capacity;
}

/* Heads with seq ≤ at_most, newest first, as many as there is room for. */
static store_result_t s_read_heads(void *context, uint64_t at_most,
                                   snapshot_heads_t *heads)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    dynamodb_begin(self, &body, DYNAMODB_SNAPSHOTS);
    json_put(&body, ",\"ConsistentRead\":true,\"ScanIndexForward\":false,"
                    "\"KeyConditionExpression\":\"#s=:s AND #p<=:p\","
                    "\"ExpressionAttributeNames\":{\"#s\":\"snapshot\","
                    "\"#p\":\"part\"},\"ExpressionAttributeValues\":{");
    item_put_string(&body, ":s", "heads");
    json_put(&body, ",");
    item_put_number(&body, ":p", at_most);
    json_put(&body, "}");
    if (heads->capacity == 1)
        json_put(&body, ",\"Limit\":1");
    store_result_t result =
        dynamodb_pages(self, "Query", &body, s_on_head, heads);
    if (heads->damaged) {
        dynamodb_client_fail(self->client, "a damaged head in %s",
                             self->tables[DYNAMODB_SNAPSHOTS]);
        return STORE_FAILED;
    }
    return result;
}

static bool s_on_part(void *context, const json_t *item)
{
    size_t size;
    uint64_t part;
    uint8_t *bytes = item_get_bytes(item, "data", &size);
    bool fits = bytes && !item_get_number(item, "part", &part) &&
                snapshot_parts_add(context, part, bytes, size);
    free(bytes);
    return fits;
}

/* NONE where a part is missing or damaged. */
static store_result_t s_read_body(void *context, const snapshot_head_t *head,
                                  store_snapshot_t *snapshot)
{
    store_dynamodb_t *self = context;
    json_text_t body = {0};
    snapshot_parts_t parts = {0};
    dynamodb_begin(self, &body, DYNAMODB_SNAPSHOTS);
    json_put(&body, ",\"ConsistentRead\":true,\"KeyConditionExpression\":"
                    "\"#s=:s\",\"ExpressionAttributeNames\":{\"#s\":"
                    "\"snapshot\"},\"ExpressionAttributeValues\":{");
    item_put_string(&body, ":s", head->body);
    json_put(&body, "}");
    store_result_t result =
        dynamodb_pages(self, "Query", &body, s_on_part, &parts);
    if (result == STORE_OK)
        result = snapshot_of_parts(head, &parts, snapshot);
    snapshot_parts_fini(&parts);
    return result;
}

store_result_t dynamodb_get_snapshot(store_t *base, uint64_t at_most,
                                     store_snapshot_t *snapshot)
{
    static const snapshot_reader_t reader = {s_read_heads, s_read_body};
    return snapshot_newest(&reader, base, at_most, snapshot);
}

store_result_t dynamodb_newest_snapshot(store_t *base, uint64_t *seq,
                                        uint64_t *taken_at_ms)
{
    return snapshot_newest_head(s_read_heads, base, seq, taken_at_ms);
}

store_result_t dynamodb_snapshots(store_t *base, store_stamp_fn visit,
                                  void *context)
{
    return snapshot_heads_visit(s_read_heads, base, visit, context);
}

/* ---- Thin ---------------------------------------------------------------- */

static store_result_t s_drop(void *context, const snapshot_head_t *head)
{
    store_result_t result = s_delete(context, "heads", head->seq);
    return result == STORE_OK ? s_delete_parts(context, head) : result;
}

store_result_t dynamodb_thin_snapshots(store_t *base, uint64_t now_ms)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    snapshot_heads_t heads = snapshot_heads_of(SNAPSHOT_HEADS_MAX);
    store_result_t result = s_read_heads(self, UINT64_MAX, &heads);
    if (result == STORE_OK)
        result = snapshot_heads_thin(&heads, now_ms, s_drop, self);
    snapshot_heads_fini(&heads);
    return result;
}

store_result_t dynamodb_cut_snapshots(void *self, uint64_t after)
{
    snapshot_heads_t heads = snapshot_heads_of(SNAPSHOT_HEADS_MAX);
    store_result_t result = s_read_heads(self, UINT64_MAX, &heads);
    if (result == STORE_OK)
        result = snapshot_heads_cut(&heads, after, s_drop, self);
    snapshot_heads_fini(&heads);
    return result;
}
