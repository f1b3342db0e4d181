/* SPDX-License-Identifier: Apache-2.0
 *
 * See loading.h.
 */
#include "broker/loading.h"

#include "broker/metrics.h"
#include "broker/succession.h"
#include "common/log.h"
#include "common/mem.h"

#include <inttypes.h>

/* How often it says that it waits. */
#define TELL_MS 10000

/* ---- beginning ------------------------------------------------------- */

int loading_begin(loading_t *self, parts_t *parts, const ledger_meta_t *meta)
{
    canvas_t canvas = {0};
    world_t *world = &parts->world;
    assert(!meta->empty);
    *self = (loading_t){.meta = *meta};
    if (canvas_from_json(&canvas, meta->canvas, meta->canvas_size) < 0) {
        log_error("canvas_malformed", "epoch=%" PRIu32, meta->epoch);
        return -1;
    }
    world_open(world, &canvas);
    world->born = meta->born;
    ledger_load(parts->ledger, true);
    return 0;
}

void loading_read_on(loading_t *self, parts_t *parts, const ledger_meta_t *meta)
{
    assert(parts->world.board && !meta->empty);
    assert(parts->world.seq == world_head(&parts->world).seq);
    *self = (loading_t){.meta = *meta,
                        .memory = true,
                        .reads_on = true,
                        .from = parts->world.seq};
    parts->world.born = meta->born;
    ledger_follow(parts->ledger, parts->world.seq);
}

void loading_keep(loading_t *self, const ledger_meta_t *meta, bool given_up)
{
    *self = (loading_t){.meta = *meta,
                        .memory = true,
                        .loaded = true,
                        .torn = true,
                        .given_up = given_up};
}

bool loading_holds(const loading_t *self)
{
    return self->memory && !self->unproven;
}

/* ---- what comes ------------------------------------------------------ */

/* Redis holds a bitfield only as far as it was ever written. */
void loading_on_board(loading_t *self, parts_t *parts, const void *bytes,
                      size_t size)
{
    board_t *board = parts->world.board;
    assert(board && !self->loaded && !self->reads_on);
    size_t whole = board_size_bytes(board);
    uint8_t *padded = mem_zalloc(1, whole);
    if (size)
        memcpy(padded, bytes, size < whole ? size : whole);
    if (size > whole || board_load(board, padded, whole) < 0)
        log_error("board_size_wrong", "size=%zu expected=%zu", size, whole);
    free(padded);
}

/* Whether the entry goes on from the history that is held. */
static bool s_follows(const history_t *history, const ledger_entry_t *entry)
{
    uint64_t first = record_decode(entry->records).seq;
    return first == history_next(history) &&
           !chain_differs(history_head(history).chain, entry->before);
}

static void s_remember(world_t *world, const ledger_entry_t *entry)
{
    uint64_t first = record_decode(entry->records).seq;
    history_t *history = world->history;
    bool empty = history_first(history) == history_next(history);
    if (!empty && !s_follows(history, entry)) {
        log_error("log_gap", "expected=%" PRIu64 " found=%" PRIu64,
                  history_next(history), first);
        empty = true;
    }
    if (empty && first)
        history_reset(history, (position_t){first - 1, entry->before});
    if (first && !chain_known(history_head(history).chain) &&
        chain_known(entry->before))
        history_learn(history, (position_t){first - 1, entry->before});
    if (world_remember(world, entry->records, entry->count) < 0)
        log_error("log_record_malformed", "seq=%" PRIu64, first);
}

int loading_take(parts_t *parts, const ledger_entry_t *entry)
{
    world_t *world = &parts->world;
    uint64_t first = record_decode(entry->records).seq;
    uint64_t next = history_next(world->history);
    if (!first || first > next)
        return -1;
    if (chain_differs(history_chain(world->history, first - 1), entry->before))
        return -1;
    uint64_t known = next - first;
    if (known >= entry->count)
        return 0;
    return world_follow(world, entry->records + known * RECORD_BYTES,
                        entry->count - known, parts->now.wall_ms);
}

void loading_on_log(loading_t *self, parts_t *parts,
                    const ledger_entry_t *entry)
{
    assert(!self->loaded && entry->count);
    uint64_t first = record_decode(entry->records).seq;
    if (!self->reads_on)
        s_remember(&parts->world, entry);
    else if (first > history_next(parts->world.history))
        self->gap = true;
    else if (loading_take(parts, entry) < 0)
        self->forked = true;
}

void loading_on_looked(loading_t *self, parts_t *parts)
{
    position_t head = world_head(&parts->world), at = self->meta.at;
    assert(self->reads_on && !self->loaded);
    if (self->forked || self->gap)
        return;
    if (head.seq > at.seq ||
        (head.seq == at.seq && chain_differs(head.chain, at.chain)))
        self->forked = true;
    else if (head.seq == at.seq)
        ledger_load(parts->ledger, false);
    else if (head.seq == self->from)
        self->gap = true; /* nothing is left of what follows */
    else
        ledger_follow(parts->ledger, self->from = head.seq);
}

