/* SPDX-License-Identifier: Apache-2.0
 *
 * See ledger.h. A question carries the term it was asked in; ledger_forget
 * begins a new term, and answers of an older one are passed over.
 */
#include "broker/ledger.h"

#include "broker/redis_link.h"
#include "broker/redis_scripts.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>

#define NUMBER_MAX 21
#define SHA_MAX 41
#define KEYS 4
/* EVALSHA sha numkeys keys … */
#define HEAD (3 + KEYS)
#define ARGUMENTS_MAX 64
/* Records written back with one call: entries of ENTRY_RECORDS. */
#define ENTRY_RECORDS 2000
#define PUT_ENTRIES 16
/* Log entries fetched with one call: as many as make about LOG_PART bytes. */
#define LOG_ENTRIES_LEAST 100
#define LOG_ENTRIES_MOST 10000
#define LOG_PART_BYTES (4 << 20)

struct ledger {
    ledger_options_t options;
    const ledger_events_t *events;
    void *context;
    redis_link_t *link;
    bool ready;
    uint64_t term;
    char *keys[KEYS], *bans_key;
    char token[USER_HEX_BYTES];
    char lease_ms[NUMBER_MAX];
    char sha[SCRIPTS][SHA_MAX];
    size_t log_entries; /* to fetch at once */
};

/* A command under construction. */
typedef struct {
    int count;
    const char *words[HEAD + ARGUMENTS_MAX];
    size_t sizes[HEAD + ARGUMENTS_MAX];
    char numbers[ARGUMENTS_MAX][NUMBER_MAX];
} command_t;

static void s_bytes(command_t *command, const void *bytes, size_t size)
{
    assert(command->count < HEAD + ARGUMENTS_MAX);
    command->words[command->count] = bytes;
    command->sizes[command->count++] = size;
}

static void s_text(command_t *command, const char *text)
{
    s_bytes(command, text, strlen(text));
}

static void s_number(command_t *command, uint64_t number)
{
    assert(command->count >= HEAD);
    char *text = command->numbers[command->count - HEAD];
    snprintf(text, NUMBER_MAX, "%" PRIu64, number);
    s_text(command, text);
}

static void s_script(ledger_t *self, command_t *command, redis_script_t script)
{
    command->count = 0;
    s_text(command, "EVALSHA");
    s_text(command, self->sha[script]);
    s_text(command, "4");
    for (int i = 0; i < KEYS; i++)
        s_text(command, self->keys[i]);
}

static void s_send(ledger_t *self, redis_reply_fn on_reply,
                   const command_t *command)
{
    redis_link_call(self->link, on_reply, self->term, command->count,
                    (const char **)command->words, command->sizes);
}

/* ---- answers --------------------------------------------------------- */

/* Whether this answer counts; an error gives the connection up. */
static bool s_counts(ledger_t *self, uint64_t term, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_link_drop(self->link, reply->str);
        return false;
    }
    return term == self->term;
}

/* The first element of a script's answer. */
static bool s_done(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements &&
           reply->element[0]->type == REDIS_REPLY_INTEGER &&
           reply->element[0]->integer == 1;
}

static const char *s_string(const redisReply *reply, size_t i)
{
    bool there =
        i < reply->elements && reply->element[i]->type == REDIS_REPLY_STRING;
    return there ? reply->element[i]->str : NULL;
}

static uint64_t s_value(const redisReply *reply, size_t i)
{
    const char *text = s_string(reply, i);
    return text ? strtoull(text, NULL, 10) : 0;
}

/* {1, epoch, seq, digest, canvas, born} */
static ledger_meta_t s_meta(const redisReply *reply)
{
    const char *canvas = s_string(reply, 4);
    return (ledger_meta_t){.epoch = (uint32_t)s_value(reply, 1),
                           .empty = !s_string(reply, 2) || !canvas,
                           .seq = s_value(reply, 2),
                           .digest = (uint32_t)s_value(reply, 3),
                           .canvas = canvas,
                           .canvas_size =
                               canvas ? (size_t)reply->element[4]->len : 0,
                           .born = (uint32_t)s_value(reply, 5)};
}

