/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger in Redis: the scripts of redis_scripts.h over redis_link.h. An
 * error that Redis answers to any of them gives the connection up: on_lost; but
 * a commit that it has no room for is only refused. With `replicas` neither the
 * lease nor a commit counts before so many have it (WAIT, in the same packet);
 * too few in time are a Redis that is lost.
 */
#ifndef BROKER_REDIS_LEDGER_H
#define BROKER_REDIS_LEDGER_H

#include "broker/ledger.h"
#include "broker/redis_url.h"

#include <czmq.h>

typedef struct {
    zloop_t *loop;
    const redis_url_t *url;
    const char *key_prefix;
    uint32_t timeout_ms;
    uint32_t lease_ms;
    uint32_t replicas;      /* 0: the answer of Redis itself is enough */
    uint64_t memory_needed; /* bytes; less is warned of */
    uint64_t token;         /* random, this process's */
} redis_ledger_options_t;

/* Begins to connect. The url, `events` and `context` outlive it. */
ledger_t *redis_ledger_new(const redis_ledger_options_t *options,
                           const ledger_events_t *events, void *context);

#endif
