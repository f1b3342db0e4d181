/* SPDX-License-Identifier: Apache-2.0
 *
 * See undo.h.
 */
#include "broker/undo.h"

/* For the way of the verdict and of the undo. */
#define GRACE_MS 1000

/* A record that is committed, or in the batch. */
static record_t s_record(const world_t *world, const batch_t *batch,
                         uint64_t seq)
{
    uint64_t first = batch_from(batch).seq + 1;
    if (seq < first)
        return history_get(world->history, seq);
    return record_decode(batch_records(batch) + (seq - first) * RECORD_BYTES);
}

static bool s_is_covered(const world_t *world, const batch_t *batch,
                         const record_t *record)
{
    for (uint64_t seq = batch_next(batch) - 1; seq > record->seq; seq--) {
        record_t later = s_record(world, batch, seq);
        if (later.x == record->x && later.y == record->y)
            return true;
    }
    return false;
}

static bool s_is_fresh(const last_placement_t *last, const bus_place_t *undo,
                       uint64_t now_ms)
{
    return last && (last->seq & BUS_UNDO_MASK) == bus_undo_of(undo) &&
           !(last->flags & RECORD_UNDO) &&
           now_ms - last->placed_at_ms <= WIRE_UNDO_MS + GRACE_MS;
}

bool undo_find(bus_place_t *undo, const world_t *world, const batch_t *batch,
               uint64_t now_ms)
{
    const last_placement_t *last = users_find(world->users, undo->user, now_ms);
    const policy_t *policy = world->policy;
    bool found = s_is_fresh(last, undo, now_ms) && !policy_open(policy) &&
                 last->seq > policy_turned(policy) &&
                 last->seq >= history_first(world->history) &&
                 batch_next(batch) - last->seq <= UNDO_LOOK_MAX;
    undo->x = undo->y = undo->color = 0;
    if (!found)
        return false;
    record_t record = s_record(world, batch, last->seq);
    if (s_is_covered(world, batch, &record))
        return false;
    undo->x = record.x;
    undo->y = record.y;
    undo->color = record.previous_color;
    return true;
}