static void s_on_lead(void *context, uint64_t term, const redisReply *reply)
{
    ledger_t *self = context;
    if (!s_counts(self, term, reply))
        return;
    ledger_meta_t meta = s_meta(reply);
    self->events->on_lead(self->context, s_done(reply) ? &meta : NULL);
}

static void s_on_resume(void *context, uint64_t term, const redisReply *reply)
{
    ledger_t *self = context;
    if (!s_counts(self, term, reply))
        return;
    ledger_meta_t meta = s_meta(reply);
    self->events->on_resume(self->context, s_done(reply) ? &meta : NULL);
}

#define ON_DONE(name)                                                          \
    static void s_##name(void *context, uint64_t term,                         \
                         const redisReply *reply)                              \
    {                                                                          \
        ledger_t *self = context;                                              \
        if (s_counts(self, term, reply))                                       \
            self->events->name(self->context, s_done(reply));                  \
    }
ON_DONE(on_renew)
ON_DONE(on_commit)
ON_DONE(on_put)
ON_DONE(on_canvas)

static void s_on_released(void *context, uint64_t term, const redisReply *reply)
{
    ledger_t *self = context;
    if (s_counts(self, term, reply))
        self->events->on_released(self->context);
}

static void s_on_trim(void *context, uint64_t term, const redisReply *reply)
{
    /* A trim refused by the fence is told by the next commit or renewal. */
    s_counts(context, term, reply);
}

/* ---- the connection -------------------------------------------------- */

static void s_on_script(void *context, uint64_t script, const redisReply *reply)
{
    ledger_t *self = context;
    if (reply->type != REDIS_REPLY_STRING) {
        redis_link_drop(self->link, reply->type == REDIS_REPLY_ERROR
                                        ? reply->str
                                        : "no answer to SCRIPT LOAD");
        return;
    }
    snprintf(self->sha[script], SHA_MAX, "%s", reply->str);
    if (script != SCRIPTS - 1)
        return;
    self->ready = true;
    self->events->on_ready(self->context);
}

static void s_on_up(void *context)
{
    ledger_t *self = context;
    for (uint64_t i = 0; i < SCRIPTS; i++) {
        const char *words[3] = {"SCRIPT", "LOAD", redis_scripts[i]};
        redis_link_call(self->link, s_on_script, i, 3, words, NULL);
    }
}

static void s_on_down(void *context)
{
    ledger_t *self = context;
    bool was_ready = self->ready;
    self->ready = false;
    self->term++;
    if (was_ready)
        self->events->on_lost(self->context);
}

static const redis_link_events_t s_link_events = {.on_up = s_on_up,
                                                  .on_down = s_on_down};

static char *s_key(const char *prefix, const char *name)
{
    size_t size = strlen(prefix) + strlen(name) + 2;
    char *key = mem_alloc(size);
    snprintf(key, size, "%s:%s", prefix, name);
    return key;
}

ledger_t *ledger_new(const ledger_options_t *options,
                     const ledger_events_t *events, void *context)
{
    static const char *const names[KEYS] = {"meta", "log", "board", "lease"};
    ledger_t *self = mem_zalloc(1, sizeof *self);
    self->options = *options;
    self->events = events;
    self->context = context;
    for (int i = 0; i < KEYS; i++)
        self->keys[i] = s_key(options->key_prefix, names[i]);
    self->bans_key = s_key(options->key_prefix, "bans");
    user_to_hex(options->token, self->token);
    snprintf(self->lease_ms, NUMBER_MAX, "%" PRIu32, options->lease_ms);
    self->link = redis_link_new(options->loop, options->url,
                                options->timeout_ms, &s_link_events, self);
    return self;
}

