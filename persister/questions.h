/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions that wait for the store: taken from each asker in turn, so that one
 * who asks much waits for itself alone; QUESTIONS_EACH of one asker, beyond
 * that refused; dropped when nobody waits for the answer any more.
 */
#ifndef PERSISTER_QUESTIONS_H
#define PERSISTER_QUESTIONS_H

#include <czmq.h>
#include <stdint.h>

#define QUESTIONS_EACH 64u
#define QUESTIONS_ASKERS 256u
/* An edge's time-out, behind which it has said 503. */
#define QUESTIONS_MAX_AGE_MS 1000u

typedef struct questions questions_t;

questions_t *questions_new(void);
void questions_destroy(questions_t **self_p);

/* Takes the message, whose first frame is its asker. False, with the message
 * left to the caller, where the asker has too many waiting, or there are too
 * many askers. */
bool questions_put(questions_t *self, zmsg_t **message, uint64_t now_ms);

/* The oldest fresh question of the asker whose turn it is, the caller's; NULL
 * where none waits. */
zmsg_t *questions_take(questions_t *self, uint64_t now_ms);

size_t questions_count(const questions_t *self);
/* Dropped for their age, since the start. */
uint64_t questions_stale(const questions_t *self);

#endif
