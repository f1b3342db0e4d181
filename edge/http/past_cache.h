/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store says of the past, ready to be sent, so that many who look at
 * the same are one question. Who asks while a question is under way waits for
 * its answer. A diff between two seqs never changes and is kept as long as
 * there is room; the rest for a second or a few.
 *
 * Capacity: PAST_CACHE_SLOTS answers of PAST_CACHE_BYTES in all; the oldest
 * give way. If all of an answer's slots are under way for others, it is as if
 * the store had failed.
 */
#ifndef EDGE_HTTP_PAST_CACHE_H
#define EDGE_HTTP_PAST_CACHE_H

#include "common/bus_query.h"
#include "edge/http/blob.h"
#include "edge/http/waiting.h"

#include <stdbool.h>

#define PAST_CACHE_SLOTS 1024
#define PAST_CACHE_BYTES (64u << 20)

typedef struct past_cache past_cache_t;

/* Asks the store; `on_page` is called exactly once, never within the call. */
typedef void (*past_page_fn)(void *context, const bus_page_t *page);
typedef void (*past_ask_fn)(void *context, bus_type_t type,
                            const bus_query_t *query, past_page_fn on_page,
                            void *page_context);

past_cache_t *past_cache_new(past_ask_fn ask, void *context);
/* No answer may come any more. Safe on NULL. */
void past_cache_destroy(past_cache_t **self_p);

typedef struct {
    uint8_t status; /* as in a PAGE */
    blob_t *body;   /* JSON, or a DIFF; NULL unless found */
} past_body_t;

/* Someone waiting; embedded, zeroed before its first use. */
typedef struct past_waiter {
    waiting_t link; /* first */
    void (*on_body)(struct past_waiter *waiter, const past_body_t *body);
} past_waiter_t;

/* An answer good now, borrowed until the next call; or NULL: the waiter will be
 * called. */
const past_body_t *past_cache_get(past_cache_t *self, bus_type_t type,
                                  const bus_query_t *query,
                                  past_waiter_t *waiter);
/* Whether that would ask the store. */
bool past_cache_would_ask(past_cache_t *self, bus_type_t type,
                          const bus_query_t *query);
/* The waiter will not be called; also fine if it does not wait. */
void past_cache_cancel(past_waiter_t *waiter);

#endif
