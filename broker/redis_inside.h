/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the ledger in Redis, for the files that make it up:
 * redis_ledger.c asks and writes, redis_reading.c loads and follows,
 * redis_inside.c calls scripts for both.
 */
#ifndef BROKER_REDIS_INSIDE_H
#define BROKER_REDIS_INSIDE_H

#include "broker/ledger.h"
#include "broker/redis_command.h"
#include "broker/redis_ledger.h"
#include "broker/redis_link.h"
#include "broker/redis_scripts.h"
#include "common/token.h"

struct redisReply; /* hiredis/hiredis.h */

#define REDIS_SHA_MAX 41
#define REDIS_KEYS 8
#define REDIS_POLICY_KEY 7

typedef struct {
    ledger_t ledger; /* first: this is one */
    redis_link_t *link;
    bool ready;
    uint64_t term;
    char *keys[REDIS_KEYS], *bans_key;
    char token[USER_HEX_BYTES], lease_ms[REDIS_NUMBER_MAX];
    char sha[SCRIPTS][REDIS_SHA_MAX];
    size_t log_entries;  /* to fetch at once */
    bool load_whole;     /* not only the bans */
    uint64_t sent_at_ns; /* of the commit on its way */
    ledger_put_t put;    /* the board that is being written … */
    size_t put_bytes;    /* … so far */
    uint32_t replicas;   /* that must have what is acknowledged … */
    char wait[2][REDIS_NUMBER_MAX]; /* … and WAIT's words for it */
    bool committed;                 /* the replicas' word is to come */
    ledger_lead_t lead;             /* … of the lease; DONE */
    bool led;
    char canvas[CANVAS_JSON_MAX]; /* lead's */
    uint64_t memory_needed;       /* see redis_memory.h */
    bool memory_told;
} redis_t;

static inline redis_t *redis_of(ledger_t *ledger)
{
    return (redis_t *)ledger;
}

/* A call of a script, to which its arguments are added. */
void redis_script(redis_t *self, redis_command_t *command,
                  redis_script_t script);
void redis_send(redis_t *self, redis_reply_fn on_reply,
                const redis_command_t *command);
/* Whether this answer counts; an error gives the connection up. */
bool redis_counts(redis_t *self, uint64_t term, const struct redisReply *reply);

/* Whether Redis takes writes, as its last answer to one says. */
void redis_set_full(redis_t *self, bool full, const char *why);

/* ledger_ops_t's; redis_reading.c. */
void redis_load(ledger_t *ledger, bool whole);
void redis_follow(ledger_t *ledger, uint64_t seq);

#endif
