/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to Redis on a zloop, kept up: resolves the name beside the
 * loop, connects to each address in turn, says AUTH and SELECT, and asks for
 * the version: one before 7.0 cannot do what the scripts want, and is treated
 * as a Redis that is away. When the connection is lost, or Redis is silent for
 * the timeout while it owes an answer, it connects again with back-off.
 * hiredis' asynchronous API behind six hooks.
 *
 *     DOWN ──timer──► CONNECTING ──answers──► UP ──lost, dropped──► DOWN
 *              ▲          │ next address
 *              └──────────┘
 *
 * Commands are written at once, not on the next POLLOUT, which spares two
 * changes of the poll set a command.
 */
#ifndef BROKER_REDIS_LINK_H
#define BROKER_REDIS_LINK_H

#include "broker/redis_url.h"

#include <czmq.h>

struct redisReply; /* hiredis/hiredis.h */

typedef struct redis_link redis_link_t;

/* Called from the loop, never from inside a function of this header. */
typedef struct {
    void (*on_up)(void *context);
    void (*on_down)(void *context); /* it was up */
} redis_link_events_t;

/* The reply is borrowed during the call. Not called at all for a command whose
 * answer was lost with the connection; `argument` is then only forgotten. */
typedef void (*redis_reply_fn)(void *context, uint64_t argument,
                               const struct redisReply *reply);

/* Begins to connect. `url`, `events` and `context` outlive it. */
redis_link_t *redis_link_new(zloop_t *loop, const redis_url_t *url,
                             uint32_t timeout_ms,
                             const redis_link_events_t *events, void *context);
void redis_link_destroy(redis_link_t **self_p);

bool redis_link_is_up(const redis_link_t *self);

/* Sends a command whose arguments are copied. Replies come in order. Nothing
 * happens where the link is down. */
void redis_link_call(redis_link_t *self, redis_reply_fn on_reply,
                     uint64_t argument, int argc, const char **argv,
                     const size_t *sizes);

/* Gives the connection up, because of `why`: it answers what cannot be worked
 * with (loading, read-only, out of memory). Comes back with back-off. */
void redis_link_drop(redis_link_t *self, const char *why);

/* Why there is no connection, or it is about to be given up, or it was given up
 * for what has not worked since; NULL if all is well. Borrowed until the loop
 * turns. */
const char *redis_link_trouble(const redis_link_t *self);

/* Redis does what it is asked: the next loss begins with short waits again,
 * and a loss that was logged gets its line of return. Passed over where the
 * loss was for an answer whose kind (its redis_reply_fn) has not come well
 * since: one script that always fails is one trouble, not one for each try. */
void redis_link_settled(redis_link_t *self);

#endif
