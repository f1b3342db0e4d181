/* SPDX-License-Identifier: Apache-2.0
 *
 * What check.c (the history), check_store.c, check_clients.c and check_policy.c
 * share.
 */
#ifndef TESTS_SIM_CHECK_PARTS_H
#define TESTS_SIM_CHECK_PARTS_H

#include "tests/sim/check.h"

#define REQUESTS_MAX 16384
#define IDENTITY UINT64_C(0x5717700000000000)

typedef struct {
    record_t record;
    uint64_t hash; /* of the board after it */
    uint64_t at;   /* committed */
    const process_t *writer;
    uint64_t life;
    bool acked;
    const process_t *edge; /* that passed the acknowledgement on … */
    uint64_t edge_life;    /* … in that life of it */
    uint64_t lost_at;
    bool kept;       /* of a lost one: someone in reach had it */
    uint64_t policy; /* digest of what operators had decided then */
    uint32_t order;  /* of an action's last record: its key; 0: none */
    bool blind;      /* a clock had just jumped: its time says nothing */
} commit_t;

typedef struct {
    commit_t *at;
    size_t count, room;
} commits_t;

typedef struct {
    uint64_t *seqs; /* by request; 0: not committed */
    bool *refused;
    uint64_t last_at, last_placed_ms;
    bool last_blind; /* the same of the last placement */
    uint32_t last_request;
    const process_t *last_writer;
} user_t;

extern check_options_t check_options;
extern commits_t check_true, check_gone;
extern user_t check_users[USERS_MAX];
extern uint64_t check_told, check_lost_told, check_said_at, check_jumped_at;
/* Whether a log has said since then that this seq is lost. It may be long
 * before that is given anew, if nothing can be placed meanwhile. */
bool check_said_of(uint64_t seq, uint64_t since);
void check_said_clear(void);

/* A clock jumped not long ago, or still goes wrong. */
bool check_is_blind(void);
/* NULL: no such seq. */
commit_t *check_commit(uint64_t seq);
bool record_same(const record_t *a, const record_t *b);
/* Whether that was ever the board at that seq. */
bool check_was_view(uint64_t seq, uint64_t hash);

/* ---- what operators decided: check_policy.c ---------------------------- */

void check_policy_reset(void);
/* The next record of the true history, before it is part of that. */
void check_policy_append(commit_t *commit);
/* The history ends earlier now. */
void check_policy_recall(void);
/* A commit is whole: what rollbacks left shows what they say. */
void check_policy_settle(const uint8_t *board);
/* What stands behind the pixels of a snapshot. */
void check_policy_snapshot(uint64_t seq, uint64_t hash, const uint8_t *bytes,
                           size_t size);
/* Redis and the store hold the same as the history. */
void check_policy_quiet(const uint8_t *redis, size_t size);

#endif