void ledger_destroy(ledger_t **self_p)
{
    ledger_t *self = *self_p;
    if (!self)
        return;
    redis_link_destroy(&self->link);
    for (int i = 0; i < KEYS; i++)
        free(self->keys[i]);
    free(self->bans_key);
    free(self);
    *self_p = NULL;
}

bool ledger_ready(const ledger_t *self)
{
    return self->ready && redis_link_is_up(self->link);
}

void ledger_forget(ledger_t *self)
{
    self->term++;
}

void ledger_settled(ledger_t *self)
{
    redis_link_settled(self->link);
}

/* ---- the lease ------------------------------------------------------- */

void ledger_lead(ledger_t *self, uint32_t known_epoch)
{
    command_t command;
    s_script(self, &command, SCRIPT_LEAD);
    s_text(&command, self->token);
    s_text(&command, self->lease_ms);
    s_number(&command, known_epoch);
    s_send(self, s_on_lead, &command);
}

void ledger_resume(ledger_t *self, uint32_t epoch)
{
    command_t command;
    s_script(self, &command, SCRIPT_RESUME);
    s_text(&command, self->token);
    s_text(&command, self->lease_ms);
    s_number(&command, epoch);
    s_send(self, s_on_resume, &command);
}

void ledger_renew(ledger_t *self, uint32_t epoch)
{
    command_t command;
    s_script(self, &command, SCRIPT_RENEW);
    s_number(&command, epoch);
    s_text(&command, self->token);
    s_text(&command, self->lease_ms);
    s_send(self, s_on_renew, &command);
}

void ledger_release(ledger_t *self)
{
    command_t command;
    s_script(self, &command, SCRIPT_RELEASE);
    s_text(&command, self->token);
    s_send(self, s_on_released, &command);
}

/* ---- writing --------------------------------------------------------- */

void ledger_commit(ledger_t *self, uint32_t epoch, const batch_t *batch,
                   uint32_t digest)
{
    command_t command;
    s_script(self, &command, SCRIPT_COMMIT);
    s_number(&command, epoch);
    s_number(&command, batch_from(batch));
    s_number(&command, batch_to(batch));
    s_number(&command, digest);
    s_bytes(&command, batch_records(batch), batch_count(batch) * RECORD_BYTES);
    for (size_t i = 0; i < batch_chunks(batch); i++) {
        batch_chunk_t chunk = batch_chunk(batch, i);
        s_number(&command, chunk.words);
        s_bytes(&command, chunk.bytes, chunk.size);
    }
    s_send(self, s_on_commit, &command);
}

uint64_t ledger_put_log(ledger_t *self, uint32_t epoch, bool reset,
                        const history_t *history, uint64_t from)
{
    command_t command;
    s_script(self, &command, SCRIPT_PUT_LOG);
    s_number(&command, epoch);
    s_number(&command, reset);
    for (int i = 0; i < PUT_ENTRIES && from < history_next(history); i++) {
        size_t count;
        const uint8_t *records =
            history_slice(history, from, ENTRY_RECORDS, &count);
        from += count;
        s_number(&command, from - 1);
        s_bytes(&command, records, count * RECORD_BYTES);
    }
    s_send(self, s_on_put, &command);
    return from;
}

void ledger_put_board(ledger_t *self, uint32_t epoch, uint32_t born,
                      uint64_t seq, const canvas_t *canvas,
                      const board_t *board)
{
    char json[CANVAS_JSON_MAX];
    size_t size = canvas_to_json(canvas, json, sizeof json);
    command_t command;
    s_script(self, &command, SCRIPT_PUT_BOARD);
    s_number(&command, epoch);
    s_number(&command, seq);
    s_number(&command, board_digest(board));
    s_bytes(&command, json, size);
    s_number(&command, born);
    s_bytes(&command, board_bytes(board), board_size_bytes(board));
    s_send(self, s_on_put, &command);
}

