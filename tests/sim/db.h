/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of a simulated Redis, and the commands that the sources use on it,
 * with the answers that Redis 7 gives. db_copy is what fsync, replicas and old
 * backups are made of. tests/sim/real/redis compares them with a real one's.
 */
#ifndef TESTS_SIM_DB_H
#define TESTS_SIM_DB_H

#include "tests/sim/reply.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct db db_t;

/* One word of a command. */
typedef struct {
    const char *bytes;
    size_t size;
} word_t;

db_t *db_new(void);
void db_free(db_t **self_p);
db_t *db_copy(const db_t *self);
/* INFO's run_id. */
void db_set_run(db_t *self, uint64_t run);

/* Runs one command; `full`: memory is past its limit. */
reply_t *db_call(db_t *self, uint64_t now_ms, bool full, size_t count,
                 const word_t *words);
/* Such a command may fail where memory is full, or on a replica. */
bool db_command_writes(const word_t *name);

/* The records of the log under that key: each entry's field "r" in order. */
typedef void (*db_records_fn)(void *context, const void *bytes, size_t size);
void db_log(const db_t *self, const char *key, db_records_fn fn, void *context);
/* A field of a hash, as a number; 0 if it is not there. */
uint64_t db_number(const db_t *self, const char *key, const char *field);
size_t db_string(const db_t *self, const char *key, const uint8_t **bytes);

/* Told of each entry that is added to a stream. */
extern void (*on_db_entry)(const db_t *self, const word_t *words, size_t count);

#endif
