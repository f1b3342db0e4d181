/* SPDX-License-Identifier: Apache-2.0
 *
 * See db.h: the commands.
 */
#include "tests/sim/db_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool word_is(const word_t *word, const char *text)
{
    return word->size == strlen(text) &&
           !strncasecmp(word->bytes, text, word->size);
}

long long word_value(const word_t *word)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s",
             (int)(word->size < 31 ? word->size : 31), word->bytes);
    return strtoll(text, NULL, 10);
}

reply_t *bytes_reply(const bytes_t *bytes)
{
    return reply_string(bytes->at, bytes->size);
}

/* ---- strings and keys ------------------------------------------------- */

static reply_t *s_get(call_t *call)
{
    value_t *value = db_find(call->db, &call->words[1]);
    if (!value)
        return reply_nil();
    return value->kind == VALUE_STRING ? bytes_reply(&value->string)
                                       : reply_error(WRONG_TYPE);
}

static reply_t *s_set(call_t *call)
{
    uint64_t expires_ms = 0;
    bool fresh = false;
    for (size_t i = 3; i < call->count; i++) {
        if (word_is(&call->words[i], "PX") && i + 1 < call->count)
            expires_ms = call->now_ms + (uint64_t)word_value(&call->words[++i]);
        else if (word_is(&call->words[i], "NX"))
            fresh = true;
        else
            return reply_error("ERR syntax error");
    }
    value_t *value = db_find(call->db, &call->words[1]);
    if (value && fresh)
        return reply_nil();
    if (value)
        db_drop(call->db, value);
    value = db_require(call->db, &call->words[1], VALUE_STRING);
    free(value->string.at);
    value->string = bytes_of(call->words[2].bytes, call->words[2].size);
    value->expires_ms = expires_ms;
    return reply_status("OK");
}

static reply_t *s_append(call_t *call)
{
    const word_t *more = &call->words[2];
    value_t *value = db_require(call->db, &call->words[1], VALUE_STRING);
    if (!value)
        return reply_error(WRONG_TYPE);
    bytes_t *string = &value->string;
    string->at = realloc(string->at, string->size + more->size + 1);
    memcpy(string->at + string->size, more->bytes, more->size);
    string->size += more->size;
    string->at[string->size] = 0;
    return reply_integer((long long)string->size);
}

static reply_t *s_del(call_t *call)
{
    long long dropped = 0;
    for (size_t i = 1; i < call->count; i++) {
        value_t *value = db_find(call->db, &call->words[i]);
        if (value)
            db_drop(call->db, value);
        dropped += value != NULL;
    }
    return reply_integer(dropped);
}

static reply_t *s_exists(call_t *call)
{
    return reply_integer(db_find(call->db, &call->words[1]) != NULL);
}

static reply_t *s_rename(call_t *call)
{
    value_t *value = db_find(call->db, &call->words[1]);
    value_t *old = db_find(call->db, &call->words[2]);
    if (!value)
        return reply_error("ERR no such key");
    if (old == value)
        return reply_status("OK");
    if (old) {
        db_drop(call->db, old);
        value = db_find(call->db, &call->words[1]);
    }
    free(value->key.at);
    value->key = bytes_of(call->words[2].bytes, call->words[2].size);
    return reply_status("OK");
}

static reply_t *s_pttl(call_t *call)
{
    value_t *value = db_find(call->db, &call->words[1]);
    if (!value)
        return reply_integer(-2);
    return reply_integer(
        value->expires_ms ? (long long)(value->expires_ms - call->now_ms) : -1);
}

static reply_t *s_pexpire(call_t *call)
{
    value_t *value = db_find(call->db, &call->words[1]);
    if (value)
        value->expires_ms =
            call->now_ms + (uint64_t)word_value(&call->words[2]);
    return reply_integer(value != NULL);
}

/* ---- hashes ----------------------------------------------------------- */

static bytes_t *s_field(const value_t *hash, const word_t *field)
{
    for (size_t i = 0; hash && i < hash->count; i += 2)
        if (bytes_are(&hash->fields[i], field))
            return &hash->fields[i + 1];
    return NULL;
}

