/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that answers operators: a zactor with a store of its own, so that
 * players' look-ups, and what brings a canvas back, never wait for a search. It
 * runs at a lower priority than they do and takes one question after another;
 * the broker that asks bounds how many wait.
 *
 * The owner reads from the actor's socket: "ANSWER", number, frame; as the
 * restorer's (restorer.h).
 */
#ifndef PERSISTER_CLERK_H
#define PERSISTER_CLERK_H

#include <czmq.h>

/* NULL where the URL is malformed; the text outlives the actor. */
zactor_t *clerk_new(const char *store);

/* Whether this is a question for a clerk. */
bool clerk_knows(const zframe_t *question);
/* A LOOK or BELOW_ASK of broker `number`; the answer carries the number. None
 * comes if it is malformed. Takes the frame. */
void clerk_ask(zactor_t *self, size_t number, zframe_t **frame);

#endif
