/* SPDX-License-Identifier: Apache-2.0
 *
 * See remote_cut.h.
 */
#include "persister/remote_cut.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/journal_cursor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK_SIZE 32
#define STATE_TRIES 4
/* Blobs of one chunk that a cut looks at in one go. */
#define BLOBS_MAX 4096

static int64_t s_chunk(uint64_t first)
{
    return (int64_t)(first >> JOURNAL_CHUNK_SHIFT);
}

/* ---- Opening ---------------------------------------------------------- */

static store_result_t s_check_format(remote_t *self, store_t *store,
                                     uint64_t checkpoint)
{
    remote_mark_t mark = {0};
    if (self->marked)
        return STORE_OK;
    store_result_t result = self->ops->read_mark(store, "format", &mark);
    if (result == STORE_OK && mark.seq > STORE_FORMAT) {
        char why[128];
        snprintf(why, sizeof why,
                 "is of format %" PRIu64 ", and this program knows up to %d: "
                 "upgrade it",
                 mark.seq, STORE_FORMAT);
        self->ops->fail(store, why);
        return STORE_FAILED;
    }
    if (result == STORE_NONE && !store->only_reads) {
        mark = (remote_mark_t){STORE_FORMAT, 0};
        result = self->ops->put_mark(store, "format", mark);
        if (result == STORE_OK && checkpoint)
            log_info("store_upgraded", "format=%d", STORE_FORMAT);
    }
    self->marked = result == STORE_OK;
    return result == STORE_NONE ? STORE_OK : result;
}

store_result_t remote_open(remote_t *self, store_t *store, store_state_t *state)
{
    remote_mark_t cut;
    store_result_t result = self->ops->read_state(store, state);
    if (result == STORE_OK)
        result = s_check_format(self, store, state->checkpoint);
    if (result == STORE_OK)
        result = self->ops->read_mark(store, "cut", &cut);
    self->pending = result == STORE_OK && state->epoch < cut.epoch;
    if (self->pending) {
        self->after = cut.seq;
        self->epoch = (uint32_t)cut.epoch;
        state->checkpoint = cut.seq;
    }
    return result == STORE_NONE ? STORE_OK : result;
}

/* ---- The steps of a cut ----------------------------------------------- */

typedef struct {
    remote_t *self;
    store_t *store;
    int64_t chunk;
    chain_t before; /* before the next record */
} keeping_t;

static store_result_t s_put_blob(keeping_t *keeping, const record_t *records,
                                 size_t count)
{
    remote_t *self = keeping->self;
    uint8_t *bytes = mem_alloc(blob_bound(count));
    size_t size =
        blob_encode(self->codec, bytes, keeping->before, records, count);
    store_result_t result =
        self->ops->put_blob(keeping->store, keeping->chunk, records[0].seq,
                            records[0].seq + count - 1, bytes, size);
    free(bytes);
    return result;
}

/* Records that a scan gives, taken up in steps: a store is not asked from
 * inside its own answer. */
typedef struct {
    record_t *records;
    size_t count;
} step_t;

static bool s_gather(void *context, const record_t *records, size_t count)
{
    step_t *step = context;
    memcpy(step->records + step->count, records, count * sizeof *records);
    step->count += count;
    return true;
}

/* Copies what is to go; a journal that ends before `to` is copied as far as it
 * can be read. */
static store_result_t s_copy(remote_t *self, store_t *store, uint64_t to,
                             uint64_t *count)
{
    keeping_t keeping = {
        .self = self, .store = store, .chunk = -(int64_t)self->epoch};
    if (store_chain_at(store, self->after, &keeping.before) == STORE_RETRY)
        return STORE_RETRY;
    step_t step = {mem_alloc(JOURNAL_RECORDS_MAX * sizeof(record_t)), 0};
    store_result_t result = STORE_OK;
    uint64_t next = self->after + 1;
    while (result == STORE_OK && next <= to) {
        uint64_t end = next + JOURNAL_RECORDS_MAX - 1;
        step.count = 0;
        result =
            store->ops->scan(store, next, end < to ? end : to, s_gather, &step);
        if (result == STORE_OK)
            result = s_put_blob(&keeping, step.records, step.count);
        if (result == STORE_OK) {
            keeping.before =
                records_chain(keeping.before, step.records, step.count);
            next += step.count;
        }
    }
    free(step.records);
    *count = next - self->after - 1;
    return result == STORE_NONE ? STORE_OK : result;
}

typedef struct {
    uint8_t *bytes; /* owned */
    size_t size;
} one_blob_t;

static bool s_on_one(void *context, const uint8_t *bytes, size_t size)
{
    one_blob_t *blob = context;
    blob->bytes = mem_alloc(size + 1);
    memcpy(blob->bytes, bytes, size);
    blob->size = size;
    return false;
}

/* What to do with the records of one replaced blob. */
typedef store_result_t (*replaced_fn)(void *context, const record_t *records,
                                      size_t count);