static reply_t *s_field_reply(const value_t *hash, const word_t *field)
{
    bytes_t *value = s_field(hash, field);
    return value ? bytes_reply(value) : reply_nil();
}

static reply_t *s_hget(call_t *call)
{
    value_t *hash = db_find(call->db, &call->words[1]);
    if (hash && hash->kind != VALUE_HASH)
        return reply_error(WRONG_TYPE);
    return s_field_reply(hash, &call->words[2]);
}

static reply_t *s_hmget(call_t *call)
{
    value_t *hash = db_find(call->db, &call->words[1]);
    if (hash && hash->kind != VALUE_HASH)
        return reply_error(WRONG_TYPE);
    reply_t *all = reply_array();
    for (size_t i = 2; i < call->count; i++)
        reply_push(all, s_field_reply(hash, &call->words[i]));
    return all;
}

static reply_t *s_hgetall(call_t *call)
{
    value_t *hash = db_find(call->db, &call->words[1]);
    reply_t *all = reply_array();
    for (size_t i = 0; hash && i < hash->count; i++)
        reply_push(all, bytes_reply(&hash->fields[i]));
    return all;
}

static reply_t *s_hset(call_t *call)
{
    value_t *hash = db_require(call->db, &call->words[1], VALUE_HASH);
    long long added = 0;
    if (!hash)
        return reply_error(WRONG_TYPE);
    for (size_t i = 2; i + 1 < call->count; i += 2) {
        const word_t *field = &call->words[i], *value = field + 1;
        bytes_t *old = s_field(hash, field);
        if (old) {
            free(old->at);
            *old = bytes_of(value->bytes, value->size);
            continue;
        }
        value_room(hash, 2);
        hash->fields[hash->count++] = bytes_of(field->bytes, field->size);
        hash->fields[hash->count++] = bytes_of(value->bytes, value->size);
        added++;
    }
    return reply_integer(added);
}

static void s_drop_fields(value_t *value, size_t i, size_t count)
{
    for (size_t k = 0; k < count; k++)
        free(value->fields[i + k].at);
    value->count -= count;
    memmove(&value->fields[i], &value->fields[i + count],
            (value->count - i) * sizeof *value->fields);
}

/* HDEL, SREM: `step` words a member. */
static reply_t *s_remove(call_t *call, size_t step)
{
    value_t *value = db_find(call->db, &call->words[1]);
    long long dropped = 0;
    for (size_t i = 2; value && i < call->count; i++)
        for (size_t at = 0; at < value->count; at += step)
            if (bytes_are(&value->fields[at], &call->words[i])) {
                s_drop_fields(value, at, step);
                dropped++;
                break;
            }
    if (value && !value->count)
        db_drop(call->db, value);
    return reply_integer(dropped);
}

static reply_t *s_hdel(call_t *call)
{
    return s_remove(call, 2);
}

/* ---- sets ------------------------------------------------------------- */

static reply_t *s_sadd(call_t *call)
{
    value_t *set = db_require(call->db, &call->words[1], VALUE_SET);
    long long added = 0;
    if (!set)
        return reply_error(WRONG_TYPE);
    for (size_t i = 2; i < call->count; i++) {
        bool there = false;
        for (size_t at = 0; at < set->count && !there; at++)
            there = bytes_are(&set->fields[at], &call->words[i]);
        if (there)
            continue;
        value_room(set, 1);
        set->fields[set->count++] =
            bytes_of(call->words[i].bytes, call->words[i].size);
        added++;
    }
    return reply_integer(added);
}

static reply_t *s_srem(call_t *call)
{
    return s_remove(call, 1);
}

static reply_t *s_scard(call_t *call)
{
    value_t *set = db_find(call->db, &call->words[1]);
    return reply_integer(set ? (long long)set->count : 0);
}

/* ---- bit fields ------------------------------------------------------- */

