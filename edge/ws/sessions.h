/* SPDX-License-Identifier: Apache-2.0
 *
 * The set of an edge's WebSocket sessions: who belongs to it, who is visited
 * each round and who at a time of its own (paced), who is to be flushed at the
 * turn's end, who wants a visit with the next tick. Knows a member, not what a
 * session is.
 */
#ifndef EDGE_WS_SESSIONS_H
#define EDGE_WS_SESSIONS_H

#include "edge/ws/walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Put first into what belongs to the set. */
typedef struct {
    walk_node_t node;
    bool json;  /* the flavour that it speaks; fixed while it belongs */
    bool dirty; /* on the list of those to be flushed */
    bool paced; /* visited at a time of its own */
} member_t;

typedef struct sessions sessions_t;

typedef void (*sessions_visit_fn)(void *context, member_t *member);

sessions_t *sessions_new(void);
/* Safe on NULL. All have left. */
void sessions_destroy(sessions_t **self_p);

void sessions_add(sessions_t *self, member_t *member);
void sessions_remove(sessions_t *self, member_t *member);
size_t sessions_count(const sessions_t *self);
/* Whether anyone speaks that flavour. */
bool sessions_speak(const sessions_t *self, bool json);

/* To be flushed at the turn's end, so that a turn's replies are one write. */
void sessions_dirty(sessions_t *self, member_t *member);
/* Calls `flush` for each of them, once. */
void sessions_flush(sessions_t *self, sessions_visit_fn flush, void *context);

/* Someone needs a visit with the next tick even if nothing changes. */
void sessions_attend(sessions_t *self);
bool sessions_need_visit(const sessions_t *self);

/* --- Rounds: everyone who is there at the start and stays gets one visit ---
 */

/* Begins a round; what was attended to is this round's. */
void sessions_start_round(sessions_t *self);
bool sessions_in_round(const sessions_t *self);
/* Members that the round has passed, and all that it will pass. */
size_t sessions_passed(const sessions_t *self);
size_t sessions_to_pass(const sessions_t *self);
/* Visits up to `count` members. True while the round goes on. */
bool sessions_visit(sessions_t *self, size_t count, sessions_visit_fn visit,
                    void *context);

/* --- The paced: not part of rounds --- */

/* Visits it at that time, and then no more unless told again; from within its
 * visit too. */
void sessions_pace(sessions_t *self, member_t *member, uint64_t due_ms);
/* Part of the rounds again. */
void sessions_unpace(sessions_t *self, member_t *member);
/* All paced ones are due. */
void sessions_hurry(sessions_t *self);
/* When the first one is due; UINT64_MAX if there is none. */
uint64_t sessions_due_ms(const sessions_t *self);
/* Visits up to `count` that are due. */
void sessions_visit_due(sessions_t *self, uint64_t now_ms, size_t count,
                        sessions_visit_fn visit, void *context);

/* Calls `visit` for each that is there. */
void sessions_each(sessions_t *self, sessions_visit_fn visit, void *context);

/* Calls `visit`, newest first, until it was true `count` times. */
void sessions_pick(sessions_t *self, size_t count,
                   bool (*visit)(member_t *member));

#endif
