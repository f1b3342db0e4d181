/* SPDX-License-Identifier: Apache-2.0
 *
 * See past.h. A diff over few placements is read out of the journal. One over
 * many is the difference of two boards, each made of the snapshot before it and
 * the placements behind that: between two snapshots it costs no placement.
 */
#include "persister/past.h"

#include "common/cursor.h"
#include "common/diff.h"
#include "common/mem.h"
#include "persister/snapshots.h"

#include <stdlib.h>

/* Placements that cost less than two snapshots. */
#define FEW 20000u

static uint8_t s_status(store_result_t result)
{
    return result == STORE_OK ? BUS_FOUND : BUS_STORE_FAILED;
}

static past_answer_t s_page(const bus_query_t *query, uint8_t status,
                            uint64_t next, size_t room)
{
    past_answer_t answer = {.bytes = mem_alloc(BUS_PAGE_HEAD_BYTES + room),
                            .status = status};
    bus_page_t page = {.ticket = query->ticket, .status = status, .next = next};
    answer.size = bus_put_page_head(answer.bytes, &page);
    return answer;
}

/* ---- A pixel's history --------------------------------------------------- */

static past_answer_t s_history(source_t *source, const bus_query_t *query)
{
    record_t records[BUS_HISTORY_MAX];
    store_page_t page = {
        .before = query->from, .records = records, .max = query->max};
    store_result_t result =
        source->store->ops->history(source->store, query->x, query->y, &page);
    if (result != STORE_OK) {
        source_failed(source, "history");
        page.count = 0;
    }
    past_answer_t answer =
        s_page(query, s_status(result), page.before, page.count * RECORD_BYTES);
    for (size_t i = 0; i < page.count; i++, answer.size += RECORD_BYTES)
        record_encode(answer.bytes + answer.size, &records[i]);
    return answer;
}

/* ---- The snapshots ------------------------------------------------------- */

static bool s_on_stamp(void *context, uint64_t seq, uint64_t taken_at_ms)
{
    writer_t *w = context;
    write_u64(w, seq);
    write_u64(w, taken_at_ms);
    return w->at < w->end;
}

static past_answer_t s_snapshots(source_t *source, const bus_query_t *query)
{
    static const size_t room = BUS_SNAPSHOTS_MAX * BUS_STAMP_BYTES;
    uint8_t *stamps = mem_alloc(room);
    writer_t w = writer_of(stamps, room);
    store_result_t result =
        source->store->ops->snapshots(source->store, s_on_stamp, &w);
    if (result != STORE_OK)
        source_failed(source, "snapshots");
    size_t size = result == STORE_OK ? (size_t)(w.at - stamps) : 0;
    past_answer_t answer = s_page(query, s_status(result), 0, size);
    writer_t body = writer_of(answer.bytes + answer.size, size);
    write_bytes(&body, stamps, size);
    answer.size += size;
    free(stamps);
    return answer;
}

/* ---- A diff -------------------------------------------------------------- */

/* A board on its way to a seq. */
typedef struct {
    board_t *board;
    uint64_t seq;
    touched_t *touched; /* or NULL */
} state_t;

static bool s_apply(void *context, const record_t *records, size_t count)
{
    state_t *self = context;
    uint32_t width = board_width(self->board);
    uint32_t height = board_height(self->board);
    for (const record_t *r = records; r < records + count; r++) {
        if (r->x >= width || r->y >= height ||
            r->color >> board_bits(self->board))
            continue;
        uint32_t index = (uint32_t)r->y * width + r->x;
        board_set(self->board, index, r->color);
        if (self->touched)
            touched_add(self->touched, index);
    }
    self->seq += count;
    return true;
}

/* Goes on to `seq`: 0; -1 where the store cannot tell. */
static int s_go_on(state_t *self, source_t *source, uint64_t seq)
{
    if (self->seq == seq)
        return 0;
    store_result_t result = source->store->ops->scan(
        source->store, self->seq + 1, seq, s_apply, self);
    if (result != STORE_OK)
        source_failed(source, "scan");
    return result == STORE_OK && self->seq == seq ? 0 : -1;
}

