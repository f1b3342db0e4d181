/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_ledger.h. A question carries the term it was asked in; forget
 * begins a new term, and answers of an older one are passed over.
 */
#include "broker/redis_inside.h"

#include "broker/epochs.h"
#include "broker/metrics.h"
#include "broker/redis_memory.h"
#include "broker/redis_reply.h"
#include "broker/redis_write.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

/* A board is written in parts: no command is larger than this and a bit. */
#define BOARD_PART_BYTES (1u << 20)
/* Replicas are waited for until the timeout, but renewals must not wait. */
#define WAITS_PER_LEASE 4

/* ---- answers --------------------------------------------------------- */

/* Whether enough replicas have all that was written before this WAIT. */
static bool s_replicated(redis_t *self, uint64_t term, const redisReply *reply)
{
    char why[64];
    if (!redis_counts(self, term, reply))
        return false;
    if (reply->type == REDIS_REPLY_INTEGER &&
        reply->integer >= (long long)self->replicas)
        return true;
    COUNT(REPLICAS_LATE);
    snprintf(why, sizeof why, "%lld of %" PRIu32 " replicas have it",
             reply->integer, self->replicas);
    redis_link_drop(self->link, why);
    return false;
}

/* Behind a write in the same packet: how many replicas have it. */
static void s_send_wait(redis_t *self, redis_reply_fn on_reply)
{
    const char *words[] = {"WAIT", self->wait[0], self->wait[1]};
    if (self->replicas)
        redis_link_call(self->link, on_reply, self->term, 3, words, NULL);
}

static void s_tell_lead(redis_t *self, const ledger_lead_t *lead)
{
    self->ledger.events->on_lead(self->ledger.context, lead);
}

static void s_on_lead(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (!redis_counts(self, term, reply))
        return;
    self->led = redis_reply_done(reply) && self->replicas;
    self->lead = redis_reply_refusal(reply);
    if (redis_reply_done(reply))
        self->lead = (ledger_lead_t){.meta = redis_reply_meta(reply)};
    if (!self->led) {
        s_tell_lead(self, &self->lead);
        return;
    }
    ledger_meta_t *meta = &self->lead.meta;
    if (meta->canvas_size > sizeof self->canvas)
        meta->canvas_size = 0; /* of nothing that we wrote */
    if (meta->canvas)
        memcpy(self->canvas, meta->canvas, meta->canvas_size);
    meta->canvas = meta->canvas ? self->canvas : NULL;
}

/* What an earlier leader committed was acknowledged only if they had it; what
 * is led from now on is shown to everybody. */
static void s_on_lead_replicas(void *context, uint64_t term,
                               const redisReply *reply)
{
    redis_t *self = context;
    if (self->led && s_replicated(self, term, reply))
        s_tell_lead(self, &self->lead);
}

#define ON_DONE(name)                                                          \
    static void s_##name(void *context, uint64_t term,                         \
                         const redisReply *reply)                              \
    {                                                                          \
        redis_t *self = context;                                               \
        if (redis_counts(self, term, reply))                                   \
            self->ledger.events->name(self->ledger.context,                    \
                                      redis_reply_done(reply));                \
    }
ON_DONE(on_renew)
ON_DONE(on_put)
ON_DONE(on_canvas)

static void s_tell_commit(redis_t *self, bool done)
{
    COUNT_BY(COMMIT_US, (clock_mono_ns() - self->sent_at_ns) / 1000);
    self->ledger.events->on_commit(self->ledger.context, done);
}

/* A script that Redis has no room for has written nothing. */
static void s_on_commit(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    bool full = redis_reply_full(reply);
    if (full)
        redis_set_full(self, true, reply->str);
    if (full ? term != self->term : !redis_counts(self, term, reply))
        return;
    bool done = redis_reply_done(reply);
    if (done)
        redis_set_full(self, false, NULL);
    self->committed = done && self->replicas;
    if (!self->committed)
        s_tell_commit(self, done);
}

static void s_on_commit_replicas(void *context, uint64_t term,
                                 const redisReply *reply)
{
    redis_t *self = context;
    if (self->committed && s_replicated(self, term, reply))
        s_tell_commit(self, true);
}

static void s_on_probed(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (!redis_reply_full(reply) && redis_counts(self, term, reply))
        redis_set_full(self, false, NULL);
}

static void s_on_released(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (redis_counts(self, term, reply))
        self->ledger.events->on_released(self->ledger.context);
}

/* A failed trim costs room, not the lead; the next commit tells of a fence. */
static void s_on_trim(void *context, uint64_t term, const redisReply *reply)
{
    char why[256];
    (void)context, (void)term;
    if (reply->type != REDIS_REPLY_ERROR)
        return;
    COUNT(TRIMS_FAILED);
    log_warn("trim_failed", "error=%s", log_quote(why, sizeof why, reply->str));
}

