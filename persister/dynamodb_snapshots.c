/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots in PREFIX-snapshots. All heads stand in one partition, so that the
 * newest is one query; a head names the partition of its parts:
 *
 *     snapshot "heads"        part SEQ · taken_at, digest, size, parts N,
 *                                        body S, canvas S
 *     snapshot BODY           part 0 … parts - 1 · data B
 *
 * BODY is "SEQ-TAKEN_AT": a second snapshot of the same seq has parts of its
 * own. The head is written behind all parts and dropped before them: what has
 * a head is whole.
 */
#include "persister/dynamodb_item.h"
#include "persister/snapshot_pack.h"
#include "persister/snapshots.h"
#include "persister/store_dynamodb.h"

#include "common/log.h"
#include "common/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADS_MAX 65536 /* read at once while thinning */

typedef struct {
    uint64_t seq, taken_at_ms, digest, size, parts;
    char *body, *canvas; /* owned */
} head_t;

static void s_head_fini(head_t *self)
{
    free(self->body);
    free(self->canvas);
    *self = (head_t){0};
}

static int s_head_read(head_t *self, const json_t *item)
{
    const char *body = item_get_string(item, "body");
    const char *canvas = item_get_string(item, "canvas");
    *self = (head_t){0};
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

static store_result_t s_delete_parts(store_dynamodb_t *self, const head_t *head)
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
                                 uint32_t parts, head_t *before)
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
        *before = (head_t){0};
    json_decref(answer);
    return result;
}

store_result_t dynamodb_put_snapshot(store_t *base,
                                     const store_snapshot_t *snapshot)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    snapshot_pack_t pack =
        snapshot_pack(snapshot->pixels, snapshot->pixels_size);
    char name[48];
    snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64, snapshot->seq,
             snapshot->taken_at_ms);
    store_result_t result = STORE_OK;
    for (uint32_t i = 0; i < pack.parts && result == STORE_OK; i++)
        result = s_put_part(self, name, &pack, i);
    head_t before = {0};
    if (result == STORE_OK)
        result = s_put_head(self, name, snapshot, pack.parts, &before);
    if (result == STORE_OK && before.body && strcmp(before.body, name) != 0)
        result = s_delete_parts(self, &before);
    s_head_fini(&before);
    snapshot_pack_fini(&pack);
    return result;
}

/* ---- Get ----------------------------------------------------------------- */

typedef struct {
    head_t *heads;
    size_t count, capacity;
    bool damaged;
} heads_t;

static bool s_on_head(void *context, const json_t *item)
{
    heads_t *self = context;
    if (self->count == self->capacity)
        return false;
    self->damaged = s_head_read(&self->heads[self->count], item) != 0;
    self->count += !self->damaged;
    return !self->damaged && self->count < self->capacity;
}

/* Heads with seq ≤ at_most, newest first, as many as there is room for. */
static store_result_t s_read_heads(store_dynamodb_t *self, uint64_t at_most,
                                   heads_t *heads)
{
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

typedef struct {
    uint8_t *bytes;
    size_t size;
    uint64_t parts; /* read so far */
} parts_t;

static bool s_on_part(void *context, const json_t *item)
{
    parts_t *self = context;
    size_t size;
    uint64_t part;
    uint8_t *bytes = item_get_bytes(item, "data", &size);
    bool fits = bytes && !item_get_number(item, "part", &part) &&
                part == self->parts && part < SNAPSHOT_PARTS_MAX;
    if (fits) {
        self->bytes = mem_realloc(self->bytes, self->size + size + 1, 1);
        memcpy(self->bytes + self->size, bytes, size);
        self->size += size;
        self->parts++;
    }
    free(bytes);
    return fits;
}

/* NONE where a part is missing or damaged. */
static store_result_t s_read_body(store_dynamodb_t *self, const head_t *head,
                                  store_snapshot_t *snapshot)
{
    json_text_t body = {0};
    parts_t parts = {0};
    dynamodb_begin(self, &body, DYNAMODB_SNAPSHOTS);
    json_put(&body, ",\"ConsistentRead\":true,\"KeyConditionExpression\":"
                    "\"#s=:s\",\"ExpressionAttributeNames\":{\"#s\":"
                    "\"snapshot\"},\"ExpressionAttributeValues\":{");
    item_put_string(&body, ":s", head->body);
    json_put(&body, "}");
    store_result_t result =
        dynamodb_pages(self, "Query", &body, s_on_part, &parts);
    uint8_t *pixels = NULL;
    if (result == STORE_OK && parts.parts == head->parts)
        pixels = snapshot_unpack(parts.bytes, parts.size, head->size);
    free(parts.bytes);
    if (result != STORE_OK)
        return result;
    if (!pixels) {
        log_warn("store_snapshot_damaged", "snapshot=%s", head->body);
        return STORE_NONE;
    }
    *snapshot = (store_snapshot_t){
        .seq = head->seq,
        .taken_at_ms = head->taken_at_ms,
        .digest = (uint32_t)head->digest,
        .canvas = mem_strdup(head->canvas),
        .pixels = pixels,
        .pixels_size = head->size,
    };
    return STORE_OK;
}

store_result_t dynamodb_get_snapshot(store_t *base, uint64_t at_most,
                                     store_snapshot_t *snapshot)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    store_result_t result;
    bool again;
    do {
        head_t head = {0};
        heads_t heads = {.heads = &head, .capacity = 1};
        result = s_read_heads(self, at_most, &heads);
        bool found = result == STORE_OK && heads.count > 0;
        if (result == STORE_OK)
            result = found ? s_read_body(self, &head, snapshot) : STORE_NONE;
        /* A damaged one is passed over for the one before. */
        again = found && result == STORE_NONE && head.seq > 0;
        at_most = head.seq - 1;
        s_head_fini(&head);
    } while (again);
    return result;
}

/* ---- Thin ---------------------------------------------------------------- */

/* `heads` newest first. */
static store_result_t s_drop(store_dynamodb_t *self, const heads_t *heads,
                             uint64_t now_ms)
{
    uint64_t *taken_at_ms = mem_zalloc(heads->count + 1, sizeof *taken_at_ms);
    bool *keep = mem_zalloc(heads->count + 1, sizeof *keep);
    for (size_t i = 0; i < heads->count; i++)
        taken_at_ms[i] = heads->heads[heads->count - 1 - i].taken_at_ms;
    snapshot_keep(taken_at_ms, heads->count, now_ms, keep);
    store_result_t result = STORE_OK;
    for (size_t i = 0; i < heads->count && result == STORE_OK; i++) {
        const head_t *head = &heads->heads[heads->count - 1 - i];
        if (keep[i])
            continue;
        result = s_delete(self, "heads", head->seq);
        if (result == STORE_OK)
            result = s_delete_parts(self, head);
    }
    free(taken_at_ms);
    free(keep);
    return result;
}

store_result_t dynamodb_thin_snapshots(store_t *base, uint64_t now_ms)
{
    store_dynamodb_t *self = (store_dynamodb_t *)base;
    heads_t heads = {
        .heads = mem_zalloc(HEADS_MAX, sizeof(head_t)),
        .capacity = HEADS_MAX,
    };
    store_result_t result = s_read_heads(self, UINT64_MAX, &heads);
    if (result == STORE_OK)
        result = s_drop(self, &heads, now_ms);
    for (size_t i = 0; i < heads.count; i++)
        s_head_fini(&heads.heads[i]);
    free(heads.heads);
    return result;
}
