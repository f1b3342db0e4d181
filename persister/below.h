/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies below: the board as it would be if some placements did not count.
 * A fold over the whole history from its first record on. Of each pixel that a
 * selection touched it tells the newest placement that counts (blank, if none
 * does), so that whoever placed there later is spared. A placement that its
 * player took back does not count either. What rollbacks placed is nobody's
 * placement; it only shows. Pure.
 */
#ifndef PERSISTER_BELOW_H
#define PERSISTER_BELOW_H

#include "common/bus_look.h"

typedef struct below below_t;

/* Four bytes for each pixel of the box, or of the board. */
below_t *below_new(const bus_below_ask_t *ask);
void below_destroy(below_t **self_p);

/* The next records. */
void below_feed(below_t *self, const record_t *records, size_t count);

/* The last record's seq. */
uint64_t below_seq(const below_t *self);
/* The whole BELOW message with that ticket: those pixels that show something
 * else than they should. `size` bytes, the caller's (free). */
uint8_t *below_answer(const below_t *self, uint64_t ticket, size_t *size);

#endif
