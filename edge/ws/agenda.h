/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is to be visited when: a binary heap by time. Costs nothing for those
 * whose time has not come.
 */
#ifndef EDGE_WS_AGENDA_H
#define EDGE_WS_AGENDA_H

#include "edge/ws/walk.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t due_ms;
    walk_node_t *node; /* its index is its place in the heap */
} agenda_entry_t;

/* Zeroed: empty. */
typedef struct {
    agenda_entry_t *entries;
    size_t count, capacity;
} agenda_t;

void agenda_fini(agenda_t *self);

void agenda_add(agenda_t *self, walk_node_t *node, uint64_t due_ms);
void agenda_remove(agenda_t *self, walk_node_t *node);
/* Another time for one that is there. */
void agenda_move(agenda_t *self, walk_node_t *node, uint64_t due_ms);
/* All are due at that time. */
void agenda_move_all(agenda_t *self, uint64_t due_ms);

/* Whose time comes first; NULL if there is nobody. */
const agenda_entry_t *agenda_first(const agenda_t *self);

#endif
