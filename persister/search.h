/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators look for in the history, newest first: a user's placements and
 * a pixel's by the store's own index, everything else by reading the journal
 * backwards, between the seqs that the times stand for. So no store needs an
 * index by place or time. A page that takes too long ends early and says where
 * the next one goes on.
 *
 * Times are found by halving, which takes them to ascend with seq; a minute is
 * allowed for clocks that stepped.
 */
#ifndef PERSISTER_SEARCH_H
#define PERSISTER_SEARCH_H

#include "common/bus_look.h"
#include "persister/source.h"

/* How long one page may look. */
#define SEARCH_MS 1500

typedef struct {
    record_t *records;   /* of LOOK_PLACEMENTS; room for the limit */
    control_t *controls; /* of LOOK_ACTIONS; likewise */
    size_t count;
    uint64_t next; /* what is older begins at this seq; 0: there is no more */
} search_t;

/* The source is ready. The caller's, search_fini. */
store_result_t search_run(search_t *self, source_t *source,
                          const bus_look_t *look);
void search_fini(search_t *self);

/* The journal record at a seq of the store. */
store_result_t search_record(store_t *store, uint64_t seq, record_t *record);

#endif
