/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes memory to Redis: the log's missing end in parts, then the board with
 * seq, digest and settings in one atomic step. Until that last step Redis
 * stands at its old seq with a log that goes past it, which loading.c knows how
 * to take; so a crash on the way loses nothing.
 */
#include "broker/broker.h"

static void s_put_next(broker_t *self)
{
    repair_t *repair = &self->repair;
    world_t *world = &self->world;
    if (repair->reset || repair->next < history_next(world->history)) {
        repair->next = ledger_put_log(self->ledger, world->epoch, repair->reset,
                                      world->history, repair->next);
        repair->reset = false;
        return;
    }
    repair->board = true;
    ledger_put_board(self->ledger, world->epoch, world->born, world->seq,
                     &world->canvas, world->board);
}

/* The fence: another leads, or Redis was emptied once more. Where memory is all
 * there is, look before it is dropped. */
static void s_refused(broker_t *self)
{
    self->repair.active = false;
    if (self->state == AWAY)
        ledger_resume(self->ledger, self->world.epoch);
    else
        broker_step_down(self, "superseded");
}

void repair_start(broker_t *self, uint64_t from, bool reset)
{
    self->repair = (repair_t){.active = true, .reset = reset, .next = from};
    s_put_next(self);
}

void repair_on_put(broker_t *self, bool done)
{
    repair_t *repair = &self->repair;
    if (!repair->active)
        return;
    if (!done) {
        s_refused(self);
        return;
    }
    if (!repair->board) {
        s_put_next(self);
        return;
    }
    repair->active = false;
    if (self->state == AWAY)
        leading_go_on(self);
    else
        leading_begin(self);
}
