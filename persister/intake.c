/* SPDX-License-Identifier: Apache-2.0 */
#include "persister/intake.h"

void intake_start(intake_t *self, uint64_t checkpoint)
{
    *self = (intake_t){.next = checkpoint + 1, .seen = checkpoint + 1};
}

static void s_see(intake_t *self, uint64_t seq)
{
    if (seq > self->seen)
        self->seen = seq;
}

intake_result_t intake_offer(intake_t *self, uint64_t first, uint64_t last,
                             uint64_t *skip)
{
    if (last < self->next)
        return INTAKE_OLD;
    if (first > self->next) {
        s_see(self, last);
        return INTAKE_GAP;
    }
    *skip = self->next - first;
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

void intake_level(intake_t *self)
{
    self->seen = self->next - 1;
}
