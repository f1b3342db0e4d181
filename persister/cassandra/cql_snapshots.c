/* SPDX-License-Identifier: Apache-2.0
 *
 * Snapshots of the CQL store: snapshot_heads, all on one shelf so that the
 * newest is one read, and snapshot_parts. See snapshot_head.h.
 */
#include "persister/cassandra/store_cql.h"
#include "persister/snapshot_head.h"
#include "persister/snapshot_pack.h"

#include "common/mem.h"

#include <stdlib.h>
#include <string.h>

#define HEADS_A_PAGE 500
#define PARTS_A_PAGE 16

enum { SEQ, TAKEN_AT, DIGEST, SIZE, PARTS, BODY, CANVAS, HEAD_COLUMNS };

/* ---- Put ----------------------------------------------------------------- */

static store_result_t s_put_part(store_cql_t *self, const char *name,
                                 const snapshot_pack_t *pack, uint32_t part)
{
    size_t size;
    const uint8_t *bytes = snapshot_pack_part(pack, part, &size);
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_PART_PUT, 3);
    cql_put_text(&call.frame, name);
    cql_put_int(&call.frame, (int32_t)part);
    cql_put_blob(&call.frame, bytes, size);
    return cql_finish(self, &call, CQL_LONG_MS, 0, NULL, NULL);
}

static store_result_t s_put_head(store_cql_t *self, const char *name,
                                 const store_snapshot_t *snapshot,
                                 uint32_t parts)
{
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_HEAD_PUT, HEAD_COLUMNS);
    cql_put_bigint(&call.frame, (int64_t)snapshot->seq);
    cql_put_bigint(&call.frame, (int64_t)snapshot->taken_at_ms);
    cql_put_bigint(&call.frame, snapshot->digest);
    cql_put_bigint(&call.frame, (int64_t)snapshot->pixels_size);
    cql_put_int(&call.frame, (int32_t)parts);
    cql_put_text(&call.frame, name);
    cql_put_text(&call.frame, snapshot->canvas);
    return cql_finish(self, &call, CQL_LONG_MS, 0, NULL, NULL);
}

static store_result_t s_drop_parts(store_cql_t *self, const char *body)
{
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_PARTS_DROP, 1);
    cql_put_text(&call.frame, body);
    return cql_finish(self, &call, CQL_LONG_MS, 0, NULL, NULL);
}

/* ---- Get ----------------------------------------------------------------- */

static char *s_copy(cql_bytes_t value)
{
    char *text = mem_zalloc(value.size + 1, 1);
    if (value.size)
        memcpy(text, value.bytes, value.size);
    return text;
}

static int s_head(const cql_bytes_t *values, uint32_t count,
                  snapshot_head_t *head)
{
    int64_t seq, taken_at_ms, digest, size;
    int32_t parts;
    if (count != HEAD_COLUMNS || !cql_value_bigint(values[SEQ], &seq) ||
        !cql_value_bigint(values[TAKEN_AT], &taken_at_ms) ||
        !cql_value_bigint(values[DIGEST], &digest) ||
        !cql_value_bigint(values[SIZE], &size) ||
        !cql_value_int(values[PARTS], &parts) || !values[BODY].bytes ||
        !values[CANVAS].bytes)
        return -1;
    *head = (snapshot_head_t){
        .seq = (uint64_t)seq,
        .taken_at_ms = (uint64_t)taken_at_ms,
        .digest = (uint64_t)digest,
        .size = (uint64_t)size,
        .parts = (uint64_t)parts,
        .body = s_copy(values[BODY]),
        .canvas = s_copy(values[CANVAS]),
    };
    return 0;
}

static bool s_on_head(void *context, const cql_bytes_t *values, uint32_t count)
{
    snapshot_heads_t *self = context;
    self->damaged = s_head(values, count, &self->heads[self->count]) != 0;
    self->count += !self->damaged;
    return !self->damaged && self->count < self->capacity;
}

/* Heads with seq ≤ at_most, newest first, as many as there is room for. */
static store_result_t s_read_heads(void *context, uint64_t at_most,
                                   snapshot_heads_t *heads)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    int32_t page = heads->capacity == 1 ? 1 : HEADS_A_PAGE;
    cql_begin(self, &call, CQL_HEADS, 1);
    cql_put_bigint(&call.frame,
                   (int64_t)(at_most < INT64_MAX ? at_most : INT64_MAX));
    store_result_t result =
        cql_finish(self, &call, CQL_LONG_MS, page, s_on_head, heads);
    if (result == STORE_OK && heads->damaged) {
        cql_client_fail(self->client, "a damaged snapshot head in %s",
                        self->keyspace);
        return STORE_FAILED;
    }
    return result;
}

