/* SPDX-License-Identifier: Apache-2.0
 *
 * One batch on its way into Redis, and the verdicts that wait for it.
 *
 *     IDLE ──send──► IN_FLIGHT ──applied, refused──► IDLE
 *                       │ doubt                ▲ applied: Redis' seq says so
 *                       ▼                      │
 *                    IN_DOUBT ─────────────────┤
 *                       └ send: it was not ► IN_FLIGHT
 *
 * In doubt, the batch's pixels are off the board: memory is the committed state
 * for as long as Redis is away.
 */
#ifndef BROKER_COMMIT_H
#define BROKER_COMMIT_H

#include "broker/parts.h"

typedef enum { COMMIT_IDLE, COMMIT_IN_FLIGHT, COMMIT_IN_DOUBT } commit_state_t;

typedef struct {
    commit_state_t state;
    batch_t *batch;
    mailbox_t verdicts; /* leave when the batch is committed */
    uint32_t digest;    /* of the board after the batch */
    bool resent;        /* it was in doubt */
} commit_t;

void commit_init(commit_t *self, size_t batch_max);
void commit_fini(commit_t *self);

/* IDLE or IN_DOUBT: sends the batch, which is decided and not empty. */
void commit_send(commit_t *self, parts_t *parts);
/* The batch is in Redis: memory follows, verdicts leave, the feed and the
 * journal hear of it. */
void commit_applied(commit_t *self, parts_t *parts);
/* Redis had no room for the batch: it is off the board, and its placements are
 * told `unavailable`. The users' table still has them. */
void commit_refuse(commit_t *self, parts_t *parts);
/* Whether Redis will apply what is in flight cannot be known now. */
void commit_doubt(commit_t *self, parts_t *parts);
/* Whether it will be known in a moment what became of a batch in doubt. */
static inline bool commit_settles(const commit_t *self)
{
    return self->state == COMMIT_IN_FLIGHT && self->resent;
}
/* IDLE: lets the verdicts go that wait for nothing. */
void commit_send_verdicts(commit_t *self, parts_t *parts);
/* Forgets everything. */
void commit_clear(commit_t *self);

/* Whether the meta is what Redis says after it applied a batch in doubt. */
bool commit_is_at(const commit_t *self, const ledger_meta_t *meta);

#endif
