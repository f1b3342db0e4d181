/* SPDX-License-Identifier: Apache-2.0
 *
 * What db.c (values) and commands.c know of each other.
 */
#ifndef TESTS_SIM_DB_PARTS_H
#define TESTS_SIM_DB_PARTS_H

#include "tests/sim/db.h"

#define VALUES_MAX 64

typedef struct {
    char *at; /* NUL behind it */
    size_t size;
} bytes_t;

/* Of a stream; never changed, so copies share it. */
typedef struct {
    unsigned refs;
    uint64_t id, minor;
    size_t count;
    bytes_t *words; /* field, value, … */
} entry_t;

typedef enum { VALUE_STRING, VALUE_HASH, VALUE_SET, VALUE_STREAM } value_kind_t;

typedef struct {
    value_kind_t kind;
    bytes_t key;
    uint64_t expires_ms; /* 0: never */
    bytes_t string;
    bytes_t *fields; /* hash: field, value, …; set: members */
    entry_t **entries;
    size_t count, room;
    uint64_t last_id, last_minor; /* of a stream, ever */
} value_t;

struct db {
    value_t values[VALUES_MAX];
    size_t count;
    uint64_t run; /* of the process that serves it */
};

bytes_t bytes_of(const void *bytes, size_t size);
bool bytes_are(const bytes_t *self, const word_t *word);
void value_clear(value_t *self);
void value_room(value_t *self, size_t more);
value_t *db_find(const db_t *self, const word_t *key);
/* The value, new if it was not there; NULL if it is of another kind. */
value_t *db_require(db_t *self, const word_t *key, value_kind_t kind);
void db_drop(db_t *self, value_t *value);
void db_expire(db_t *self, uint64_t now_ms);
void entry_push(value_t *self, entry_t *entry);
/* Drops the first `count`. */
void entries_trim(value_t *self, size_t count);

/* ---- commands --------------------------------------------------------- */

#define WRONG_TYPE                                                             \
    "WRONGTYPE Operation against a key holding the wrong kind of value"

typedef struct {
    db_t *db;
    uint64_t now_ms;
    size_t count;
    const word_t *words;
} call_t;

bool word_is(const word_t *word, const char *text);
long long word_value(const word_t *word);
reply_t *bytes_reply(const bytes_t *bytes);
reply_t *command_xadd(call_t *call);
reply_t *command_xrange(call_t *call);
reply_t *command_xrevrange(call_t *call);
reply_t *command_xlen(call_t *call);
reply_t *command_xtrim(call_t *call);
reply_t *command_xdel(call_t *call);
reply_t *command_xsetid(call_t *call);

#endif
