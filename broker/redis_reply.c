/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_reply.h.
 */
#include "broker/redis_reply.h"

#include "common/mem.h"
#include "common/token.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

bool redis_reply_done(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements &&
           reply->element[0]->type == REDIS_REPLY_INTEGER &&
           reply->element[0]->integer == 1;
}

bool redis_reply_full(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           (!strncmp(reply->str, "OOM ", 4) ||
            !strncmp(reply->str, "MISCONF ", 8));
}

const char *redis_reply_string(const redisReply *reply, size_t i)
{
    bool there =
        i < reply->elements && reply->element[i]->type == REDIS_REPLY_STRING;
    return there ? reply->element[i]->str : NULL;
}

uint64_t redis_reply_number(const redisReply *reply, size_t i)
{
    const char *text = redis_reply_string(reply, i);
    return text ? strtoull(text, NULL, 10) : 0;
}

static chain_t redis_reply_chain(const char *hex)
{
    chain_t chain = CHAIN_UNKNOWN;
    if (hex)
        chain_from_hex(&chain, hex, strlen(hex));
    return chain;
}

int64_t redis_reply_integer(const redisReply *reply, size_t i)
{
    bool there =
        i < reply->elements && reply->element[i]->type == REDIS_REPLY_INTEGER;
    return there ? reply->element[i]->integer : 0;
}

ledger_meta_t redis_reply_meta(const redisReply *reply)
{
    const char *canvas = redis_reply_string(reply, 4);
    return (ledger_meta_t){
        .epoch = (uint32_t)redis_reply_number(reply, 1),
        .empty = !redis_reply_string(reply, 2) || !canvas,
        .sure = redis_reply_integer(reply, 7) == 1,
        .at = {redis_reply_number(reply, 2),
               redis_reply_chain(redis_reply_string(reply, 6))},
        .digest = (uint32_t)redis_reply_number(reply, 3),
        .canvas = canvas,
        .canvas_size = canvas ? (size_t)reply->element[4]->len : 0,
        .born = (uint32_t)redis_reply_number(reply, 5)};
}

ledger_lead_t redis_reply_refusal(const redisReply *reply)
{
    static const struct {
        const char *word;
        lead_result_t result;
    } words[] = {{"held", LEAD_HELD},
                 {"waits", LEAD_WAITS},
                 {"shorter", LEAD_SHORTER},
                 {"format", LEAD_FORMAT}};
    const char *why = redis_reply_string(reply, 1);
    for (size_t i = 0; why && i < sizeof words / sizeof *words; i++)
        if (!strcmp(why, words[i].word))
            return (ledger_lead_t){.result = words[i].result,
                                   .wait_ms =
                                       (uint32_t)redis_reply_number(reply, 2)};
    return (ledger_lead_t){.result = LEAD_HELD};
}

int redis_reply_entry(const redisReply *reply, ledger_entry_t *entry)
{
    const redisReply *fields =
        reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
            ? reply->element[1]
            : NULL;
    if (!fields || fields->type != REDIS_REPLY_ARRAY ||
        (fields->elements != 2 && fields->elements != 4))
        return -1;
    const redisReply *records = fields->element[fields->elements - 1];
    if (records->type != REDIS_REPLY_STRING || !records->len ||
        records->len % RECORD_BYTES)
        return -1;
    bool chained = fields->elements == 4;
    *entry = (ledger_entry_t){
        .before = chained ? redis_reply_chain(redis_reply_string(fields, 1))
                          : CHAIN_UNKNOWN,
        .records = (const uint8_t *)records->str,
        .count = (size_t)records->len / RECORD_BYTES};
    return 0;
}

uint64_t *redis_reply_users(const redisReply *reply, size_t *count)
{
    size_t most = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
    uint64_t *users = mem_zalloc(most + 1, sizeof *users);
    *count = 0;
    for (size_t i = 0; i < most; i++) {
        const char *hex = redis_reply_string(reply, i);
        if (hex && user_from_hex(hex, &users[*count]) == 0)
            ++*count;
    }
    return users;
}
