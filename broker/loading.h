/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings memory to where Redis is: reads board, bans and log, or, if memory is
 * part of what Redis holds, only what follows. A standby does so while another
 * leads and writes: the log from the seq at which reading began is applied over
 * the board, whenever that was read. A new leader does so with the lease, then
 * hears what a persister says before the first placement is taken, unless Redis
 * is sure to have lost nothing.
 *
 * A board is proven by its digest. One that is not is mended from the log if
 * that proves it, else it is never led: the store has another.
 */
#ifndef BROKER_LOADING_H
#define BROKER_LOADING_H

#include "broker/parts.h"

typedef struct {
    ledger_meta_t
        meta;      /* what Redis held when this began; its texts are gone */
    bool memory;   /* the world was whole before Redis was read */
    bool reads_on; /* from memory, else everything */
    bool forked;   /* reading on: what came does not follow … */
    bool gap;      /* … or begins later: the log was trimmed meanwhile */
    uint64_t from; /* reading on: where the last look began */
    bool loaded;   /* all is read */
    bool torn;     /* memory is right, Redis is not */
    bool given_up; /* torn, and nothing that Redis holds is kept */
    bool unproven; /* the board is not what was committed */
    uint64_t told_at_ms; /* that it waits for the store */
} loading_t;

typedef enum {
    LOADING_WAITS,
    LOADING_LEVEL,  /* memory is what Redis says */
    LOADING_TORN,   /* memory is whole, Redis has to be written */
    LOADING_FORKED, /* memory is no part of Redis: begin anew, with all of it */
    LOADING_GAP, /* the same, as memory ends before Redis' log begins: what it
                    holds was trimmed, so it is in the store; nothing is lost */
    LOADING_BEHIND,  /* the store knows more */
    LOADING_UNPROVEN /* the store has to give the board */
} loading_result_t;

/* Reads everything. -1 if Redis' canvas cannot be read; it was logged. */
int loading_begin(loading_t *self, parts_t *parts, const ledger_meta_t *meta);
/* Reads what follows the world at hand. */
void loading_read_on(loading_t *self, parts_t *parts,
                     const ledger_meta_t *meta);
/* The world at hand is what Redis is to be. `given_up`: nothing of what Redis
 * holds is part of it. */
void loading_keep(loading_t *self, const ledger_meta_t *meta, bool given_up);

/* Whether the world at hand is a history of its own, though not yet Redis'. */
bool loading_holds(const loading_t *self);

/* The ledger's answers, in this order. */
void loading_on_board(loading_t *self, parts_t *parts, const void *bytes,
                      size_t size);
void loading_on_log(loading_t *self, parts_t *parts,
                    const ledger_entry_t *entry);
void loading_on_loaded(loading_t *self, parts_t *parts);
/* Of reading on. */
void loading_on_looked(loading_t *self, parts_t *parts);

/* Where it stands; ask when something came, time passed, or a persister spoke.
 */
loading_result_t loading_look(loading_t *self, parts_t *parts);

/* Takes an entry of the log that may overlap with the world's history; -1, with
 * nothing taken, if it does not follow. */
int loading_take(parts_t *parts, const ledger_entry_t *entry);

#endif
