/* SPDX-License-Identifier: Apache-2.0
 *
 * What Redis answers, as the ledger's types. Pure; whatever is not there or not
 * of its kind reads as nothing: Redis' bytes are not trusted.
 */
#ifndef BROKER_REDIS_REPLY_H
#define BROKER_REDIS_REPLY_H

#include "broker/ledger.h"

struct redisReply; /* hiredis/hiredis.h */

/* Whether a script did it: its first element is 1. */
bool redis_reply_done(const struct redisReply *reply);

/* Whether it is the error of a Redis whose memory or disk is full: a script
 * that gets it has written nothing. */
bool redis_reply_full(const struct redisReply *reply);

/* An element's text, borrowed, or NULL; its number, or 0. */
const char *redis_reply_string(const struct redisReply *reply, size_t i);
uint64_t redis_reply_number(const struct redisReply *reply, size_t i);
int64_t redis_reply_integer(const struct redisReply *reply, size_t i);

/* The users of an array of their hex digits, the caller's (free); *count of
 * them. Others are passed over. */
uint64_t *redis_reply_users(const struct redisReply *reply, size_t *count);

/* {1, epoch, seq, digest, canvas, born, chain, sure, …} */
ledger_meta_t redis_reply_meta(const struct redisReply *reply);

/* {0, why, ms} of LEAD. */
ledger_lead_t redis_reply_refusal(const struct redisReply *reply);

/* An entry of the log, [id, ["b", chain, "r", records]], of 0.1.0 without the
 * first two fields; -1 if it is neither. Borrowed. */
int redis_reply_entry(const struct redisReply *reply, ledger_entry_t *entry);

#endif
