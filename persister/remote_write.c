/* SPDX-License-Identifier: Apache-2.0
 *
 * See remote_write.h.
 */
#include "persister/remote_write.h"

#include "persister/journal_cursor.h"

#include <inttypes.h>
#include <stdio.h>

/* How often another's move may come between ours. */
#define STATE_TRIES 4

typedef struct {
    const remote_writer_t *writer;
    void *self;
    store_state_t *state;
} writing_t;

static void s_raise(store_state_t *state, store_state_t by)
{
    if (by.checkpoint > state->checkpoint)
        state->checkpoint = by.checkpoint;
    if (by.epoch > state->epoch)
        state->epoch = by.epoch;
}

static store_result_t s_went_back(writing_t *writing, store_state_t from)
{
    char why[128];
    snprintf(why, sizeof why,
             "the checkpoint went back from %" PRIu64 " to %" PRIu64
             ": emptied, or put back from a copy?",
             from.checkpoint, writing->state->checkpoint);
    writing->writer->fail(writing->self, why);
    return STORE_FAILED;
}

static store_result_t s_move_state(writing_t *writing, store_state_t to)
{
    const remote_writer_t *writer = writing->writer;
    for (int i = 0; i < STATE_TRIES; i++) {
        store_state_t from = *writing->state;
        bool applied = false;
        s_raise(&to, from);
        store_result_t result =
            writer->put_state(writing->self, from, to, &applied);
        if (result == STORE_OK && applied)
            *writing->state = to;
        if (result != STORE_OK || applied)
            return result;
        result = writer->read_state(writing->self, writing->state);
        if (result != STORE_OK)
            return result;
        if (writing->state->checkpoint < from.checkpoint)
            return s_went_back(writing, from);
        if (writing->state->checkpoint > from.checkpoint)
            return STORE_MOVED;
        s_raise(&to, *writing->state);
        if (to.checkpoint == writing->state->checkpoint &&
            to.epoch == writing->state->epoch)
            return STORE_OK;
    }
    writer->fail(writing->self, "another persister writes as well");
    return STORE_RETRY;
}

/* Where the write leaves a gap, another may have filled it: looks again. */
static store_result_t s_check_start(writing_t *writing, uint64_t first)
{
    const store_state_t *state = writing->state;
    store_result_t result = STORE_OK;
    if (first > state->checkpoint + 1)
        result = writing->writer->read_state(writing->self, writing->state);
    if (result == STORE_OK && first > state->checkpoint + 1) {
        char why[128];
        snprintf(why, sizeof why,
                 "a write at seq %" PRIu64
                 " leaves a gap behind the checkpoint %" PRIu64,
                 first, state->checkpoint);
        writing->writer->fail(writing->self, why);
        result = STORE_FAILED;
    }
    return result;
}

store_result_t remote_write(const remote_writer_t *writer, void *self,
                            store_state_t *state, chain_t before,
                            const record_t *records, size_t count,
                            uint32_t epoch)
{
    writing_t writing = {writer, self, state};
    store_result_t result = s_check_start(&writing, records[0].seq);
    uint64_t end = records[0].seq + count;
    while (result == STORE_OK && state->checkpoint + 1 < end) {
        size_t skip = (size_t)(state->checkpoint + 1 - records[0].seq);
        before = records_chain(before, records, skip);
        records += skip;
        count -= skip;
        size_t part = count;
        if (part > JOURNAL_RECORDS_MAX)
            part = JOURNAL_RECORDS_MAX;
        result = writer->put_records(self, before, records, part);
        if (result == STORE_OK)
            result = s_move_state(
                &writing, (store_state_t){records[part - 1].seq, epoch});
    }
    if (result == STORE_OK && epoch > state->epoch)
        result =
            s_move_state(&writing, (store_state_t){state->checkpoint, epoch});
    return result;
}
