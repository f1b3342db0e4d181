/* SPDX-License-Identifier: Apache-2.0
 *
 * The lease is ours: read board, bans and log from Redis, which nobody else can
 * write any more, and rebuild what is derived from the log. Then hear what a
 * persister says before the first placement is taken: a store that is ahead
 * means that Redis lost its end.
 *
 * Every write to Redis is atomic, so log, board and meta agree, but for two
 * cases that are mended here: a repair that was cut short left a log past the
 * board (rolled forward), or a board whose digest is not the one kept (rebuilt
 * from the log as far as that reaches, and said aloud).
 */
#include "broker/broker.h"

#include "broker/counters.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <inttypes.h>

/* A running persister speaks each 500 ms, and connects within a second. */
#define WORD_MS 1500

static int s_open_canvas(broker_t *self, const ledger_meta_t *meta)
{
    canvas_t canvas = {0};
    if (canvas_from_json(&canvas, meta->canvas, meta->canvas_size) < 0)
        return -1;
    world_open(&self->world, &canvas);
    self->world.epoch = meta->epoch;
    self->world.born = meta->born;
    return 0;
}

void loading_begin(broker_t *self, const ledger_meta_t *meta)
{
    self->world.epoch = meta->epoch;
    if (meta->empty) {
        restoring_begin(self, true);
        return;
    }
    self->seen = true;
    if (s_open_canvas(self, meta) < 0) {
        log_error("canvas_malformed", "epoch=%" PRIu32, meta->epoch);
        broker_step_down(self, "canvas_malformed");
        return;
    }
    self->loading = (loading_t){.meta = *meta};
    broker_enter(self, LOADING);
    ledger_load(self->ledger);
}

/* Redis holds a bitfield only as far as it was ever written. */
void loading_on_board(broker_t *self, const void *bytes, size_t size)
{
    board_t *board = self->world.board;
    size_t whole = board_size_bytes(board);
    uint8_t *padded = mem_zalloc(1, whole);
    if (size)
        memcpy(padded, bytes, size < whole ? size : whole);
    if (size > whole || board_load(board, padded, whole) < 0)
        log_error("board_size_wrong", "size=%zu expected=%zu", size, whole);
    free(padded);
}

void loading_on_ban(broker_t *self, uint64_t user)
{
    bans_t *bans = &self->world.bans;
    uint64_t *users = mem_zalloc(bans->count + 1, sizeof *users);
    if (bans->count)
        memcpy(users, bans->users, bans->count * sizeof *users);
    users[bans->count] = user;
    bans_set(bans, users, bans->count + 1);
    free(users);
}

void loading_on_log(broker_t *self, const uint8_t *records, size_t size)
{
    world_t *world = &self->world;
    size_t count = size / RECORD_BYTES;
    if (!count)
        return;
    uint64_t first = record_decode(records).seq;
    if (history_first(world->history) == history_next(world->history))
        history_reset(world->history, first);
    if (world_remember(world, records, count) == 0)
        return;
    log_error("log_gap", "expected=%" PRIu64 " found=%" PRIu64,
              history_next(world->history), first);
    history_reset(world->history, first);
    if (world_remember(world, records, count) < 0)
        history_reset(world->history, first);
}

/* Applies the held log from `from` on to the board. */
static void s_replay(world_t *world, uint64_t from)
{
    world->seq = from - 1;
    while (world->seq + 1 < history_next(world->history)) {
        size_t count;
        const uint8_t *records =
            history_slice(world->history, world->seq + 1, SIZE_MAX, &count);
        if (world_apply(world, records, count) < 0) {
            log_error("log_record_malformed", "seq=%" PRIu64, world->seq + 1);
            break;
        }
    }
}

/* The board's digest is not the one kept beside it. */
static void s_mend_board(broker_t *self)
{
    world_t *world = &self->world;
    COUNT(DIGEST_WRONG);
    if (history_first(world->history) <= self->loading.meta.seq)
        s_replay(world, history_first(world->history));
    log_error("digest_wrong", "seq=%" PRIu64 " kept=%" PRIu32 " mended=%d",
              world->seq, self->loading.meta.digest,
              board_digest(world->board) == self->loading.meta.digest);
    self->loading.torn = true;
}

void loading_on_loaded(broker_t *self)
{
    world_t *world = &self->world;
    loading_t *loading = &self->loading;
    history_t *history = world->history;
    world->seq = loading->meta.seq;
    if (history_next(history) <= world->seq) {
        if (history_next(history) > history_first(history))
            log_error("log_ends_early", "seq=%" PRIu64 " log=%" PRIu64,
                      world->seq, history_next(history) - 1);
        history_reset(history, world->seq + 1);
    }
    if (board_digest(world->board) != loading->meta.digest)
        s_mend_board(self);
    if (history_next(history) > world->seq + 1) {
        s_replay(world, world->seq + 1);
        loading->torn = true;
    }
    world_recall_users(world);
    loading->loaded = true;
    loading->wait_until_ms = clock_mono_ms() + WORD_MS;
    loading_tick(self);
}

void loading_tick(broker_t *self)
{
    loading_t *loading = &self->loading;
    world_t *world = &self->world;
    uint64_t now_ms = clock_mono_ms();
    const persister_t *furthest =
        persisters_furthest(&self->persisters, now_ms);
    if (!loading->loaded || self->raising)
        return;
    if (!furthest && now_ms < loading->wait_until_ms &&
        !strcmp(self->config->restore, "auto"))
        return;
    if (!broker_epoch_fits(self))
        return;
    if (furthest && furthest->word.checkpoint > world->seq)
        restoring_begin(self, false);
    else if (!loading->torn)
        leading_begin(self);
    else if (!self->repair.active)
        repair_start(self, history_next(world->history), false);
}