/* ---- all is read ----------------------------------------------------- */

/* Applies the held log from `from` on to the board. */
static void s_replay(world_t *world, uint64_t from)
{
    assert(from >= history_first(world->history));
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

/* The log that is held is made to end at or behind the committed seq, and to
 * begin no later than behind it. Returns false if there is a hole between. */
static bool s_join(const loading_t *self, world_t *world)
{
    history_t *history = world->history;
    position_t at = self->meta.at;
    bool empty = history_first(history) == history_next(history);
    if (!empty && history_first(history) > at.seq + 1) {
        log_error("log_begins_late", "seq=%" PRIu64 " log=%" PRIu64, at.seq,
                  history_first(history));
        return false;
    }
    bool early = history_next(history) <= at.seq;
    if (early && !empty)
        log_error("log_ends_early", "seq=%" PRIu64 " log=%" PRIu64, at.seq,
                  history_next(history) - 1);
    if (early || empty)
        history_reset(history, at);
    if (chain_differs(history_chain(history, at.seq), at.chain)) {
        log_error("chain_wrong", "seq=%" PRIu64, at.seq);
        history_reset(history, at);
    }
    return true;
}

/* The board's digest is not the one kept beside it. */
static void s_mend_board(loading_t *self, world_t *world)
{
    COUNT(DIGEST_WRONG);
    if (history_first(world->history) <= self->meta.at.seq)
        s_replay(world, history_first(world->history));
    self->unproven = board_digest(world->board) != self->meta.digest;
    self->torn = true;
    log_error("digest_wrong", "seq=%" PRIu64 " kept=%" PRIu32 " mended=%d",
              world->seq, self->meta.digest, !self->unproven);
}

static void s_finish(loading_t *self, parts_t *parts)
{
    world_t *world = &parts->world;
    history_t *history = world->history;
    world->seq = self->meta.at.seq;
    if (!s_join(self, world)) {
        self->unproven = true;
        return;
    }
    if (history_next(history) > world->seq + 1) { /* of 0.1.0, torn */
        self->torn = true;
        s_replay(world, world->seq + 1);
    } else if (board_digest(world->board) != self->meta.digest) {
        s_mend_board(self, world);
    }
    world_recall_users(world, parts->now.wall_ms);
    world_recall_policy(world);
}

void loading_on_loaded(loading_t *self, parts_t *parts)
{
    assert(parts->world.board && !self->loaded);
    if (!self->reads_on)
        s_finish(self, parts);
    self->loaded = true;
    self->told_at_ms = parts->now.mono_ms;
}

/* ---- may it be led? -------------------------------------------------- */

static void s_tell(loading_t *self, const parts_t *parts)
{
    if (parts->now.mono_ms - self->told_at_ms < TELL_MS)
        return;
    self->told_at_ms = parts->now.mono_ms;
    log_warn(self->unproven ? "board_unproven" : "waiting_for_store",
             "seq=%" PRIu64
             " hint=\"Redis was restarted: is a persister running?\"",
             parts->world.seq);
}

/* A history of 0.1.0 gets its chain: the store's, if that says one. */
static void s_begin_chain(loading_t *self, parts_t *parts,
                          const persister_t *store)
{
    world_t *world = &parts->world;
    if (chain_known(world_head(world).chain))
        return;
    if (store && chain_known(store->word.chain) &&
        store->word.checkpoint + 1 >= history_first(world->history) &&
        store->word.checkpoint < history_next(world->history))
        history_learn(world->history,
                      (position_t){store->word.checkpoint, store->word.chain});
    world_begin_chain(world);
    self->torn = true;
    log_info("chain_begun", "seq=%" PRIu64, world->seq);
}

loading_result_t loading_look(loading_t *self, parts_t *parts)
{
    bool ask = !strcmp(parts->config->restore, "auto");
    const persister_t *store =
        persisters_furthest(&parts->persisters, parts->now.mono_ms);
    if (self->forked)
        return LOADING_FORKED;
    if (self->gap)
        return LOADING_GAP;
    if (!self->loaded)
        return LOADING_WAITS;
    if (self->unproven && (!store || !store->word.checkpoint)) {
        s_tell(self, parts);
        return LOADING_WAITS;
    }
    if (self->unproven)
        return LOADING_UNPROVEN;
    if (ask && !store && !self->meta.sure) {
        s_tell(self, parts);
        return LOADING_WAITS;
    }
    s_begin_chain(self, parts, store);
    history_view_t mine = history_view(parts->world.history);
    position_t stored = {0};
    if (store)
        stored = (position_t){store->word.checkpoint, store->word.chain};
    if (succession_of_store(&mine, stored) && ask)
        return LOADING_BEHIND;
    return self->torn ? LOADING_TORN : LOADING_LEVEL;
}
