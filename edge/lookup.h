/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to the store, through one DEALER that is connected to every
 * persister: any running one answers. Part of the uplink, which documents the
 * calls.
 */
#ifndef EDGE_LOOKUP_H
#define EDGE_LOOKUP_H

#include "edge/link.h"
#include "edge/uplink.h"

typedef struct lookup lookup_t;

/* `persisters`: comma list of query endpoints, may be empty. NULL, with a line
 * in the log, where one is malformed. */
lookup_t *lookup_new(struct edge *edge, const char *persisters,
                     const bus_security_t *security);
void lookup_destroy(lookup_t **self_p);

/* The ticket; 0 where too many wait: no call will come. */
uint64_t lookup_ask(lookup_t *self, bus_type_t type, const bus_query_t *query,
                    uplink_answer_fn on_answer, void *context);
void lookup_cancel(lookup_t *self, uint64_t ticket);

/* -1 where no persister is configured. */
int lookup_fd(const lookup_t *self);
/* Receives; true where more waits. */
bool lookup_turn(lookup_t *self);
/* Times out. */
void lookup_tick(lookup_t *self, uint64_t now_ms);

#endif
