/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store says of single pixels, so that ten thousand viewers of one
 * contested pixel are one question per second. Who asks while a question is
 * under way waits for its answer. An answer is kept for a second, or for a
 * tenth of one if the board shows another colour by now.
 *
 * Capacity: PIXEL_CACHE_SLOTS pixels; if a pixel's slots are all under way for
 * others, it is as if the store had failed.
 */
#ifndef EDGE_HTTP_PIXEL_CACHE_H
#define EDGE_HTTP_PIXEL_CACHE_H

#include "common/bus_query.h"
#include "edge/http/waiting.h"

#include <stdbool.h>

#define PIXEL_CACHE_SLOTS 8192

typedef struct pixel_cache pixel_cache_t;

typedef void (*pixel_answer_fn)(void *context, const bus_answer_t *answer);
/* Asks the store; `on_answer` is called exactly once, never within the call. */
typedef void (*pixel_ask_fn)(void *context, uint16_t x, uint16_t y,
                             pixel_answer_fn on_answer, void *answer_context);

pixel_cache_t *pixel_cache_new(pixel_ask_fn ask, void *context);
/* No answer may come any more. Safe on NULL. */
void pixel_cache_destroy(pixel_cache_t **self_p);

/* Someone waiting; embedded, zeroed before its first use. */
typedef struct pixel_waiter {
    waiting_t link; /* first */
    void (*on_answer)(struct pixel_waiter *waiter, const bus_answer_t *answer);
} pixel_waiter_t;

/* An answer good now, borrowed until the next call; or NULL: the waiter will be
 * called. `color` is what the board shows there. */
const bus_answer_t *pixel_cache_get(pixel_cache_t *self, uint16_t x, uint16_t y,
                                    uint8_t color, pixel_waiter_t *waiter);
/* Whether that would ask the store. */
bool pixel_cache_would_ask(pixel_cache_t *self, uint16_t x, uint16_t y,
                           uint8_t color);
/* The waiter will not be called; also fine if it does not wait. */
void pixel_cache_cancel(pixel_waiter_t *waiter);

#endif
