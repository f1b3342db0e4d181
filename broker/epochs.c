/* SPDX-License-Identifier: Apache-2.0
 *
 * See epochs.h.
 */
#include "broker/epochs.h"

bool epochs_hear(epochs_t *self, uint32_t known, uint32_t epoch,
                 uint64_t now_ms)
{
    uint32_t highest = self->told > known ? self->told : known;
    if (epoch <= highest)
        return true;
    if (now_ms - self->since_ms >= EPOCHS_WITHIN_MS) {
        self->since_ms = now_ms;
        self->believed = 0;
    }
    if (epoch - highest > EPOCH_STEP_MAX || epoch > EPOCH_TOLD_MAX ||
        self->believed == EPOCHS_BELIEVED)
        return false;
    self->believed++;
    self->told = epoch;
    return true;
}
