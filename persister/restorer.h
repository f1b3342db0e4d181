/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that answers brokers: a zactor with a store of its own, so that
 * what brings a canvas back never waits for look-ups. It has one question at a
 * time of each broker.
 *
 * The owner reads from the actor's socket: "ANSWER", number, frame; or "NEWS",
 * restorer_news_t.
 */
#ifndef PERSISTER_RESTORER_H
#define PERSISTER_RESTORER_H

#include <czmq.h>
#include <stdint.h>

/* Counters since the start. */
typedef struct {
    uint64_t restores, bad;
} restorer_news_t;

/* NULL where the URL is malformed; the text outlives the actor. */
zactor_t *restorer_new(const char *store);

/* A SNAPSHOT_ASK, CHAIN_ASK or REPLAY of broker `number`; the answer carries
 * the number. There is none where the store fails: the broker asks again. Takes
 * the frame. */
void restorer_ask(zactor_t *self, size_t number, zframe_t **frame);

#endif