static store_result_t s_each_replaced(remote_t *self, store_t *store,
                                      uint64_t epoch, replaced_fn take,
                                      void *context)
{
    record_t *records = mem_alloc(BLOB_RECORDS_MAX * sizeof *records);
    store_result_t result = STORE_OK;
    for (uint64_t least = 0; result == STORE_OK;) {
        one_blob_t blob = {0};
        result = self->ops->blobs(store, -(int64_t)epoch, least, INT64_MAX,
                                  s_on_one, &blob);
        if (result != STORE_OK || !blob.bytes)
            break;
        int count = blob_decode(self->codec, records, blob.bytes, blob.size);
        free(blob.bytes);
        if (count < 1) {
            self->ops->fail(store, "what was replaced is damaged");
            result = STORE_FAILED;
            break;
        }
        least = records[0].seq + 1;
        result = take(context, records, (size_t)count);
    }
    free(records);
    return result;
}

typedef struct {
    remote_t *self;
    store_t *store;
} dropping_t;

static store_result_t s_drop_rows(void *context, const record_t *records,
                                  size_t count)
{
    dropping_t *dropping = context;
    return dropping->self->ops->drop_rows(dropping->store, records, count);
}

/* The blobs of one chunk that go past `after`. */
typedef struct {
    uint64_t after;
    size_t count;
    uint64_t first[BLOBS_MAX], last[BLOBS_MAX];
    uint8_t *rest; /* of the last one that begins at or before it */
    size_t rest_size;
} beyond_t;

static bool s_on_beyond(void *context, const uint8_t *bytes, size_t size)
{
    beyond_t *beyond = context;
    uint64_t first;
    uint32_t count;
    if (blob_range(bytes, size, &first, &count) ||
        first + count - 1 <= beyond->after)
        return true;
    beyond->first[beyond->count] = first;
    beyond->last[beyond->count++] = first + count - 1;
    if (first <= beyond->after) {
        free(beyond->rest);
        beyond->rest = mem_alloc(size);
        memcpy(beyond->rest, bytes, size);
        beyond->rest_size = size;
    }
    return beyond->count < BLOBS_MAX;
}

/* Puts the part up to `after` before the whole goes. */
static store_result_t s_keep_rest(remote_t *self, store_t *store,
                                  const beyond_t *beyond)
{
    record_t *records = mem_alloc(BLOB_RECORDS_MAX * sizeof *records);
    int count =
        blob_decode(self->codec, records, beyond->rest, beyond->rest_size);
    store_result_t result = STORE_OK;
    if (count > 0) {
        keeping_t keeping = {.self = self,
                             .store = store,
                             .chunk = s_chunk(records[0].seq),
                             .before =
                                 blob_chain(beyond->rest, beyond->rest_size)};
        result = s_put_blob(&keeping, records,
                            (size_t)(beyond->after + 1 - records[0].seq));
    }
    free(records);
    return result;
}

/* One go; *more where there may be others. */
static store_result_t s_cut_some(remote_t *self, store_t *store, int64_t chunk,
                                 bool *more)
{
    beyond_t *beyond = mem_zalloc(1, sizeof *beyond);
    beyond->after = self->after;
    uint64_t least = self->after > JOURNAL_RECORDS_MAX
                         ? self->after - JOURNAL_RECORDS_MAX
                         : 0;
    store_result_t result =
        self->ops->blobs(store, chunk, least, INT64_MAX, s_on_beyond, beyond);
    if (result == STORE_OK && beyond->rest)
        result = s_keep_rest(self, store, beyond);
    for (size_t i = 0; i < beyond->count && result == STORE_OK; i++)
        result = self->ops->drop_blob(store, chunk, beyond->first[i],
                                      beyond->last[i]);
    *more = beyond->count == BLOBS_MAX;
    free(beyond->rest);
    free(beyond);
    return result;
}

static store_result_t s_cut_journal(remote_t *self, store_t *store, uint64_t to)
{
    store_result_t result = STORE_OK;
    uint64_t least = self->after > JOURNAL_RECORDS_MAX
                         ? self->after - JOURNAL_RECORDS_MAX
                         : 0;
    for (int64_t chunk = s_chunk(least); chunk <= s_chunk(to); chunk++)
        for (bool more = true; more && result == STORE_OK;)
            result = s_cut_some(self, store, chunk, &more);
    return result;
}

static store_result_t s_move_back(remote_t *self, store_t *store,
                                  store_state_t from)
{
    store_state_t to = {self->after, self->epoch};
    for (int i = 0; i < STATE_TRIES; i++) {
        bool applied = false;
        store_result_t result = self->ops->put_state(store, from, to, &applied);
        if (result == STORE_OK && !applied)
            result = self->ops->read_state(store, &from);
        if (result != STORE_OK || applied || from.epoch >= self->epoch)
            return result;
    }
    return STORE_RETRY;
}

