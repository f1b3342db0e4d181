/* SPDX-License-Identifier: Apache-2.0
 *
 * See receipt.h.
 */
#include "edge/receipt.h"

static void s_tell(receipt_t *self, const bus_acked_t *acked, uint64_t now_ms)
{
    if (!acked->seq)
        return;
    self->told = *acked;
    self->told_until_ms = now_ms + RECEIPT_TELL_MS;
}

void receipt_take(receipt_t *self, uint32_t epoch, const bus_place_t *place,
                  const bus_verdict_t *verdict, bool of_leader, uint64_t now_ms)
{
    bus_acked_t acked = {.epoch = epoch,
                         .seq = verdict->seq,
                         .user = place->user,
                         .request = place->request};
    if (!acked.seq)
        return;
    if (acked.seq > self->newest.seq || epoch > self->newest.epoch)
        self->newest = acked;
    if (!of_leader)
        s_tell(self, &acked, now_ms);
}

void receipt_new_leader(receipt_t *self, uint64_t now_ms)
{
    s_tell(self, &self->newest, now_ms);
}

const bus_acked_t *receipt_due(const receipt_t *self, uint64_t now_ms)
{
    return now_ms < self->told_until_ms ? &self->told : NULL;
}