static bool s_fits(const board_t *board, const bus_query_t *query)
{
    return board && board_width(board) == query->width &&
           board_height(board) == query->height &&
           board_bits(board) == query->bits;
}

/* The newest sound snapshot of that size at or before `seq`, else a blank
 * board. */
static state_t s_snapshot_before(source_t *source, const bus_query_t *query,
                                 uint64_t seq)
{
    store_snapshot_t snapshot;
    uint64_t at_most = seq;
    while (at_most && source->store->ops->get_snapshot(source->store, at_most,
                                                       &snapshot) == STORE_OK) {
        state_t state = {.board = snapshot_board(&snapshot, NULL, NULL),
                         .seq = snapshot.seq};
        store_snapshot_free(&snapshot);
        if (s_fits(state.board, query))
            return state;
        board_destroy(&state.board);
        at_most = state.seq ? state.seq - 1 : 0;
    }
    return (state_t){.board =
                         board_new(query->width, query->height, query->bits)};
}

static void s_compare(const board_t *from, const board_t *to,
                      touched_t *touched)
{
    for (uint32_t i = 0; i < board_pixels(to); i++)
        if (board_get(from, i) != board_get(to, i))
            touched_add(touched, i);
}

/* Out of the journal alone. */
static int s_read(source_t *source, const bus_query_t *query, state_t *to)
{
    to->board = board_new(query->width, query->height, query->bits);
    to->seq = query->from;
    return s_go_on(to, source, query->to);
}

/* By two boards; TOO_MUCH where that, and all that lies between, is. */
static uint8_t s_make(source_t *source, const bus_query_t *query, state_t *to)
{
    touched_t *touched = to->touched;
    uint64_t between = query->to - query->from;
    state_t from = s_snapshot_before(source, query, query->from);
    *to = s_snapshot_before(source, query, query->to);
    uint64_t cost = query->from - from.seq + (query->to - to->seq);
    uint8_t status = BUS_FOUND;
    if (cost > between && between <= PAST_RECORDS_MAX) {
        board_destroy(&to->board);
        to->touched = touched;
        status = s_read(source, query, to) ? BUS_STORE_FAILED : BUS_FOUND;
    } else if (cost > PAST_RECORDS_MAX) {
        status = BUS_TOO_MUCH;
    } else if (s_go_on(&from, source, query->from) ||
               s_go_on(to, source, query->to)) {
        status = BUS_STORE_FAILED;
    } else {
        s_compare(from.board, to->board, touched);
    }
    to->touched = touched;
    board_destroy(&from.board);
    return status;
}

static past_answer_t s_diff(source_t *source, const bus_query_t *query)
{
    state_t to = {.touched =
                      touched_new((uint32_t)query->width * query->height)};
    uint8_t status = BUS_FOUND;
    bool there =
        query->to <= source->state.checkpoint ||
        (source_ready_anew(source) && query->to <= source->state.checkpoint);
    if (!there)
        status = BUS_STORE_FAILED; /* it is to come */
    else if (query->to - query->from > FEW)
        status = s_make(source, query, &to);
    else if (s_read(source, query, &to))
        status = BUS_STORE_FAILED;
    size_t room =
        status == BUS_FOUND ? 1 + diff_bound(touched_count(to.touched)) : 0;
    past_answer_t answer = s_page(query, status, 0, room);
    if (room) {
        answer.bytes[answer.size++] = WIRE_DIFF;
        answer.size +=
            diff_encode(answer.bytes + answer.size, room - 1, query->from,
                        query->to, to.touched, to.board);
    }
    board_destroy(&to.board);
    touched_destroy(&to.touched);
    return answer;
}

past_answer_t past_answer(source_t *source, bus_type_t type,
                          const bus_query_t *query)
{
    if (!source_ready(source))
        return s_page(query, BUS_STORE_FAILED, 0, 0);
    if (type == BUS_HISTORY)
        return s_history(source, query);
    return type == BUS_SNAPSHOTS ? s_snapshots(source, query)
                                 : s_diff(source, query);
}
