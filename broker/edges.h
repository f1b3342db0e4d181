/* SPDX-License-Identifier: Apache-2.0
 *
 * The edges that report, by their identity on the ingress, and the viewers of
 * all of them. At most EDGES_MAX; further ones are refused and counted.
 */
#ifndef BROKER_EDGES_H
#define BROKER_EDGES_H

#include <stddef.h>
#include <stdint.h>

#define EDGES_MAX 8192
#define EDGE_QUIET_MS 3000

typedef struct edges edges_t;

edges_t *edges_new(void);
void edges_destroy(edges_t **self_p);

/* An edge (identity of at most 255 bytes) has so many viewers now. -1 where
 * there are too many edges. */
int edges_report(edges_t *self, const void *identity, size_t size,
                 uint32_t viewers, uint64_t now_ms);

/* Forgets edges not heard for EDGE_QUIET_MS. */
void edges_expire(edges_t *self, uint64_t now_ms);

size_t edges_count(const edges_t *self);
uint32_t edges_viewers(const edges_t *self);

#endif