static bool s_on_part(void *context, const cql_bytes_t *values, uint32_t count)
{
    int32_t part;
    return count == 2 && cql_value_int(values[0], &part) && part >= 0 &&
           values[1].bytes &&
           snapshot_parts_add(context, (uint64_t)part, values[1].bytes,
                              values[1].size);
}

/* NONE where a part is missing or damaged. */
static store_result_t s_read_body(void *context, const snapshot_head_t *head,
                                  store_snapshot_t *snapshot)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    snapshot_parts_t parts = {0};
    cql_begin(self, &call, CQL_PARTS, 1);
    cql_put_text(&call.frame, head->body);
    store_result_t result =
        cql_finish(self, &call, CQL_LONG_MS, PARTS_A_PAGE, s_on_part, &parts);
    if (result == STORE_OK)
        result = snapshot_of_parts(head, &parts, snapshot);
    snapshot_parts_fini(&parts);
    return result;
}

store_result_t cql_get_snapshot(store_t *base, uint64_t at_most,
                                store_snapshot_t *snapshot)
{
    static const snapshot_reader_t reader = {s_read_heads, s_read_body};
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    return snapshot_newest(&reader, self, at_most, snapshot);
}

/* The body of the snapshot at just that seq into `name`, "" for none. */
static store_result_t s_body_at(store_cql_t *self, uint64_t seq,
                                char name[SNAPSHOT_BODY_SIZE])
{
    snapshot_heads_t heads = snapshot_heads_of(1);
    store_result_t result = s_read_heads(self, seq, &heads);
    name[0] = '\0';
    if (heads.count > 0 && heads.heads[0].seq == seq)
        strncat(name, heads.heads[0].body, SNAPSHOT_BODY_SIZE - 1);
    snapshot_heads_fini(&heads);
    return result;
}

store_result_t cql_put_snapshot(store_t *base, const store_snapshot_t *snapshot)
{
    store_cql_t *self = (store_cql_t *)base;
    char name[SNAPSHOT_BODY_SIZE], before[SNAPSHOT_BODY_SIZE];
    snapshot_body_name(snapshot, name);
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result == STORE_OK)
        result = s_body_at(self, snapshot->seq, before);
    if (result != STORE_OK)
        return result;
    snapshot_pack_t pack =
        snapshot_pack(snapshot->pixels, snapshot->pixels_size);
    for (uint32_t i = 0; i < pack.parts && result == STORE_OK; i++)
        result = s_put_part(self, name, &pack, i);
    if (result == STORE_OK)
        result = s_put_head(self, name, snapshot, pack.parts);
    if (result == STORE_OK && *before && strcmp(before, name) != 0)
        result = s_drop_parts(self, before);
    snapshot_pack_fini(&pack);
    return result;
}

store_result_t cql_newest_snapshot(store_t *base, uint64_t *seq,
                                   uint64_t *taken_at_ms)
{
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    return snapshot_newest_head(s_read_heads, self, seq, taken_at_ms);
}

store_result_t cql_snapshots(store_t *base, store_stamp_fn visit, void *context)
{
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    return snapshot_heads_visit(s_read_heads, self, visit, context);
}

/* ---- Thin ---------------------------------------------------------------- */

static store_result_t s_drop(void *context, const snapshot_head_t *head)
{
    store_cql_t *self = context;
    cql_call_t call = {0};
    cql_begin(self, &call, CQL_HEAD_DROP, 1);
    cql_put_bigint(&call.frame, (int64_t)head->seq);
    store_result_t result = cql_finish(self, &call, CQL_LONG_MS, 0, NULL, NULL);
    return result == STORE_OK ? s_drop_parts(self, head->body) : result;
}

store_result_t cql_thin_snapshots(store_t *base, uint64_t now_ms)
{
    store_cql_t *self = (store_cql_t *)base;
    store_result_t result = cql_client_open(self->client, CQL_OPEN_MS);
    if (result != STORE_OK)
        return result;
    snapshot_heads_t heads = snapshot_heads_of(SNAPSHOT_HEADS_MAX);
    result = s_read_heads(self, UINT64_MAX, &heads);
    if (result == STORE_OK)
        result = snapshot_heads_thin(&heads, now_ms, s_drop, self);
    snapshot_heads_fini(&heads);
    return result;
}

store_result_t cql_cut_snapshots(void *context, uint64_t after)
{
    store_cql_t *self = context;
    snapshot_heads_t heads = snapshot_heads_of(SNAPSHOT_HEADS_MAX);
    store_result_t result = s_read_heads(self, UINT64_MAX, &heads);
    if (result == STORE_OK)
        result = snapshot_heads_cut(&heads, after, s_drop, self);
    snapshot_heads_fini(&heads);
    return result;
}
