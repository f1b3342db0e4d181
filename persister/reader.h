/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that looks up: a zactor with a store of its own, so that look-ups
 * never wait for a write. It owns the query ROUTER; edges are answered from
 * here, each in its turn (questions.h), and what may take long from a thread of
 * its own (archive.h).
 *
 * The owner reads from the actor's socket: reader_news_t.
 */
#ifndef PERSISTER_READER_H
#define PERSISTER_READER_H

#include <czmq.h>
#include <stdint.h>

/* Counters since the start. */
typedef struct {
    uint64_t found, none, failed, bad, too_much;
    uint64_t refused, stale; /* asked too much; too late */
} reader_news_t;

/* Takes the socket: the bound ROUTER. NULL where the URL is malformed; the text
 * outlives the actor. */
zactor_t *reader_new(const char *store, zsock_t **query);

#endif
