/* SPDX-License-Identifier: Apache-2.0
 *
 * See snapshot_head.h. These are the steps that DynamoDB and Cassandra have in
 * common.
 */
#include "persister/snapshot_head.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshot_pack.h"
#include "persister/snapshots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void snapshot_head_fini(snapshot_head_t *self)
{
    free(self->body);
    free(self->canvas);
    *self = (snapshot_head_t){0};
}

void snapshot_body_name(const store_snapshot_t *snapshot,
                        char name[SNAPSHOT_BODY_SIZE])
{
    char hex[CHAIN_HEX_BYTES];
    bool known = chain_known(snapshot->chain);
    chain_to_hex(snapshot->chain, hex);
    snprintf(name, SNAPSHOT_BODY_SIZE, "%" PRIu64 "-%" PRIu64 "%s%s",
             snapshot->seq, snapshot->taken_at_ms, known ? "-" : "",
             known ? hex : "");
}

chain_t snapshot_body_chain(const char *name)
{
    chain_t chain = CHAIN_UNKNOWN;
    const char *last = strrchr(name, '-');
    if (last)
        chain_from_hex(&chain, last + 1, strlen(last + 1));
    return chain;
}

void snapshot_parts_fini(snapshot_parts_t *self)
{
    free(self->bytes);
    *self = (snapshot_parts_t){0};
}

bool snapshot_parts_add(snapshot_parts_t *self, uint64_t part,
                        const void *bytes, size_t size)
{
    if (part != self->count || part >= SNAPSHOT_PARTS_MAX || size == 0 ||
        size > SNAPSHOT_PART_BYTES)
        return false;
    self->bytes = mem_realloc(self->bytes, self->size + size, 1);
    memcpy(self->bytes + self->size, bytes, size);
    self->size += size;
    self->count++;
    return true;
}

store_result_t snapshot_of_parts(const snapshot_head_t *head,
                                 const snapshot_parts_t *parts,
                                 store_snapshot_t *snapshot)
{
    uint8_t *pixels = NULL;
    if (parts->count == head->parts)
        pixels = snapshot_unpack(parts->bytes, parts->size, head->size);
    if (!pixels) {
        log_warn("store_snapshot_damaged", "snapshot=%s", head->body);
        return STORE_NONE;
    }
    *snapshot = (store_snapshot_t){
        .seq = head->seq,
        .taken_at_ms = head->taken_at_ms,
        .digest = (uint32_t)head->digest,
        .chain = snapshot_body_chain(head->body),
        .canvas = mem_strdup(head->canvas),
        .pixels = pixels,
        .pixels_size = head->size,
    };
    return STORE_OK;
}

snapshot_heads_t snapshot_heads_of(size_t capacity)
{
    return (snapshot_heads_t){
        .heads = mem_zalloc(capacity, sizeof(snapshot_head_t)),
        .capacity = capacity,
    };
}

void snapshot_heads_fini(snapshot_heads_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        snapshot_head_fini(&self->heads[i]);
    free(self->heads);
    *self = (snapshot_heads_t){0};
}

store_result_t snapshot_newest(const snapshot_reader_t *reader, void *self,
                               uint64_t at_most, store_snapshot_t *snapshot)
{
    store_result_t result;
    bool again;
    do {
        snapshot_heads_t heads = snapshot_heads_of(1);
        const snapshot_head_t *head = &heads.heads[0];
        result = reader->heads(self, at_most, &heads);
        bool found = result == STORE_OK && heads.count > 0;
        if (result == STORE_OK)
            result = found ? reader->body(self, head, snapshot) : STORE_NONE;
        again = found && result == STORE_NONE && head->seq > 0;
        at_most = head->seq - 1;
        snapshot_heads_fini(&heads);
    } while (again);
    return result;
}

store_result_t
snapshot_newest_head(store_result_t (*heads)(void *self, uint64_t at_most,
                                             snapshot_heads_t *heads),
                     void *self, uint64_t *seq, uint64_t *taken_at_ms)
{
    snapshot_heads_t found = snapshot_heads_of(1);
    store_result_t result = heads(self, UINT64_MAX, &found);
    if (result == STORE_OK && !found.count)
        result = STORE_NONE;
    if (result == STORE_OK) {
        *seq = found.heads[0].seq;
        *taken_at_ms = found.heads[0].taken_at_ms;
    }
    snapshot_heads_fini(&found);
    return result;
}

store_result_t
snapshot_heads_visit(store_result_t (*heads)(void *self, uint64_t at_most,
                                             snapshot_heads_t *heads),
                     void *self, store_stamp_fn visit, void *context)
{
    snapshot_heads_t all = snapshot_heads_of(SNAPSHOT_HEADS_MAX);
    store_result_t result = heads(self, UINT64_MAX, &all);
    bool more = result == STORE_OK;
    for (size_t i = 0; i < all.count && more; i++)
        more = visit(context, all.heads[i].seq, all.heads[i].taken_at_ms);
    snapshot_heads_fini(&all);
    return result;
}

store_result_t snapshot_heads_cut(const snapshot_heads_t *self, uint64_t after,
                                  snapshot_drop_fn drop, void *context)
{
    store_result_t result = STORE_OK;
    for (size_t i = 0; i < self->count && result == STORE_OK; i++)
        if (self->heads[i].seq > after)
            result = drop(context, &self->heads[i]);
    return result;
}

store_result_t snapshot_heads_thin(const snapshot_heads_t *self,
                                   uint64_t now_ms, snapshot_drop_fn drop,
                                   void *context)
{
    size_t count = self->count;
    uint64_t *taken_at_ms = mem_zalloc(count + 1, sizeof *taken_at_ms);
    bool *keep = mem_zalloc(count + 1, sizeof *keep);
    for (size_t i = 0; i < count; i++)
        taken_at_ms[i] = self->heads[count - 1 - i].taken_at_ms;
    snapshot_keep(taken_at_ms, count, now_ms, keep);
    store_result_t result = STORE_OK;
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (!keep[i])
            result = drop(context, &self->heads[count - 1 - i]);
    }
    free(taken_at_ms);
    free(keep);
    return result;
}
