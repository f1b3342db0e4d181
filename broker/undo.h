/* SPDX-License-Identifier: Apache-2.0
 *
 * A player takes their last placement back: which placement does that. Pure.
 */
#ifndef BROKER_UNDO_H
#define BROKER_UNDO_H

#include "broker/batch.h"
#include "broker/world.h"

/* Placements looked through for one that lies over the player's. */
#define UNDO_LOOK_MAX 65536u

/* Turns an undo (BUS_PLACE_UNDO) into the placement of what was there before.
 * `batch` is the one that is being made. False where there is nothing to take
 * back: the user's last placement is another one, an undo itself, too old, or
 * under somebody else's; x, y and color are 0 then. */
bool undo_find(bus_place_t *undo, const world_t *world, const batch_t *batch,
               uint64_t now_ms);

#endif
