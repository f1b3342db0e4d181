/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that reads: a zactor with a store of its own, so that look-ups
 * never wait for a write. It owns the query ROUTER; edges are answered from
 * here. What a broker that starts cold asks goes through the owner's socket.
 *
 * The owner reads from the actor's socket: "ANSWER", number, frame; or "NEWS",
 * reader_news_t.
 */
#ifndef PERSISTER_READER_H
#define PERSISTER_READER_H

#include <czmq.h>
#include <stdint.h>

/* Counters since the start. */
typedef struct {
    uint64_t found, none, failed, bad;
    uint64_t restores;
} reader_news_t;

/* Takes the socket: the bound ROUTER. NULL where the URL is malformed; the text
 * outlives the actor. */
zactor_t *reader_new(const char *store, zsock_t **query);

/* A SNAPSHOT_ASK or REPLAY of broker `number`; the answer carries the number.
 * There is none where the store fails: the broker asks again. Takes the
 * frame. */
void reader_ask(zactor_t *self, size_t number, zframe_t **frame);

#endif
