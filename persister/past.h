/* SPDX-License-Identifier: Apache-2.0
 *
 * What an edge asks of the past and may take longer than a look-up: a pixel's
 * history, the snapshots there are, the net diff between two seqs. The answers
 * are whole PAGEs (common/bus_query.h).
 */
#ifndef PERSISTER_PAST_H
#define PERSISTER_PAST_H

#include "common/bus_query.h"
#include "persister/source.h"

/* Placements read for one diff; beyond: TOO_MUCH. About half a second of the
 * slowest store. */
#define PAST_RECORDS_MAX 400000u

/* The caller's to free. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    uint8_t status; /* as in the page */
} past_answer_t;

past_answer_t past_answer(source_t *source, bus_type_t type,
                          const bus_query_t *query);

#endif
