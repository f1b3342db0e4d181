/* SPDX-License-Identifier: Apache-2.0
 *
 * See replica.h. The board is dropped when it is in doubt, and built again for
 * the next snapshot.
 */
#include "persister/replica.h"

#include "common/log.h"
#include "common/mem.h"
#include "persister/snapshots.h"

#include <inttypes.h>
#include <stdlib.h>

struct replica {
    canvas_t canvas;
    bool canvas_known;
    bool canvas_put;  /* the newest snapshot carries it */
    board_t *board;   /* NULL until built */
    policy_t *policy; /* beside it */
    uint64_t put_seq;
    bool put; /* put_seq counts */
};

replica_t *replica_new(void)
{
    replica_t *self = mem_zalloc(1, sizeof *self);
    self->policy = policy_new();
    return self;
}

void replica_destroy(replica_t **self_p)
{
    if (!*self_p)
        return;
    board_destroy(&(*self_p)->board);
    policy_destroy(&(*self_p)->policy);
    free(*self_p);
    *self_p = NULL;
}

static bool s_same_size(const canvas_t *a, const canvas_t *b)
{
    return a->width == b->width && a->height == b->height && a->bits == b->bits;
}

void replica_set_canvas(replica_t *self, const char *json, size_t size)
{
    canvas_t canvas;
    if (canvas_from_json(&canvas, json, size))
        return;
    if (self->canvas_known && !s_same_size(&canvas, &self->canvas))
        replica_reset(self);
    if (!self->canvas_known || !canvas_equal(&canvas, &self->canvas))
        self->canvas_put = false;
    self->canvas = canvas;
    self->canvas_known = true;
}

void replica_reset(replica_t *self)
{
    board_destroy(&self->board);
    self->put = false;
    self->canvas_put = false;
}

static void s_feed(policy_t *policy, const record_t *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        policy_feed(policy, &records[i], NULL);
}

static size_t s_replay(board_t *board, const record_t *records, size_t count)
{
    uint64_t seq;
    size_t disagree = board_replay(board, records, count, &seq);
    if (disagree)
        log_error("replay_disagrees", "seq=%" PRIu64 " records=%zu", seq,
                  disagree);
    return disagree;
}

size_t replica_apply(replica_t *self, const record_t *records, size_t count)
{
    if (!self->board)
        return 0;
    s_feed(self->policy, records, count);
    return s_replay(self->board, records, count);
}

bool replica_changed(const replica_t *self, uint64_t checkpoint)
{
    return self->canvas_known &&
           (!self->put || !self->canvas_put || self->put_seq != checkpoint);
}

/* The newest snapshot that is sound and of this size, as a board; *seq 0 and
 * a blank board where there is none. */
static store_result_t s_base(replica_t *self, store_t *store,
                             uint64_t checkpoint, uint64_t *seq)
{
    store_result_t result = STORE_OK;
    for (uint64_t at_most = checkpoint; !self->board;) {
        store_snapshot_t snapshot;
        result = store->ops->get_snapshot(store, at_most, &snapshot);
        if (result != STORE_OK)
            break;
        canvas_t canvas;
        *seq = snapshot.seq;
        self->board = snapshot_board(&snapshot, &canvas, self->policy);
        store_snapshot_free(&snapshot);
        if (self->board && !s_same_size(&canvas, &self->canvas))
            board_destroy(&self->board);
        if (!self->board)
            log_error("snapshot_unsound", "seq=%" PRIu64, *seq);
        if (!*seq)
            result = STORE_NONE;
        if (!*seq && !self->board)
            break;
        at_most = *seq - 1;
    }
    if (self->board)
        return STORE_OK;
    if (result != STORE_NONE)
        return result;
    *seq = 0;
    policy_clear(self->policy);
    self->board =
        board_new(self->canvas.width, self->canvas.height, self->canvas.bits);
    return STORE_OK;
}

typedef struct {
    board_t *board;
    policy_t *policy;
    uint64_t seq; /* of the board */
} replay_t;

static bool s_visit(void *context, const record_t *records, size_t count)
{
    replay_t *replay = context;
    s_feed(replay->policy, records, count);
    uint64_t last = records[count - 1].seq;
    if (last <= replay->seq)
        return true;
    size_t known = records[0].seq <= replay->seq
                       ? (size_t)(replay->seq + 1 - records[0].seq)
                       : 0;
    s_replay(replay->board, records + known, count - known);
    replay->seq = last;
    return true;
}

static store_result_t s_build(replica_t *self, store_t *store,
                              uint64_t checkpoint)
{
    replay_t replay = {0};
    store_result_t result = s_base(self, store, checkpoint, &replay.seq);
    if (result != STORE_OK)
        return result;
    replay.board = self->board;
    replay.policy = self->policy;
    /* An action may have begun before the snapshot, and end behind it. */
    uint64_t from =
        replay.seq > CONTROL_RECORDS_MAX ? replay.seq - CONTROL_RECORDS_MAX : 0;
    if (replay.seq < checkpoint)
        result =
            store->ops->scan(store, from + 1, checkpoint, s_visit, &replay);
    if (result == STORE_OK && replay.seq == checkpoint)
        return STORE_OK;
    if (result == STORE_OK || result == STORE_NONE) {
        log_error("journal_short", "seq=%" PRIu64 " checkpoint=%" PRIu64,
                  replay.seq, checkpoint);
        result = STORE_FAILED;
    }
    board_destroy(&self->board);
    return result;
}

store_result_t replica_put(replica_t *self, store_t *store, uint64_t checkpoint,
                           uint64_t now_ms)
{
    if (!self->canvas_known)
        return STORE_NONE;
    store_result_t result = STORE_OK;
    if (!self->board)
        result = s_build(self, store, checkpoint);
    if (result != STORE_OK)
        return result;
    chain_t chain;
    result = store_chain_at(store, checkpoint, &chain);
    if (result != STORE_OK && result != STORE_NONE)
        return result;
    store_snapshot_t snapshot =
        snapshot_of(self->board, self->policy, &self->canvas,
                    (position_t){checkpoint, chain}, now_ms);
    result = store->ops->put_snapshot(store, &snapshot);
    store_snapshot_free(&snapshot);
    if (result == STORE_OK)
        result = store->ops->thin_snapshots(store, now_ms);
    if (result != STORE_OK)
        return result;
    self->put = true;
    self->canvas_put = true;
    self->put_seq = checkpoint;
    return STORE_OK;
}