static void s_grow(value_t *value, size_t size)
{
    if (size <= value->string.size)
        return;
    value->string.at = realloc(value->string.at, size + 1);
    memset(value->string.at + value->string.size, 0,
           size + 1 - value->string.size);
    value->string.size = size;
}

/* The offset in bits of "#index" or "bit". */
static size_t s_offset(const word_t *word, unsigned bits)
{
    bool whole = word->size && *word->bytes == '#';
    word_t rest = {word->bytes + whole, word->size - whole};
    return (size_t)word_value(&rest) * (whole ? bits : 1);
}

static long long s_swap_bits(value_t *value, size_t offset, unsigned bits,
                             bool set, unsigned color)
{
    size_t byte = offset / 8;
    unsigned shift = 8 - bits - (unsigned)(offset % 8);
    unsigned mask = ((1u << bits) - 1) << shift;
    if (set)
        s_grow(value, byte + 1);
    if (byte >= value->string.size)
        return 0;
    uint8_t *at = (uint8_t *)value->string.at + byte;
    unsigned old = (*at & mask) >> shift;
    if (set)
        *at = (uint8_t)((*at & ~mask) | (color << shift & mask));
    return old;
}

/* Widths of 4 and 8 bits on their own bounds: what a board has. Only a SET
 * makes a key. */
static reply_t *s_bitfield(call_t *call)
{
    static value_t none;
    bool sets = false;
    for (size_t i = 2; i < call->count; i++)
        sets |= word_is(&call->words[i], "SET");
    value_t *value = sets || db_find(call->db, &call->words[1])
                         ? db_require(call->db, &call->words[1], VALUE_STRING)
                         : &none;
    reply_t *all = reply_array();
    if (!value)
        return reply_error(WRONG_TYPE);
    for (size_t i = 2; i + 2 < call->count;) {
        bool set = word_is(&call->words[i], "SET");
        unsigned bits = word_is(&call->words[i + 1], "u4") ? 4 : 8;
        size_t offset = s_offset(&call->words[i + 2], bits);
        unsigned color = set ? (unsigned)word_value(&call->words[i + 3]) : 0;
        if (set || word_is(&call->words[i], "GET"))
            reply_push(all, reply_integer(
                                s_swap_bits(value, offset, bits, set, color)));
        i += set ? 4 : 3;
    }
    return all;
}

static reply_t *s_getrange(call_t *call)
{
    value_t *value = db_find(call->db, &call->words[1]);
    size_t from = (size_t)word_value(&call->words[2]);
    size_t to = (size_t)word_value(&call->words[3]) + 1;
    if (!value || from >= value->string.size)
        return reply_string("", 0);
    if (to > value->string.size)
        to = value->string.size;
    return reply_string(value->string.at + from, to - from);
}

static reply_t *s_strlen(call_t *call)
{
    value_t *value = db_find(call->db, &call->words[1]);
    return reply_integer(value ? (long long)value->string.size : 0);
}

static reply_t *s_setrange(call_t *call)
{
    if (!call->words[3].size)
        return s_strlen(call);
    value_t *value = db_require(call->db, &call->words[1], VALUE_STRING);
    size_t from = (size_t)word_value(&call->words[2]);
    if (!value)
        return reply_error(WRONG_TYPE);
    s_grow(value, from + call->words[3].size);
    memcpy(value->string.at + from, call->words[3].bytes, call->words[3].size);
    return reply_integer((long long)value->string.size);
}

static reply_t *s_ok(call_t *call)
{
    (void)call;
    return reply_status("OK");
}

static reply_t *s_ping(call_t *call)
{
    (void)call;
    return reply_status("PONG");
}

static reply_t *s_info(call_t *call)
{
    char text[300];
    int length = snprintf(text, sizeof text,
                          "# Server\r\nredis_version:7.0.15\r\n"
                          "run_id:%040llx\r\nmaxmemory:0\r\n"
                          "used_memory:1000000\r\nrole:master\r\n"
                          "maxmemory_policy:noeviction\r\n",
                          (unsigned long long)call->db->run);
    return reply_string(text, (size_t)length);
}