static void s_on_vouched(void *context, uint64_t term, const redisReply *reply)
{
    redis_counts(context, term, reply); /* the next commit tells of a fence */
}

/* ---- the connection -------------------------------------------------- */

static void s_on_script(void *context, uint64_t script, const redisReply *reply)
{
    redis_t *self = context;
    if (reply->type != REDIS_REPLY_STRING) {
        redis_link_drop(self->link, reply->type == REDIS_REPLY_ERROR
                                        ? reply->str
                                        : "no answer to SCRIPT LOAD");
        return;
    }
    snprintf(self->sha[script], REDIS_SHA_MAX, "%s", reply->str);
    if (script != SCRIPTS - 1)
        return;
    self->ready = true;
    self->ledger.events->on_ready(self->ledger.context);
}

/* Whoever may not ask for INFO is not told. */
static void s_on_memory(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    (void)term;
    if (reply->type != REDIS_REPLY_STRING)
        return;
    redis_memory_t memory = redis_memory_of(reply->str);
    GAUGE(REDIS_MAY_EVICT, redis_memory_may_evict(&memory));
    if (!self->memory_told)
        redis_memory_log(&memory, self->memory_needed);
    self->memory_told = true;
}

static void s_on_up(void *context)
{
    redis_t *self = context;
    const char *info[] = {"INFO", "memory"};
    redis_link_call(self->link, s_on_memory, 0, 2, info, NULL);
    for (uint64_t i = 0; i < SCRIPTS; i++) {
        const char *words[3] = {"SCRIPT", "LOAD", redis_scripts[i]};
        redis_link_call(self->link, s_on_script, i, 3, words, NULL);
    }
}

static void s_on_down(void *context)
{
    redis_t *self = context;
    bool was_ready = self->ready;
    self->ready = false;
    self->term++;
    if (was_ready)
        self->ledger.events->on_lost(self->ledger.context);
}

static const redis_link_events_t s_link_events = {.on_up = s_on_up,
                                                  .on_down = s_on_down};

static char *s_key(const char *prefix, const char *name)
{
    return zsys_sprintf("%s:%s", prefix, name);
}

static void s_destroy(ledger_t **ledger_p)
{
    redis_t *self = redis_of(*ledger_p);
    redis_link_destroy(&self->link);
    for (int i = 0; i < REDIS_KEYS; i++)
        free(self->keys[i]);
    free(self->bans_key);
    free(self);
    *ledger_p = NULL;
}

static bool s_ready(const ledger_t *ledger)
{
    const redis_t *self = (const redis_t *)ledger;
    return self->ready && redis_link_is_up(self->link);
}

static const char *s_trouble(const ledger_t *ledger)
{
    return redis_link_trouble(((const redis_t *)ledger)->link);
}

static void s_forget(ledger_t *ledger)
{
    redis_of(ledger)->term++;
}

static void s_settled(ledger_t *ledger)
{
    redis_link_settled(redis_of(ledger)->link);
}

/* ---- the lease ------------------------------------------------------- */

static void s_lead(ledger_t *ledger, const ledger_bid_t *bid)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_LEAD);
    redis_command_text(&command, self->token);
    redis_command_text(&command, self->lease_ms);
    redis_command_number(&command, bid->known_epoch);
    redis_command_number(&command, bid->epoch);
    redis_command_number(&command, bid->holds);
    redis_command_number(&command, bid->grace_ms);
    redis_command_position(&command, bid->over);
    redis_command_number(&command, LEDGER_FORMAT);
    redis_command_number(&command, random_below(EPOCH_LEAP));
    redis_send(self, s_on_lead, &command);
    s_send_wait(self, s_on_lead_replicas);
}

static void s_renew(ledger_t *ledger, uint32_t epoch, uint64_t holds)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_RENEW);
    redis_command_number(&command, epoch);
    redis_command_text(&command, self->token);
    redis_command_text(&command, self->lease_ms);
    redis_command_number(&command, holds);
    redis_send(self, s_on_renew, &command);
}

static void s_vouch(ledger_t *ledger, uint32_t epoch)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_VOUCH);
    redis_command_number(&command, epoch);
    redis_command_number(&command, LEDGER_FORMAT);
    redis_send(self, s_on_vouched, &command);
}

static void s_release(ledger_t *ledger)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_RELEASE);
    redis_command_text(&command, self->token);
    redis_send(self, s_on_released, &command);
}

/* ---- writing --------------------------------------------------------- */

static void s_commit(ledger_t *ledger, uint32_t epoch, const batch_t *batch,
                     uint32_t digest, const policy_t *base)
{
    redis_t *self = redis_of(ledger);
    size_t size = 0;
    uint8_t *policy = base ? policy_bytes(base, &size) : NULL;
    redis_command_t command;
    redis_script(self, &command, SCRIPT_COMMIT);
    redis_write_commit(&command, epoch, batch, digest, policy, size);
    self->sent_at_ns = clock_mono_ns();
    redis_send(self, s_on_commit, &command);
    free(policy);
    s_send_wait(self, s_on_commit_replicas);
}

