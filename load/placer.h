/* SPDX-License-Identifier: Apache-2.0
 *
 * A user who places: own token, request ids from a random start, some
 * placements in flight, every one of them sent until it is decided.
 *
 *      request ids   first ───────────▶ next
 *      slots         [sent][done][due]…        at most `window`
 *
 * What is unavailable, rate limited or paused goes out again under the same
 * request id when its time comes; after a lost connection all unanswered ones
 * do, in their order. No pixel of ours is in flight twice, so none of that can
 * change the order within a pixel.
 */
#ifndef LOAD_PLACER_H
#define LOAD_PLACER_H

#include "common/wire.h"
#include "load/client.h"
#include "load/signer.h"

typedef struct placer placer_t;

/* For the user `number`; frees nothing of client. A replay's placer places the
 * entries of its share. */
placer_t *placer_new(hub_t *hub, client_t *client, uint32_t number,
                     const signer_t *signer);
void placer_destroy(placer_t **self_p);

/* Of a placer, for its client. */
extern const client_ops_t placer_ops;

/* As its client calls them: HELLO came, a verdict came, the connection went. */
void placer_opened(placer_t *self, const wire_hello_t *hello, uint64_t now_us);
void placer_verdict(placer_t *self, const wire_verdict_t *verdict,
                    uint64_t now_us);
void placer_lost(placer_t *self);

/* Sends again what is due, and where placements are not paced, new ones as far
 * as the window goes. */
void placer_pump(placer_t *self);

/* One paced placement that was due at due_us; false where it cannot now. */
bool placer_place(placer_t *self, uint64_t due_us);

/* Nothing in flight, and nothing left of a replay. */
bool placer_done(const placer_t *self);

#endif