static reply_t *s_time(call_t *call)
{
    char text[32];
    reply_t *both = reply_array();
    int length =
        snprintf(text, sizeof text, "%llu",
                 (unsigned long long)(1790000000 + call->now_ms / 1000));
    reply_push(both, reply_string(text, (size_t)length));
    length = snprintf(text, sizeof text, "%llu",
                      (unsigned long long)(call->now_ms % 1000 * 1000));
    reply_push(both, reply_string(text, (size_t)length));
    return both;
}

/* ---- the table -------------------------------------------------------- */

typedef enum { READS = 0, WRITES = 1, GROWS = 3 } effect_t;

static const struct {
    const char *name;
    size_t least;
    reply_t *(*run)(call_t *call);
    effect_t effect;
} s_commands[] = {
    {"GET", 2, s_get, READS},
    {"SET", 3, s_set, GROWS},
    {"APPEND", 3, s_append, GROWS},
    {"DEL", 2, s_del, WRITES},
    {"UNLINK", 2, s_del, WRITES},
    {"EXISTS", 2, s_exists, READS},
    {"RENAME", 3, s_rename, WRITES},
    {"PTTL", 2, s_pttl, READS},
    {"PEXPIRE", 3, s_pexpire, WRITES},
    {"HGET", 3, s_hget, READS},
    {"HMGET", 3, s_hmget, READS},
    {"HGETALL", 2, s_hgetall, READS},
    {"HSET", 4, s_hset, GROWS},
    {"HDEL", 3, s_hdel, WRITES},
    {"SADD", 3, s_sadd, GROWS},
    {"SREM", 3, s_srem, WRITES},
    {"SMEMBERS", 2, s_hgetall, READS},
    {"SCARD", 2, s_scard, READS},
    {"XADD", 5, command_xadd, GROWS},
    {"XRANGE", 4, command_xrange, READS},
    {"XREVRANGE", 4, command_xrevrange, READS},
    {"XLEN", 2, command_xlen, READS},
    {"XDEL", 3, command_xdel, WRITES},
    {"XSETID", 3, command_xsetid, GROWS},
    {"XTRIM", 4, command_xtrim, WRITES},
    {"BITFIELD", 2, s_bitfield, GROWS},
    {"GETRANGE", 4, s_getrange, READS},
    {"SETRANGE", 4, s_setrange, GROWS},
    {"STRLEN", 2, s_strlen, READS},
    {"PING", 1, s_ping, READS},
    {"SELECT", 2, s_ok, READS},
    {"AUTH", 2, s_ok, READS},
    {"CLIENT", 2, s_ok, READS},
    {"INFO", 1, s_info, READS},
    {"TIME", 1, s_time, READS},
};

#define COMMANDS (sizeof s_commands / sizeof *s_commands)

static size_t s_command(const word_t *name)
{
    size_t i = 0;
    while (i < COMMANDS && !word_is(name, s_commands[i].name))
        i++;
    return i;
}

bool db_command_writes(const word_t *name)
{
    size_t i = s_command(name);
    return i < COMMANDS && s_commands[i].effect != READS;
}

reply_t *db_call(db_t *self, uint64_t now_ms, bool full, size_t count,
                 const word_t *words)
{
    call_t call = {self, now_ms, count, words};
    size_t i = s_command(&words[0]);
    char why[120];
    if (i == COMMANDS) {
        snprintf(why, sizeof why, "ERR unknown command '%.*s'",
                 (int)(words[0].size < 40 ? words[0].size : 40),
                 words[0].bytes);
        fprintf(stderr, "sim: %s\n", why);
        return reply_error(why);
    }
    if (count < s_commands[i].least)
        return reply_error("ERR wrong number of arguments");
    if (full && s_commands[i].effect == GROWS)
        return reply_error("OOM command not allowed when used memory > "
                           "'maxmemory'.");
    db_expire(self, now_ms);
    return s_commands[i].run(&call);
}
