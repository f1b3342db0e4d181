/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to the store, through one DEALER that is connected to every
 * persister: any running one answers. Part of the uplink, which documents the
 * calls.
 */
#ifndef EDGE_LOOKUP_H
#define EDGE_LOOKUP_H

#include "common/bus_query.h"
#include "edge/link.h"

struct edge;
typedef struct lookup lookup_t;

/* `persisters`: comma list of query endpoints, may be empty. NULL, with a line
 * in the log, where one is malformed. */
lookup_t *lookup_new(struct edge *edge, const char *persisters);
void lookup_destroy(lookup_t **self_p);

/* Called exactly once for each look-up that was not cancelled; status
 * BUS_STORE_FAILED also after 1 s without an answer. */
typedef void (*lookup_answer_fn)(void *context, const bus_answer_t *answer);

/* The same for what takes longer: after 10 s. */
typedef void (*lookup_page_fn)(void *context, const bus_page_t *page);

/* Each returns the ticket. They always take: if too many wait, the answer is
 * BUS_STORE_FAILED in the next turn. */
uint64_t lookup_pixel(lookup_t *self, uint16_t x, uint16_t y,
                      lookup_answer_fn on_answer, void *context);
uint64_t lookup_user(lookup_t *self, uint64_t user, lookup_answer_fn on_answer,
                     void *context);
/* HISTORY, PAST_DIFF or SNAPSHOTS. Cannot be cancelled. */
void lookup_page(lookup_t *self, bus_type_t type, const bus_query_t *query,
                 lookup_page_fn on_page, void *context);
void lookup_cancel(lookup_t *self, uint64_t ticket);

/* -1 where no persister is configured. */
int lookup_fd(const lookup_t *self);
/* Receives, and answers what was refused; true if more waits. */
bool lookup_turn(lookup_t *self);
/* Times out. */
void lookup_tick(lookup_t *self, uint64_t now_ms);

#endif
