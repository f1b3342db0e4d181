/* SPDX-License-Identifier: Apache-2.0
 *
 * See backfill.h.
 */
#include "edge/backfill.h"

#include <assert.h>

#define FIRST 256
#define FACTOR 4
#define LAST 65536

void backfill_on_board(backfill_t *self, uint64_t seq, bool bare)
{
    self->back = !self->back && bare ? FIRST : 0;
    self->from = seq;
}

bool backfill_next(backfill_t *self, uint64_t *since)
{
    uint64_t back = self->back;
    assert(back <= LAST);
    if (!back || !self->from)
        return false;
    *since = back < self->from ? self->from - back : 0;
    self->back = back >= LAST || back >= self->from ? 0 : back * FACTOR;
    return true;
}