void ledger_put_canvas(ledger_t *self, uint32_t epoch, const canvas_t *canvas)
{
    char json[CANVAS_JSON_MAX];
    size_t size = canvas_to_json(canvas, json, sizeof json);
    command_t command;
    s_script(self, &command, SCRIPT_CANVAS);
    s_number(&command, epoch);
    s_bytes(&command, json, size);
    s_send(self, s_on_canvas, &command);
}

void ledger_trim(ledger_t *self, uint32_t epoch, uint64_t upto)
{
    command_t command;
    s_script(self, &command, SCRIPT_TRIM);
    s_number(&command, epoch);
    s_number(&command, upto);
    s_number(&command, upto + 1);
    s_send(self, s_on_trim, &command);
}

/* ---- loading --------------------------------------------------------- */

static void s_ask_log(ledger_t *self, const char *after);

/* One entry: [id, [field, records]]; -1 where it is not that. */
static int s_take_entry(ledger_t *self, const redisReply *entry, size_t *bytes)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[1]->type != REDIS_REPLY_ARRAY ||
        entry->element[1]->elements != 2)
        return -1;
    const redisReply *records = entry->element[1]->element[1];
    if (records->type != REDIS_REPLY_STRING || records->len % RECORD_BYTES)
        return -1;
    *bytes += (size_t)records->len;
    self->events->on_log(self->context, (const uint8_t *)records->str,
                         (size_t)records->len);
    return 0;
}

static void s_on_entries(void *context, uint64_t term, const redisReply *reply)
{
    ledger_t *self = context;
    if (!s_counts(self, term, reply))
        return;
    if (reply->type != REDIS_REPLY_ARRAY || !reply->elements) {
        self->events->on_loaded(self->context);
        return;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < reply->elements; i++)
        if (s_take_entry(self, reply->element[i], &bytes) < 0)
            log_error("log_entry_malformed", "index=%zu", i);
    if (bytes < LOG_PART_BYTES / 2 && self->log_entries < LOG_ENTRIES_MOST)
        self->log_entries *= 2;
    else if (bytes > LOG_PART_BYTES * 2 &&
             self->log_entries > LOG_ENTRIES_LEAST)
        self->log_entries /= 2;
    const redisReply *last = reply->element[reply->elements - 1];
    const char *id = last->elements ? s_string(last, 0) : NULL;
    if (id)
        s_ask_log(self, id);
    else
        self->events->on_loaded(self->context);
}

/* The entries behind the one with id `after`; NULL: from the start. */
static void s_ask_log(ledger_t *self, const char *after)
{
    char from[64] = "-", count[NUMBER_MAX];
    if (after)
        snprintf(from, sizeof from, "(%s", after);
    snprintf(count, sizeof count, "%zu", self->log_entries);
    const char *words[] = {"XRANGE", self->keys[1], from, "+", "COUNT", count};
    redis_link_call(self->link, s_on_entries, self->term, 6, words, NULL);
}

static void s_on_bans(void *context, uint64_t term, const redisReply *reply)
{
    ledger_t *self = context;
    if (!s_counts(self, term, reply))
        return;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements;
         i++) {
        uint64_t user;
        const char *hex = s_string(reply, i);
        if (hex && user_from_hex(hex, &user) == 0)
            self->events->on_ban(self->context, user);
    }
}

static void s_on_board(void *context, uint64_t term, const redisReply *reply)
{
    ledger_t *self = context;
    if (!s_counts(self, term, reply))
        return;
    bool there = reply->type == REDIS_REPLY_STRING;
    self->events->on_board(self->context, there ? reply->str : NULL,
                           there ? (size_t)reply->len : 0);
}

void ledger_load(ledger_t *self)
{
    const char *get[] = {"GET", self->keys[2]};
    const char *members[] = {"SMEMBERS", self->bans_key};
    redis_link_call(self->link, s_on_board, self->term, 2, get, NULL);
    redis_link_call(self->link, s_on_bans, self->term, 2, members, NULL);
    self->log_entries = LOG_ENTRIES_LEAST;
    s_ask_log(self, NULL);
}
