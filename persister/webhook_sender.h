/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that tells a webhook what moderators did: a zactor, so that a slow
 * or dead receiver holds up nothing. Actions are told one after another, in
 * their order; each is tried again, later and later, until WEBHOOK_PATIENCE_MS
 * after it came, and is dropped then, as is one that the receiver refuses. Its
 * owner sends no more than WEBHOOK_QUEUE_MAX beyond those that the news count
 * as ended.
 *
 * The owner reads news from the actor's socket: one webhook_news_t a frame.
 */
#ifndef PERSISTER_WEBHOOK_SENDER_H
#define PERSISTER_WEBHOOK_SENDER_H

#include "persister/webhook.h"

#include <czmq.h>

#define WEBHOOK_QUEUE_MAX 1000
#define WEBHOOK_PATIENCE_MS 600000

typedef struct {
    const char *url;
    const char *secret; /* NULL: it is not signed */
    size_t secret_size;
    webhook_shape_t shape;
} webhook_options_t;

/* Counters since the start. */
typedef struct {
    uint64_t told, dropped, retries;
} webhook_news_t;

/* All that the options point to outlives the actor. Destroying it tells what
 * waits once more, for two seconds at most. */
zactor_t *webhook_sender_new(const webhook_options_t *options);

void webhook_tell(zactor_t *self, const control_t *action);

#endif
