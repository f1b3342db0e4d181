/* SPDX-License-Identifier: Apache-2.0
 *
 * See repair.h.
 */
#include "broker/repair.h"

/* Past this many records the log is replaced, not appended to: the last step
 * moves what is appended while nobody else is served. */
#define APPEND_MAX 200000u

static void s_put_next(repair_t *self, parts_t *parts)
{
    const world_t *world = &parts->world;
    if (!self->begun || self->next < history_next(world->history)) {
        self->next = ledger_put_log(parts->ledger, world->epoch, !self->begun,
                                    world->history, self->next);
        self->begun = true;
        return;
    }
    self->board = true;
    ledger_put_t put = {.epoch = world->epoch,
                        .born = world->born,
                        .at = world_head(world),
                        .canvas = &world->canvas,
                        .board = world->board,
                        .policy = world->policy,
                        .whole_log = self->whole};
    ledger_put_board(parts->ledger, &put);
}

void repair_start(repair_t *self, parts_t *parts, const position_t *at)
{
    const history_t *history = parts->world.history;
    assert(parts->world.board && !self->active);
    assert(parts->world.seq == world_head(&parts->world).seq);
    bool end = at && at->seq + 1 >= history_first(history) &&
               at->seq < history_next(history) &&
               history_next(history) - at->seq <= APPEND_MAX;
    *self = (repair_t){.active = true,
                       .whole = !end,
                       .next = end ? at->seq + 1 : history_first(history)};
    s_put_next(self, parts);
}

repair_result_t repair_on_put(repair_t *self, parts_t *parts, bool done)
{
    assert(self->active);
    if (done && !self->board) {
        s_put_next(self, parts);
        return REPAIR_GOES_ON;
    }
    self->active = false;
    return done ? REPAIR_DONE : REPAIR_REFUSED;
}
