/* SPDX-License-Identifier: Apache-2.0
 *
 * See probe.h.
 */
#include "load/probe.h"

#include <string.h>

void probe_init(probe_t *self, uint64_t every_us, uint32_t request,
                uint64_t now_us)
{
    memset(self, 0, sizeof *self);
    self->every_us = every_us;
    self->request = request;
    self->due_us = self->answered_us = now_us;
}

bool probe_place(probe_t *self, uint8_t shown, uint64_t now_us)
{
    if (self->phase != PROBE_IDLE || now_us < self->due_us)
        return false;
    self->phase = PROBE_ASKED;
    self->request++;
    self->color = shown ? 0 : 1;
    self->sent_us = now_us;
    self->move_count = 0;
    self->due_us = now_us + self->every_us;
    self->values[CANARY_PLACED]++;
    return true;
}

bool probe_unanswered(const probe_t *self)
{
    return self->phase == PROBE_ASKED;
}

static void s_seen(probe_t *self, uint64_t at_us)
{
    metric_observe_us(&self->histograms[CANARY_SEEN], at_us - self->sent_us);
    self->phase = PROBE_IDLE;
}

static void s_remember(probe_t *self, uint64_t seq, uint64_t now_us)
{
    probe_move_t *moves = self->moves;
    if (self->move_count && moves[self->move_count - 1].seq == seq)
        return;
    if (self->move_count == PROBE_MOVES)
        memmove(moves, moves + 1, --self->move_count * sizeof *moves);
    moves[self->move_count++] = (probe_move_t){seq, now_us};
}

void probe_board(probe_t *self, uint64_t seq, uint64_t now_us)
{
    if (self->phase == PROBE_ASKED)
        s_remember(self, seq, now_us);
    else if (self->phase == PROBE_ACCEPTED && seq >= self->seq)
        s_seen(self, now_us);
}

/* The board may have shown it before the verdict came. */
static void s_accept(probe_t *self, uint64_t seq)
{
    self->seq = seq;
    self->phase = PROBE_ACCEPTED;
    for (unsigned i = 0; i < self->move_count; i++) {
        if (self->moves[i].seq < seq)
            continue;
        s_seen(self, self->moves[i].at_us);
        return;
    }
}

void probe_verdict(probe_t *self, const wire_verdict_t *verdict,
                   uint64_t now_us)
{
    bool known = (unsigned)verdict->status < VERDICT_COUNT;
    if (self->phase != PROBE_ASKED || verdict->request != self->request)
        return;
    metric_observe_us(&self->histograms[CANARY_VERDICT],
                      now_us - self->sent_us);
    self->values[known ? CANARY_VERDICT_OK + (int)verdict->status
                       : CANARY_VERDICT_OTHER]++;
    bool accepted =
        verdict->status == VERDICT_OK || verdict->status == VERDICT_DUPLICATE;
    /* All that a sound canvas says. */
    if (accepted || verdict->status == VERDICT_COOLDOWN ||
        verdict->status == VERDICT_PAUSED)
        self->answered_us = now_us;
    self->phase = PROBE_IDLE;
    if (accepted)
        s_accept(self, verdict->seq);
}

void probe_tick(probe_t *self, uint64_t now_us)
{
    self->values[CANARY_ANSWERED_AGO] =
        (int64_t)((now_us - self->answered_us) / 1000);
    if (self->phase == PROBE_IDLE || now_us < self->sent_us + PROBE_DEADLINE_US)
        return;
    self->values[self->phase == PROBE_ASKED ? CANARY_UNANSWERED
                                            : CANARY_UNSEEN]++;
    self->phase = PROBE_IDLE;
}
