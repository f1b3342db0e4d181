/* SPDX-License-Identifier: Apache-2.0
 *
 * The board at the store's checkpoint, rebuilt from the store itself (never
 * copied from a broker), so that each snapshot is a proof of the history below
 * it. The canvas' settings come from the broker; of them only the size matters
 * here.
 */
#ifndef PERSISTER_REPLICA_H
#define PERSISTER_REPLICA_H

#include "common/canvas.h"
#include "persister/store.h"

#include <stdbool.h>

typedef struct replica replica_t;

replica_t *replica_new(void);
void replica_destroy(replica_t **self_p);

/* The canvas as the leader tells it, canvas_to_json's text. Bad text is
 * ignored. Another size empties the replica. */
void replica_set_canvas(replica_t *self, const char *json, size_t size);

/* Forgets the board: the store went on by another's hand. */
void replica_reset(replica_t *self);

/* Records just written, right behind those before. Returns how many disagree
 * with the board (board_replay). Nothing while the replica is not built. */
size_t replica_apply(replica_t *self, const record_t *records, size_t count);

/* Something to put down: a canvas is known, and seq or settings moved since the
 * last snapshot. */
bool replica_changed(const replica_t *self, uint64_t checkpoint);

/* Puts a snapshot at `checkpoint`; first rebuilds the board from the newest
 * sound snapshot and the journal where it is not at hand.
 * NONE where no canvas is known yet. */
store_result_t replica_put(replica_t *self, store_t *store, uint64_t checkpoint,
                           uint64_t now_ms);

#endif
