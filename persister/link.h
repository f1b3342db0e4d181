/* SPDX-License-Identifier: Apache-2.0
 *
 * The persister's side of the bus towards all brokers (docs/bus.md): a control
 * and an ingress DEALER to each, and the PULL of the journal, connected only to
 * the leader and only while journal is wanted. Knows who leads: the broker
 * whose GRANT carried the highest epoch lately. Never blocks: what cannot be
 * sent now is dropped, since all of it is repeated by its own rules.
 */
#ifndef PERSISTER_LINK_H
#define PERSISTER_LINK_H

#include "common/bus.h"
#include "common/bus_socket.h"

#include <czmq.h>

typedef struct link link_t;

/* What came from the brokers. Frames are lent; a callee that keeps one nulls
 * the pointer. */
typedef struct {
    void *context;
    void (*on_grant)(void *context, const bus_grant_t *grant);
    /* RECORDS from the journal. */
    void (*on_journal)(void *context, zframe_t **frame);
    /* RECORDS that answer link_replay. */
    void (*on_replay)(void *context, zframe_t **frame);
    void (*on_board)(void *context, const bus_board_t *board);
    /* The leader's answer to link_ask_chain. */
    void (*on_chain)(void *context, const bus_chain_t *chain);
    /* SNAPSHOT_ASK or REPLAY of a broker that starts cold, or a leader's LOOK
     * or BELOW_ASK; link_answer with that number reaches it. */
    void (*on_ask)(void *context, size_t broker, zframe_t **frame);
    void (*on_bad)(void *context);
} link_events_t;

/* `brokers`: base endpoints, separated by commas. NULL, with a line in the log,
 * where one is malformed. */
link_t *link_new(const char *brokers, const bus_security_t *security,
                 zloop_t *loop, const link_events_t *events);
void link_destroy(link_t **self_p);

/* To every broker: where this persister is. */
void link_report(link_t *self, const bus_persister_t *persister);

/* Connects the journal to the leader, or drops it with all it holds. */
void link_want_journal(link_t *self, bool wanted);
/* While paused nothing is read from the journal; it waits in the socket. */
void link_pause_journal(link_t *self, bool paused);

/* To the leader; nothing where none is known. */
void link_replay(link_t *self, uint64_t from, uint32_t max);
void link_ask_board(link_t *self);
void link_ask_chain(link_t *self, uint64_t seq);

/* Takes the frame. */
void link_answer(link_t *self, size_t broker, zframe_t **frame);

#endif
