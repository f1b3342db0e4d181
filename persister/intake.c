/* SPDX-License-Identifier: Apache-2.0
 *
 * See intake.h.
 */
#include "persister/intake.h"

#include <assert.h>

int intake_run_decode(intake_run_t *run, const void *bytes, size_t size)
{
    bus_body_t body;
    *run = (intake_run_t){0};
    if (bus_decode_body(&body, bytes, size) || body.size % RECORD_BYTES ||
        body.size / RECORD_BYTES > BUS_RECORDS_MAX)
        return -1;
    run->before = body.chain;
    run->records = body.body;
    run->count = body.size / RECORD_BYTES;
    if (run->count)
        run->first = record_decode(body.body).seq;
    for (size_t i = 0; i < run->count; i++) {
        uint64_t seq = record_decode(body.body + i * RECORD_BYTES).seq;
        if (!run->first || seq != run->first + i)
            return -1;
    }
    return 0;
}

void intake_start(intake_t *self, position_t checkpoint)
{
    *self = (intake_t){.next = checkpoint.seq + 1,
                       .seen = checkpoint.seq + 1,
                       .chain = checkpoint.chain};
}

void intake_doubt(intake_t *self)
{
    assert(self->next);
    self->proved = false;
    if (self->seen < self->next)
        self->seen = self->next;
}

static void s_see(intake_t *self, uint64_t seq)
{
    if (seq > self->seen)
        self->seen = seq;
}

intake_result_t intake_offer(intake_t *self, const intake_run_t *run,
                             uint64_t *skip)
{
    assert(run->count && run->first);
    uint64_t last = run->first + run->count - 1;
    if (last < self->next)
        return INTAKE_OLD;
    if (run->first > self->next) {
        s_see(self, last);
        return INTAKE_GAP;
    }
    uint64_t known = self->next - run->first;
    chain_t theirs = chain_extend(run->before, run->records, (size_t)known);
    if (chain_differs(theirs, self->chain))
        return INTAKE_FORKED;
    if (!chain_known(self->chain))
        self->chain = theirs;
    self->chain = chain_extend(self->chain, run->records + known * RECORD_BYTES,
                               (size_t)(run->count - known));
    *skip = known;
    self->proved = true;
    self->lacked = self->hole = 0;
    self->next = last + 1;
    return INTAKE_TAKE;
}

void intake_refuse(intake_t *self, uint64_t last)
{
    s_see(self, last);
}

void intake_hint(intake_t *self, uint64_t committed)
{
    if (self->stood == self->next)
        s_see(self, committed);
    self->stood = self->next;
}

bool intake_lack(intake_t *self, uint64_t to)
{
    bool again = self->lacked == self->next;
    bool news = again && !self->hole;
    self->lacked = self->next;
    self->hole = again ? to : 0;
    s_see(self, to);
    return news;
}

bool intake_level(intake_t *self, chain_t chain)
{
    if (chain_differs(chain, self->chain))
        return false;
    self->proved = true;
    self->seen = self->next - 1;
    return true;
}
