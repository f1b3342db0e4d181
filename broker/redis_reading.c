/* SPDX-License-Identifier: Apache-2.0
 *
 * What Redis holds, brought to memory: see redis_inside.h.
 */
#include "broker/redis_inside.h"

#include "broker/redis_reply.h"
#include "common/log.h"
#include "common/mem.h"

#include <hiredis/hiredis.h>

#define FOLLOW_ENTRIES 100
/* Log entries fetched with one call: as many as make about LOG_PART bytes. */
#define LOG_ENTRIES_LEAST 100
#define LOG_ENTRIES_MOST 10000
#define LOG_PART_BYTES (4 << 20)

static void s_ask_log(redis_t *self, const char *after);

/* Entries of an array; those that are none are logged and passed over. Returns
 * their bytes. */
static size_t s_take_entries(redis_t *self, const redisReply *reply)
{
    size_t bytes = 0;
    uint64_t term = self->term;
    for (size_t i = 0; i < reply->elements && term == self->term; i++) {
        ledger_entry_t entry;
        if (redis_reply_entry(reply->element[i], &entry) < 0) {
            log_error("log_entry_malformed", "index=%zu", i);
            continue;
        }
        bytes += entry.count * RECORD_BYTES;
        self->ledger.events->on_log(self->ledger.context, &entry);
    }
    return bytes;
}

static size_t s_fit_entries(size_t entries, size_t bytes)
{
    if (bytes < LOG_PART_BYTES / 2 && entries < LOG_ENTRIES_MOST)
        return entries * 2;
    return bytes > LOG_PART_BYTES * 2 && entries > LOG_ENTRIES_LEAST
               ? entries / 2
               : entries;
}

static void s_on_entries(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (!redis_counts(self, term, reply))
        return;
    if (reply->type != REDIS_REPLY_ARRAY || !reply->elements) {
        self->ledger.events->on_loaded(self->ledger.context);
        return;
    }
    size_t bytes = s_take_entries(self, reply);
    if (term != self->term)
        return;
    self->log_entries = s_fit_entries(self->log_entries, bytes);
    const redisReply *last = reply->element[reply->elements - 1];
    const char *id = last->elements ? redis_reply_string(last, 0) : NULL;
    if (id)
        s_ask_log(self, id);
    else
        self->ledger.events->on_loaded(self->ledger.context);
}

/* The entries behind the one with id `after`; NULL: from the start. */
static void s_ask_log(redis_t *self, const char *after)
{
    char from[64] = "-", count[REDIS_NUMBER_MAX];
    if (after)
        snprintf(from, sizeof from, "(%s", after);
    snprintf(count, sizeof count, "%zu", self->log_entries);
    const char *words[] = {"XRANGE", self->keys[1], from, "+", "COUNT", count};
    redis_link_call(self->link, s_on_entries, self->term, 6, words, NULL);
}

static void s_on_bans(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (!redis_counts(self, term, reply))
        return;
    size_t count;
    uint64_t *users = redis_reply_users(reply, &count);
    self->ledger.events->on_bans(self->ledger.context, users, count);
    free(users);
    if (!self->load_whole)
        self->ledger.events->on_loaded(self->ledger.context);
}

#define ON_BYTES(name)                                                         \
    static void s_##name(void *context, uint64_t term,                         \
                         const redisReply *reply)                              \
    {                                                                          \
        redis_t *self = context;                                               \
        if (!redis_counts(self, term, reply))                                  \
            return;                                                            \
        bool there = reply->type == REDIS_REPLY_STRING;                        \
        self->ledger.events->name(self->ledger.context,                        \
                                  there ? reply->str : NULL,                   \
                                  there ? (size_t)reply->len : 0);             \
    }
ON_BYTES(on_board)
ON_BYTES(on_policy)

void redis_load(ledger_t *ledger, bool whole)
{
    redis_t *self = redis_of(ledger);
    const char *get[] = {"GET", self->keys[2]};
    const char *members[] = {"SMEMBERS", self->bans_key};
    const char *policy[] = {"GET", self->keys[REDIS_POLICY_KEY]};
    self->load_whole = whole;
    if (whole)
        redis_link_call(self->link, s_on_board, self->term, 2, get, NULL);
    redis_link_call(self->link, s_on_bans, self->term, 2, members, NULL);
    self->log_entries = LOG_ENTRIES_LEAST;
    if (!whole)
        return;
    redis_link_call(self->link, s_on_policy, self->term, 2, policy, NULL);
    s_ask_log(self, NULL);
}

/* Of PTTL: below 0 it never ends. */
static uint32_t s_lease_ms(int64_t lease_ms)
{
    return lease_ms < 0 || lease_ms > UINT32_MAX ? UINT32_MAX
                                                 : (uint32_t)lease_ms;
}

/* {1, epoch, seq, digest, canvas, born, chain, sure, lease ms, entries,
 * trimmed} */
static void s_on_look(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (!redis_counts(self, term, reply) || !redis_reply_done(reply))
        return;
    const redisReply *log = reply->elements > 9 ? reply->element[9] : NULL;
    int64_t lease_ms = redis_reply_integer(reply, 8);
    ledger_look_t look = {.meta = redis_reply_meta(reply),
                          .trimmed = redis_reply_number(reply, 10),
                          .held = lease_ms != -2,
                          .lease_ms = s_lease_ms(lease_ms)};
    if (log && log->type == REDIS_REPLY_ARRAY) {
        s_take_entries(self, log);
        look.more = log->elements == FOLLOW_ENTRIES;
    }
    if (term == self->term)
        self->ledger.events->on_looked(self->ledger.context, &look);
}

void redis_follow(ledger_t *ledger, uint64_t seq)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_FOLLOW);
    redis_command_number(&command, seq);
    redis_command_number(&command, FOLLOW_ENTRIES);
    redis_send(self, s_on_look, &command);
}
