/* SPDX-License-Identifier: Apache-2.0
 *
 * See dynamodb_batch.h. Each call takes the next 25 placements when those
 * before are written.
 */
#include "persister/dynamodb/dynamodb_batch.h"

#include "common/mem.h"
#include "persister/dynamodb/dynamodb_item.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct dynamodb_batch {
    dynamodb_client_t *client;
    const char *table;
    unsigned in_flight;
    dynamodb_call_t calls[DYNAMODB_BATCHES_MAX];
    const record_t *records; /* not yet given to a call */
    size_t left;
    store_result_t result; /* the worst so far */
};

static void s_next(dynamodb_batch_t *self, dynamodb_call_t *call)
{
    size_t count =
        self->left < DYNAMODB_BATCH_ITEMS ? self->left : DYNAMODB_BATCH_ITEMS;
    json_text_t *body = &call->body;
    json_text_clear(body);
    json_put(body, "{\"RequestItems\":{\"");
    json_put(body, self->table);
    json_put(body, "\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            json_put(body, ",");
        item_put_placement(body, &self->records[i]);
    }
    json_put(body, "]}}");
    self->records += count;
    self->left -= count;
    dynamodb_client_start(self->client, call);
}

/* {"UnprocessedItems":{}} ends it; else those items are the next request. */
static bool s_on_answer(dynamodb_call_t *call, const char *json, size_t size)
{
    static const char whole[] = "{\"UnprocessedItems\":{}}";
    if (size == sizeof whole - 1 && memcmp(json, whole, size) == 0)
        return true;
    json_t *root = json_loadb(json, size, 0, NULL);
    json_t *items = json_object_get(root, "UnprocessedItems");
    bool done = root && json_object_size(items) == 0;
    if (!done && items) {
        char *text = json_dumps(items, JSON_COMPACT);
        json_text_clear(&call->body);
        json_put(&call->body, "{\"RequestItems\":");
        json_put(&call->body, text);
        json_put(&call->body, "}");
        free(text);
    }
    json_decref(root);
    return done;
}

static void s_on_end(dynamodb_call_t *call)
{
    dynamodb_batch_t *self = call->context;
    if (call->result > self->result)
        self->result = call->result;
    if (self->result == STORE_OK && self->left > 0)
        s_next(self, call);
}

dynamodb_batch_t *dynamodb_batch_new(dynamodb_client_t *client,
                                     const char *table, unsigned in_flight)
{
    assert(in_flight >= 1 && in_flight <= DYNAMODB_BATCHES_MAX);
    dynamodb_batch_t *self = mem_zalloc(1, sizeof *self);
    self->client = client;
    self->table = table;
    self->in_flight = in_flight;
    for (unsigned i = 0; i < in_flight; i++) {
        dynamodb_call_t *call = &self->calls[i];
        call->operation = "BatchWriteItem";
        call->context = self;
        call->on_answer = s_on_answer;
        call->on_end = s_on_end;
    }
    return self;
}

void dynamodb_batch_destroy(dynamodb_batch_t **self_p)
{
    if (!*self_p)
        return;
    for (unsigned i = 0; i < (*self_p)->in_flight; i++)
        json_text_fini(&(*self_p)->calls[i].body);
    free(*self_p);
    *self_p = NULL;
}

void dynamodb_batch_start(dynamodb_batch_t *self, const record_t *records,
                          size_t count, uint32_t timeout_ms)
{
    self->records = records;
    self->left = count;
    self->result = STORE_OK;
    for (unsigned i = 0; i < self->in_flight; i++) {
        self->calls[i].timeout_ms = timeout_ms;
        if (self->left > 0 && self->result == STORE_OK)
            s_next(self, &self->calls[i]);
    }
}

store_result_t dynamodb_batch_result(const dynamodb_batch_t *self)
{
    return self->result;
}
