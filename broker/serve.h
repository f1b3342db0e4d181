/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands on the loop: sockets, timers, signals, the connection to Redis
 * and the metrics. It tells the broker what happened and knows nothing of its
 * states.
 */
#ifndef BROKER_SERVE_H
#define BROKER_SERVE_H

#include "broker/config.h"

typedef struct serve serve_t;

/* Binds the sockets. Returns NULL and logs the reason if it cannot. `config`
 * outlives it. */
serve_t *serve_new(const broker_config_t *config);
/* Runs until SIGTERM or SIGINT; call with those blocked. */
void serve_run(serve_t *self);
void serve_destroy(serve_t **self_p);

#endif
