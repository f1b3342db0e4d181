/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof that what was acknowledged was also shown. One witness, an ordinary
 * viewer, hands over every diff it applies; placers hand over every
 * acknowledgement. Each acknowledged seq must lie in the range of some diff
 * that contains its pixel, with its colour there, or the colour of a placement
 * acknowledged later within that range. Either may come first:
 *
 *     acknowledged, then shown   waits in a ring by seq until a diff covers it
 *     shown, then acknowledged   is looked up among the recent diffs
 *
 * Where the witness had to fetch a board, the board covers all up to its seq.
 * Colours can only be judged where nobody else places (LEDGER_SHARED off).
 */
#ifndef LOAD_LEDGER_H
#define LOAD_LEDGER_H

#include "load/histogram.h"
#include "load/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Diffs kept for late acknowledgements; older ones are given up. */
#define LEDGER_DIFFS_MAX 8192
#define LEDGER_DIFF_BYTES_MAX (128u << 20)

typedef struct ledger ledger_t;

typedef struct {
    uint64_t seq;
    uint64_t sent_us; /* when it was due to be sent */
    uint32_t pixel;
    uint8_t color;
} ack_t;

typedef struct {
    uint64_t acknowledged; /* distinct seqs */
    uint64_t seen;
    uint64_t not_seen;    /* covered by a diff without its pixel, or by none */
    uint64_t wrong_color; /* seen with a colour nobody explains */
    uint64_t seq_reused;  /* one seq for two placements */
    uint64_t unjudged;    /* acknowledged too late to look up */
} ledger_counts_t;

/* `shared`: others place too, so colours are not judged. `seen` takes the time
 * from sent to shown at the witness. */
ledger_t *ledger_new(bool shared, histogram_t *seen);
void ledger_destroy(ledger_t **self_p);

void ledger_ack(ledger_t *self, const ack_t *ack, uint64_t now_us);

/* The witness went from `before` to `now` by a diff of this body; or by a
 * fetched board (body NULL). `before` may be NULL: it began there. */
void ledger_shown(ledger_t *self, const state_t *before, const state_t *now,
                  const void *body, size_t size, uint64_t now_us);

/* Acknowledged, not yet shown. */
uint64_t ledger_waiting(const ledger_t *self);
uint64_t ledger_last_ack(const ledger_t *self);

/* What waits now counts as not seen. */
ledger_counts_t ledger_counts(const ledger_t *self);

#endif
