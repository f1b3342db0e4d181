/* SPDX-License-Identifier: Apache-2.0
 *
 * See world.h.
 */
#include "broker/world.h"

#include <assert.h>

void world_init(world_t *self)
{
    *self = (world_t){.users = users_new(),
                      .history = history_new(),
                      .resent = resent_new(),
                      .policy = policy_new()};
}

void world_fini(world_t *self)
{
    board_destroy(&self->board);
    users_destroy(&self->users);
    history_destroy(&self->history);
    resent_destroy(&self->resent);
    bans_fini(&self->bans);
    policy_destroy(&self->policy);
}

void world_clear(world_t *self)
{
    board_destroy(&self->board);
    users_clear(self->users);
    history_reset(self->history, (position_t){0});
    resent_clear(self->resent);
    bans_set(&self->bans, NULL, 0);
    policy_clear(self->policy);
    self->epoch = self->born = 0;
    self->seq = 0;
}

void world_open(world_t *self, const canvas_t *canvas)
{
    board_destroy(&self->board);
    self->canvas = *canvas;
    self->board = board_new(canvas->width, canvas->height, canvas->bits);
    self->seq = 0;
    users_clear(self->users);
    history_reset(self->history, (position_t){0});
    resent_clear(self->resent);
    policy_clear(self->policy);
}

static bool s_fits(const world_t *self, const record_t *record)
{
    const canvas_t *canvas = &self->canvas;
    return record_is_control(record) ||
           (record->x < canvas->width && record->y < canvas->height &&
            !(record->color >> canvas->bits));
}

static int s_place(world_t *self, const record_t *record)
{
    if (record->seq != self->seq + 1 || !s_fits(self, record))
        return -1;
    if (!record_is_control(record))
        board_set(self->board,
                  (uint32_t)record->y * self->canvas.width + record->x,
                  record->color);
    self->seq++;
    return 0;
}

int world_apply(world_t *self, const uint8_t *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        record_t record = record_decode(records + i * RECORD_BYTES);
        if (record.seq > self->seq && s_place(self, &record) < 0)
            return -1;
        policy_feed(self->policy, &record, NULL);
    }
    return 0;
}

int world_remember(world_t *self, const uint8_t *records, size_t count)
{
    uint64_t next = history_next(self->history);
    for (size_t i = 0; i < count; i++) {
        record_t record = record_decode(records + i * RECORD_BYTES);
        if (record.seq != next + i || !s_fits(self, &record))
            return -1;
    }
    history_append(self->history, records, count);
    return 0;
}

void world_begin_chain(world_t *self)
{
    history_t *history = self->history;
    position_t at = {0, chain_legacy_origin()};
    if (chain_known(history_head(history).chain))
        return;
    if (history_first(history) > 1)
        at = (position_t){history_first(history) - 1,
                          chain_of_board(self->seq, board_digest(self->board))};
    history_learn(history, at);
}

int world_follow(world_t *self, const uint8_t *records, size_t count,
                 uint64_t now_ms)
{
    keep_t keep = world_keep(self, now_ms);
    assert(self->seq == world_head(self).seq);
    if (world_apply(self, records, count) < 0 ||
        world_remember(self, records, count) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        record_t record = record_decode(records + i * RECORD_BYTES);
        if (record_is_players(&record))
            users_put(self->users, &record, keep);
    }
    return 0;
}

keep_t world_keep(const world_t *self, uint64_t now_ms)
{
    return (keep_t){.since_ms = rules_keep_from_ms(&self->canvas, now_ms),
                    .since_seq = history_recent(self->history)};
}

/* Backwards, so that a record from a clock that was ahead can be given the time
 * of the one behind it: it was placed before that. */
void world_recall_users(world_t *self, uint64_t now_ms)
{
    uint64_t next = history_next(self->history), latest_ms = now_ms;
    keep_t keep = world_keep(self, now_ms);
    uint64_t from = history_since(self->history, keep.since_ms);
    if (from > keep.since_seq)
        from = keep.since_seq;
    if (from < history_first(self->history))
        from = history_first(self->history);
    users_clear(self->users);
    for (uint64_t seq = next; seq-- > from;) {
        record_t record = history_get(self->history, seq);
        if (record.placed_at_ms > now_ms)
            record.placed_at_ms = latest_ms;
        latest_ms = record.placed_at_ms;
        if (record_is_players(&record) &&
            !users_find(self->users, record.user, now_ms))
            users_put(self->users, &record, keep);
    }
}

void world_forget_batch(world_t *self, uint64_t now_ms)
{
    world_recall_users(self, now_ms);
    resent_clear(self->resent);
}

void world_recall_policy(world_t *self)
{
    uint64_t seq = history_first(self->history);
    while (seq < history_next(self->history)) {
        size_t count;
        const uint8_t *records =
            history_slice(self->history, seq, SIZE_MAX, &count);
        for (size_t i = 0; i < count; i++) {
            record_t record = record_decode(records + i * RECORD_BYTES);
            policy_feed(self->policy, &record, NULL);
        }
        seq += count;
    }
}
