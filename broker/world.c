/* SPDX-License-Identifier: Apache-2.0
 *
 * See world.h.
 */
#include "broker/world.h"

#include "common/clock.h"

void world_init(world_t *self)
{
    *self = (world_t){
        .users = users_new(), .history = history_new(), .resent = resent_new()};
}

void world_fini(world_t *self)
{
    board_destroy(&self->board);
    users_destroy(&self->users);
    history_destroy(&self->history);
    resent_destroy(&self->resent);
    bans_fini(&self->bans);
}

void world_clear(world_t *self)
{
    board_destroy(&self->board);
    users_clear(self->users);
    history_reset(self->history, 1);
    resent_clear(self->resent);
    bans_set(&self->bans, NULL, 0);
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
    history_reset(self->history, 1);
    resent_clear(self->resent);
}

static bool s_fits(const world_t *self, const record_t *record)
{
    const canvas_t *canvas = &self->canvas;
    return record->x < canvas->width && record->y < canvas->height &&
           !(record->color >> canvas->bits);
}

static int s_place(world_t *self, const record_t *record)
{
    if (record->seq != self->seq + 1 || !s_fits(self, record))
        return -1;
    board_set(self->board, (uint32_t)record->y * self->canvas.width + record->x,
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

void world_recall_users(world_t *self)
{
    uint64_t keep_from_ms = rules_keep_from_ms(&self->canvas, clock_wall_ms());
    uint64_t seq = history_since(self->history, keep_from_ms);
    users_clear(self->users);
    for (; seq < history_next(self->history); seq++) {
        record_t record = history_get(self->history, seq);
        users_put(self->users, &record, keep_from_ms);
    }
}