static uint64_t s_put_log(ledger_t *ledger, uint32_t epoch, bool first,
                          const history_t *history, uint64_t from)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_PUT_LOG);
    from = redis_write_log(&command, epoch, first, history, from);
    redis_send(self, s_on_put, &command);
    return from;
}

/* An empty range of what need not be there: refused like any write, and done
 * without one. */
static void s_probe(ledger_t *ledger)
{
    redis_t *self = redis_of(ledger);
    const char *words[] = {"SETRANGE", self->keys[6], "0", ""};
    redis_link_call(self->link, s_on_probed, self->term, 4, words, NULL);
}

static void s_send_board(redis_t *self)
{
    char json[CANVAS_JSON_MAX];
    size_t size;
    uint8_t *policy = policy_bytes(self->put.policy, &size);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_PUT_BOARD);
    redis_write_board(&command, &self->put, json);
    redis_command_bytes(&command, policy, size);
    redis_send(self, s_on_put, &command);
    free(policy);
}

static void s_put_part(redis_t *self);

static void s_on_part(void *context, uint64_t term, const redisReply *reply)
{
    redis_t *self = context;
    if (!redis_counts(self, term, reply))
        return;
    if (!redis_reply_done(reply))
        self->ledger.events->on_put(self->ledger.context, false);
    else if (self->put_bytes < board_size_bytes(self->put.board))
        s_put_part(self);
    else
        s_send_board(self);
}

static void s_put_part(redis_t *self)
{
    redis_command_t command;
    redis_script(self, &command, SCRIPT_PUT_PART);
    self->put_bytes = redis_write_part(&command, &self->put, self->put_bytes,
                                       BOARD_PART_BYTES);
    redis_send(self, s_on_part, &command);
}

static void s_put_board(ledger_t *ledger, const ledger_put_t *put)
{
    redis_t *self = redis_of(ledger);
    self->put = *put;
    self->put_bytes = 0;
    s_put_part(self);
}

static void s_put_canvas(ledger_t *ledger, uint32_t epoch,
                         const canvas_t *canvas)
{
    redis_t *self = redis_of(ledger);
    char json[CANVAS_JSON_MAX];
    size_t size = canvas_to_json(canvas, json, sizeof json);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_CANVAS);
    redis_command_number(&command, epoch);
    redis_command_bytes(&command, json, size);
    redis_send(self, s_on_canvas, &command);
}

static void s_trim(ledger_t *ledger, uint32_t epoch, uint64_t upto)
{
    redis_t *self = redis_of(ledger);
    redis_command_t command;
    redis_script(self, &command, SCRIPT_TRIM);
    redis_command_number(&command, epoch);
    redis_command_number(&command, upto);
    redis_command_number(&command, upto + 1);
    redis_send(self, s_on_trim, &command);
}

static const ledger_ops_t s_ops = {
    .destroy = s_destroy,
    .ready = s_ready,
    .trouble = s_trouble,
    .forget = s_forget,
    .settled = s_settled,
    .lead = s_lead,
    .renew = s_renew,
    .release = s_release,
    .vouch = s_vouch,
    .commit = s_commit,
    .load = redis_load,
    .follow = redis_follow,
    .put_log = s_put_log,
    .put_board = s_put_board,
    .put_canvas = s_put_canvas,
    .trim = s_trim,
    .probe = s_probe,
};

static void s_set_wait(redis_t *self, const redis_ledger_options_t *options)
{
    uint32_t ms = options->lease_ms / WAITS_PER_LEASE;
    if (ms > options->timeout_ms / 2)
        ms = options->timeout_ms / 2;
    self->replicas = options->replicas;
    snprintf(self->wait[0], REDIS_NUMBER_MAX, "%" PRIu32, self->replicas);
    snprintf(self->wait[1], REDIS_NUMBER_MAX, "%" PRIu32, ms);
}

ledger_t *redis_ledger_new(const redis_ledger_options_t *options,
                           const ledger_events_t *events, void *context)
{
    static const char *const names[REDIS_KEYS] = {
        "meta",     "log",    "board",      "lease",
        "log.next", "claims", "board.next", "policy"};
    redis_t *self = mem_zalloc(1, sizeof *self);
    self->ledger =
        (ledger_t){.ops = &s_ops, .events = events, .context = context};
    for (int i = 0; i < REDIS_KEYS; i++)
        self->keys[i] = s_key(options->key_prefix, names[i]);
    self->bans_key = s_key(options->key_prefix, "bans");
    user_to_hex(options->token, self->token);
    snprintf(self->lease_ms, REDIS_NUMBER_MAX, "%" PRIu32, options->lease_ms);
    self->memory_needed = options->memory_needed;
    s_set_wait(self, options);
    self->link = redis_link_new(options->loop, options->url,
                                options->timeout_ms, &s_link_events, self);
    return &self->ledger;
}