/* Lists the cut among those that were made, once. */
static store_result_t s_list(remote_t *self, store_t *store)
{
    for (unsigned i = 0;; i++) {
        char name[MARK_SIZE];
        remote_mark_t mark;
        snprintf(name, sizeof name, "replaced-%u", i);
        store_result_t result = self->ops->read_mark(store, name, &mark);
        if (result == STORE_NONE)
            return self->ops->put_mark(
                store, name, (remote_mark_t){self->after, self->epoch});
        if (result != STORE_OK || mark.epoch == self->epoch)
            return result;
    }
}

static store_result_t s_finish(remote_t *self, store_t *store,
                               store_state_t *state, uint64_t *count)
{
    const remote_ops_t *ops = self->ops;
    remote_mark_t copied = {0}, cut = {self->after, self->epoch};
    store_result_t result = ops->read_state(store, state);
    if (result == STORE_OK)
        result = ops->read_mark(store, "copied", &copied);
    if (result == STORE_NONE || copied.epoch != cut.epoch) {
        result = s_copy(self, store, state->checkpoint, count);
        if (result == STORE_OK)
            result = ops->put_mark(store, "copied", cut);
    }
    uint64_t to = state->checkpoint;
    if (result == STORE_OK)
        result = s_each_replaced(self, store, self->epoch, s_drop_rows,
                                 &(dropping_t){self, store});
    if (result == STORE_OK)
        result = s_cut_journal(self, store, to);
    if (result == STORE_OK)
        result = ops->cut_snapshots(store, self->after);
    if (result == STORE_OK)
        result = s_list(self, store);
    if (result == STORE_OK)
        result = s_move_back(self, store, *state);
    if (result == STORE_OK)
        result = ops->read_state(store, state);
    if (result == STORE_OK)
        result = ops->drop_mark(store, "copied");
    if (result == STORE_OK)
        result = ops->drop_mark(store, "cut");
    return result;
}

store_result_t remote_settle(remote_t *self, store_t *store,
                             store_state_t *state)
{
    uint64_t count = 0;
    if (!self->pending)
        return STORE_OK;
    store_result_t result = s_finish(self, store, state, &count);
    self->pending = result != STORE_OK;
    return result;
}

store_result_t remote_cut(remote_t *self, store_t *store, store_state_t *state,
                          uint64_t after, uint32_t epoch, uint64_t *cut)
{
    assert(epoch > state->epoch || self->pending);
    *cut = 0;
    store_result_t result =
        self->ops->put_mark(store, "cut", (remote_mark_t){after, epoch});
    if (result != STORE_OK)
        return result;
    self->pending = true;
    self->after = after;
    self->epoch = epoch;
    result = s_finish(self, store, state, cut);
    self->pending = result != STORE_OK;
    return result;
}

typedef struct {
    store_scan_fn visit;
    void *context;
} reading_t;

/* MOVED: the visitor has enough. */
static store_result_t s_show(void *context, const record_t *records,
                             size_t count)
{
    reading_t *reading = context;
    return reading->visit(reading->context, records, count) ? STORE_OK
                                                            : STORE_MOVED;
}

store_result_t remote_replaced(remote_t *self, store_t *store,
                               store_scan_fn visit, void *context)
{
    reading_t reading = {visit, context};
    store_result_t result = STORE_OK;
    for (unsigned i = 0; result == STORE_OK; i++) {
        char name[MARK_SIZE];
        remote_mark_t mark;
        snprintf(name, sizeof name, "replaced-%u", i);
        result = self->ops->read_mark(store, name, &mark);
        if (result == STORE_OK)
            result = s_each_replaced(self, store, mark.epoch, s_show, &reading);
    }
    bool over = result == STORE_NONE || result == STORE_MOVED;
    return over ? STORE_OK : result;
}

/* ---- Chains ----------------------------------------------------------- */

static bool s_on_position(void *context, const uint8_t *bytes, size_t size)
{
    position_t *position = context;
    uint64_t first;
    uint32_t count;
    chain_t chain = blob_chain(bytes, size);
    if (chain_known(chain) && !blob_range(bytes, size, &first, &count))
        *position = (position_t){first - 1, chain};
    return true;
}

/* First close by, then the whole chunk, then those before. */
store_result_t remote_position(remote_t *self, store_t *store, uint64_t at_most,
                               position_t *position)
{
    uint64_t most = at_most < INT64_MAX ? at_most + 1 : INT64_MAX;
    uint64_t least =
        most > JOURNAL_RECORDS_MAX ? most - JOURNAL_RECORDS_MAX : 0;
    store_result_t result = STORE_OK;
    position_t found = {0};
    for (int64_t chunk = s_chunk(most);
         chunk >= 0 && result == STORE_OK && !chain_known(found.chain);
         chunk--) {
        result =
            self->ops->blobs(store, chunk, least, most, s_on_position, &found);
        if (result == STORE_OK && least && !chain_known(found.chain))
            result =
                self->ops->blobs(store, chunk, 0, most, s_on_position, &found);
        least = 0;
    }
    if (result != STORE_OK)
        return result;
    if (!chain_known(found.chain))
        return STORE_NONE;
    *position = found;
    return STORE_OK;
}
