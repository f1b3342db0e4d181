/* SPDX-License-Identifier: Apache-2.0
 *
 * See record_queue.h.
 */
#include "persister/record_queue.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void record_queue_init(record_queue_t *self, size_t room)
{
    *self = (record_queue_t){.at = mem_alloc(room * sizeof(record_t))};
}

void record_queue_fini(record_queue_t *self)
{
    free(self->at);
    *self = (record_queue_t){0};
}

int64_t record_queue_put(record_queue_t *self, uint64_t checkpoint,
                         chain_t before, const uint8_t *records, size_t count,
                         uint64_t now_ms)
{
    assert(self->at && count);
    uint64_t last = self->count ? self->at[self->count - 1].seq : checkpoint;
    uint64_t first = record_decode(records).seq;
    if (first > last + 1)
        return -1;
    size_t known =
        last + 1 - first < count ? (size_t)(last + 1 - first) : count;
    if (!self->count) {
        self->since_ms = now_ms;
        self->before = chain_extend(before, records, known);
    }
    for (size_t i = known; i < count; i++)
        self->at[self->count++] = record_decode(records + i * RECORD_BYTES);
    return (int64_t)known;
}

void record_queue_drop(record_queue_t *self, size_t count, uint64_t now_ms)
{
    assert(count <= self->count);
    self->before = records_chain(self->before, self->at, count);
    self->count -= count;
    memmove(self->at, self->at + count, self->count * sizeof *self->at);
    self->since_ms = now_ms;
}
