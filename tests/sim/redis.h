/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Redis server as hosts see it: connections with delay, loss and
 * death before or after the effect; fsync, restarts, copies put back, replicas
 * promoted; LOADING, READONLY, OOM, silence. Two of them for a split brain.
 */
#ifndef TESTS_SIM_REDIS_H
#define TESTS_SIM_REDIS_H

#include "tests/sim/db.h"
#include "tests/sim/world.h"

#define REDISES 2

typedef enum { FSYNC_ALWAYS, FSYNC_EVERYSEC } fsync_t;

void redis_reset(fsync_t mode);
/* What a process reaches under its Redis's name. */
void redis_route(const process_t *process, unsigned redis);
const db_t *redis_db(unsigned redis);
/* The one that most processes reach. */
unsigned redis_primary(void);

void redis_crash(unsigned redis, bool machine); /* the machine: fsync counts */
void redis_start(unsigned redis, uint64_t loading);
void redis_pause(unsigned redis, uint64_t until);
void redis_set_full(unsigned redis, bool full);
void redis_set_slow(unsigned redis, uint64_t delay);
void redis_set_read_only(unsigned redis, bool on);
/* Ends every connection, or one process's. */
void redis_cut(unsigned redis, const process_t *process);
/* Whose process committed last; NULL: nobody yet. */
const process_t *redis_leader(void);

/* A copy of the present data, kept until it is put back. */
void redis_keep(unsigned redis);
bool redis_has_kept(unsigned redis);
void redis_put_back(unsigned redis);
void redis_empty(unsigned redis);
/* The second becomes a copy of the first, or is dropped. */
void redis_fork(void);
void redis_join(unsigned winner);
/* Sets one key, as a hand would. */
void redis_hand(unsigned redis, size_t count, const char *const *words);

void redis_process_down(process_t *process);

#endif
