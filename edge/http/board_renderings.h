/* SPDX-License-Identifier: Apache-2.0
 *
 * The board as HTTP serves it: binary (docs/protocol.md) and as a PNG of each
 * scale. A rendering is made at most once per cache life and kind, on a worker
 * thread from a copy of the board, whatever the number of requests; requests
 * that come meanwhile wait for it. While the board does not change, a rendering
 * stays good. Nothing is made where nobody asks, and one PNG at a time.
 *
 * Capacity: one rendering and one running job a kind; waiters are connections,
 * which the server bounds. Renderings that were replaced live on while they are
 * sent, but together take at most held_bytes: beyond, the oldest are revoked,
 * which ends their readers' connections.
 */
#ifndef EDGE_HTTP_BOARD_RENDERINGS_H
#define EDGE_HTTP_BOARD_RENDERINGS_H

#include "edge/http/blob.h"
#include "edge/http/negotiate.h"
#include "edge/http/png.h"
#include "edge/mirror.h"

#include <stddef.h>
#include <stdint.h>

#define BOARD_HEADER_BYTES 40
#define RENDERING_ETAG_MAX 64

/* 0: the binary board; 1 … PNG_SCALE_MAX: the PNG of that scale. */
typedef unsigned rendering_kind_t;
#define RENDERING_KINDS (PNG_SCALE_MAX + 1)

typedef struct {
    uint64_t seq;
    uint64_t made_at_ms;           /* monotonic: when the board was copied */
    char etag[RENDERING_ETAG_MAX]; /* with its quotes */
    blob_t *body[ENCODING_COUNT];  /* NULL where that encoding was not made */
} rendering_t;

typedef struct board_renderings board_renderings_t;

/* Runs job->run on another thread, then job->done on the loop's. */
typedef struct work {
    void (*run)(struct work *job);
    void (*done)(struct work *job);
} work_t;
typedef void (*work_submit_fn)(void *context, work_t *job);

/* `mirror` is borrowed. Jobs that run when the cache is destroyed find it gone
 * and free themselves. */
board_renderings_t *board_renderings_new(const mirror_t *mirror,
                                         uint64_t life_ms, uint64_t held_bytes,
                                         work_submit_fn submit, void *context);
void board_renderings_destroy(board_renderings_t **self_p);

/* Gives up what is being made; who waits for it is not called any more. */
void board_renderings_stop(board_renderings_t *self);

/* Someone waiting; embedded in the waiter, zeroed before its first use. */
typedef struct board_waiter {
    struct board_waiter *next;
    struct board_waiter *
        *at; /* where the list points here; NULL: not waiting */
    /* Called once with a rendering good now, borrowed for the call. */
    void (*on_rendering)(struct board_waiter *waiter, const rendering_t *made);
} board_waiter_t;

/* A rendering good now, borrowed until the loop's next turn; or NULL: the
 * waiter will be called (never within this call). The mirror must hold a
 * board. */
const rendering_t *board_renderings_get(board_renderings_t *self,
                                        rendering_kind_t kind,
                                        board_waiter_t *waiter);
/* The waiter will not be called; also fine where it does not wait. */
void board_renderings_cancel(board_waiter_t *waiter);

/* For the Age field: how long a rendering has stood while the board changed. 0
 * while it is the board still. */
uint64_t board_renderings_age_s(const board_renderings_t *self,
                                const rendering_t *made);

/* Bytes of replaced renderings that are still sent. */
uint64_t board_renderings_held_bytes(board_renderings_t *self);

/* How many renderings were made, for tests and metrics. */
uint64_t board_renderings_made(const board_renderings_t *self);

#endif
