/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that tells a webhook what moderators did: a zactor, so that a slow
 * or dead receiver holds up nothing. Actions are told one after another, in
 * their order; each is tried again, later and later, until HERALD_PATIENCE_MS
 * after it came, and is dropped then, as is one that the receiver refuses. Its
 * owner sends no more than HERALD_QUEUE_MAX beyond those that the news count as
 * ended.
 *
 * The owner reads news from the actor's socket: one herald_news_t a frame.
 */
#ifndef PERSISTER_HERALD_H
#define PERSISTER_HERALD_H

#include "persister/webhook.h"

#include <czmq.h>

#define HERALD_QUEUE_MAX 1000
#define HERALD_PATIENCE_MS 600000

typedef struct {
    const char *url;
    const char *secret; /* NULL: it is not signed */
    size_t secret_size;
    webhook_shape_t shape;
} herald_options_t;

/* Counters since the start. */
typedef struct {
    uint64_t told, dropped, retries;
} herald_news_t;

/* All that the options point to outlives the actor. Destroying it tells what
 * waits once more, for two seconds at most. */
zactor_t *herald_new(const herald_options_t *options);

void herald_tell(zactor_t *self, const control_t *action);

#endif
