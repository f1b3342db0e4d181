/* SPDX-License-Identifier: Apache-2.0
 *
 * See following.h.
 */
#include "broker/following.h"

#include "broker/metrics.h"
#include "common/log.h"

#include <inttypes.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* After a board that could not be proven, which a moving one may be. */
#define AGAIN_MS 1000
/* As a seq: no entries, only the look. */
#define NOTHING INT64_MAX

void following_begin(following_t *self)
{
    *self = (following_t){0};
}

void following_tick(following_t *self, parts_t *parts)
{
    const world_t *world = &parts->world;
    if (self->looking || self->reading || !ledger_ready(parts->ledger))
        return;
    self->looking = true;
    ledger_follow(parts->ledger, world->board ? world->seq : NOTHING);
}

/* ---- reading everything ---------------------------------------------- */

static void s_drop(following_t *self, parts_t *parts)
{
    world_clear(&parts->world);
    following_begin(self);
    self->again_at_ms = parts->now.mono_ms + AGAIN_MS;
}

void following_on_board(following_t *self, parts_t *parts, const void *bytes,
                        size_t size)
{
    assert(self->reading);
    loading_on_board(&self->loading, parts, bytes, size);
}

void following_on_log(following_t *self, parts_t *parts,
                      const ledger_entry_t *entry)
{
    assert(self->reading || self->looking);
    if (self->reading)
        loading_on_log(&self->loading, parts, entry);
    else if (parts->world.board && loading_take(parts, entry) < 0)
        self->forked_at = record_decode(entry->records).seq;
}

void following_on_loaded(following_t *self, parts_t *parts)
{
    assert(self->reading);
    loading_on_loaded(&self->loading, parts);
    self->reading = false;
    if (self->loading.unproven ||
        parts->world.seq != world_head(&parts->world).seq)
        s_drop(self, parts);
}

/* ---- a look ---------------------------------------------------------- */

static void s_adopt_canvas(following_t *self, world_t *world,
                           const ledger_meta_t *meta)
{
    uint64_t hash = XXH3_64bits(meta->canvas, meta->canvas_size);
    canvas_t canvas = world->canvas;
    if (hash == self->canvas_hash ||
        canvas_from_json(&canvas, meta->canvas, meta->canvas_size) < 0)
        return;
    self->canvas_hash = hash;
    if (canvas.width == world->canvas.width &&
        canvas.height == world->canvas.height &&
        canvas.bits == world->canvas.bits)
        world->canvas = canvas;
}

static following_result_t s_level(following_t *self, parts_t *parts,
                                  const ledger_look_t *look)
{
    world_t *world = &parts->world;
    if (board_digest(world->board) != look->meta.digest) {
        log_warn("standby_digest_wrong", "seq=%" PRIu64, world->seq);
        s_drop(self, parts);
        return FOLLOWING_WAITS;
    }
    s_adopt_canvas(self, world, &look->meta);
    world->digest = look->meta.digest;
    world->born = look->meta.born;
    if (look->trimmed && look->trimmed < history_next(world->history))
        history_trim(world->history, look->trimmed);
    return FOLLOWING_LEVEL;
}

/* Nothing is held: begins to read everything, if there is something. */
static void s_read(following_t *self, parts_t *parts, const ledger_meta_t *meta)
{
    if (meta->empty || parts->now.mono_ms < self->again_at_ms)
        return;
    self->reading = loading_begin(&self->loading, parts, meta) == 0;
    self->again_at_ms = parts->now.mono_ms + AGAIN_MS;
}

/* Redis is further: looks on, unless its log no longer reaches back to here. */
static void s_look_on(following_t *self, parts_t *parts, bool moved)
{
    if (moved)
        following_tick(self, parts);
    else
        s_drop(self, parts);
}

following_result_t following_on_looked(following_t *self, parts_t *parts,
                                       const ledger_look_t *look, lost_t *lost)
{
    world_t *world = &parts->world;
    bool moved = world->seq != self->seq;
    assert(self->looking);
    self->looking = false;
    if (!world->board) {
        s_read(self, parts, &look->meta);
        return FOLLOWING_WAITS;
    }
    history_view_t mine = history_view(world->history);
    succession_t succession = succession_under(&mine, &look->meta, lost);
    if (self->forked_at && succession != SUCCEED_MEMORY) {
        uint64_t from = self->forked_at > 1 ? self->forked_at - 1 : 1;
        if (!lost->from && from <= world->seq)
            *lost = (lost_t){from, world->seq};
        succession = SUCCEED_REDIS;
    }
    self->forked_at = 0;
    self->seq = world->seq;
    switch (succession) {
    case SUCCEED_LEVEL:
        return s_level(self, parts, look);
    case SUCCEED_MEMORY:
        return FOLLOWING_LONGER;
    case SUCCEED_REDIS:
        return FOLLOWING_FORKED;
    case SUCCEED_READ_ON:
        s_look_on(self, parts, moved);
        return FOLLOWING_WAITS;
    case SUCCEED_NOTHING:
        break;
    }
    return FOLLOWING_WAITS;
}
