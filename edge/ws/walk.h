/* SPDX-License-Identifier: Apache-2.0
 *
 * A dense array of members, visited in rounds: each is done in slices, so that
 * a long one does not hold up the loop, and in the same order, so that
 * everyone's turn comes at even distances. Members may be added and removed at
 * any time, also by their own visit: within a round everyone who was there at
 * its start and still is gets exactly one visit; who came later waits for the
 * next.
 */
#ifndef EDGE_WS_WALK_H
#define EDGE_WS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put first into what is walked. */
typedef struct {
    uint32_t index;
} walk_node_t;

typedef struct {
    walk_node_t **nodes; /* NULL where one left during a round */
    size_t size, capacity, count;
    size_t visited; /* of this round */
    size_t total;   /* to visit in this round; 0 between rounds */
} walk_t;

typedef void (*walk_visit_fn)(void *context, walk_node_t *node);

void walk_init(walk_t *self);
void walk_fini(walk_t *self);

void walk_add(walk_t *self, walk_node_t *node);
void walk_remove(walk_t *self, walk_node_t *node);

/* Begins a round. */
void walk_start(walk_t *self);
bool walk_running(const walk_t *self);

/* Visits up to `count` members. True while the round goes on. */
bool walk_slice(walk_t *self, size_t count, walk_visit_fn visit, void *context);

#endif
