/* SPDX-License-Identifier: Apache-2.0
 *
 * What moderators ask of the leader over HTTP (docs/bus.md, ERRAND), until it
 * is answered. Each is sent again to a new leader, after a while without an
 * answer, and if the leader says `unavailable`, until its time is over; its
 * `key` makes that harmless. They are few: a table, looked through.
 */
#ifndef EDGE_ERRANDS_H
#define EDGE_ERRANDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ERRANDS_MAX 64
#define ERRANDS_TIMEOUT_MS 10000

typedef struct errands errands_t;

/* Hands bytes to the leader; -1 if there is none, or it takes nothing now. */
typedef int (*errands_send_fn)(void *context, const void *bytes, size_t size);

errands_t *errands_new(errands_send_fn send, void *context);
/* Nobody is called. */
void errands_destroy(errands_t **self_p);

/* Called once for each that was not cancelled, and never from errands_ask: the
 * leader's answer (borrowed), the last `unavailable` if that is all there was
 * in time, or NULL if there was nothing. */
typedef void (*errands_done_fn)(void *context, const json_t *answer);

/* Asks for `request` (borrowed) with the bearer's token. One that only `looks`
 * is not sent again for silence, since a search takes its time. Returns a
 * ticket, or 0 if too many wait: then nothing is called. */
uint64_t errands_ask(errands_t *self, const char *token, const json_t *request,
                     bool looks, uint64_t now_ms, errands_done_fn done,
                     void *context);
/* Finished and unknown tickets are ignored. It may still be done. */
void errands_cancel(errands_t *self, uint64_t ticket);
size_t errands_count(const errands_t *self);

/* An ERRAND_DONE came. -1 if it is malformed. */
int errands_on_answer(errands_t *self, const void *bytes, size_t size,
                      uint64_t now_ms);
/* There is another leader. */
void errands_on_leader(errands_t *self);
/* Sends what is due, and gives up: call at least every 50 ms. */
void errands_tick(errands_t *self, uint64_t now_ms);

#endif
