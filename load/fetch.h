/* SPDX-License-Identifier: Apache-2.0
 *
 * One small HTTP/1.1 GET without compression on a connection of its own, for
 * the board and the config. Non-blocking for a worker's loop; fetch_wait does
 * the same to its end.
 */
#ifndef LOAD_FETCH_H
#define LOAD_FETCH_H

#include "load/endpoint.h"

#include <stddef.h>
#include <stdint.h>

/* The largest board and its head. */
#define FETCH_BODY_MAX ((64u << 20) + 65536)

typedef struct fetch fetch_t;

typedef enum { FETCH_MORE, FETCH_DONE, FETCH_FAILED } fetch_step_t;

/* NULL where no socket is to be had. */
fetch_t *fetch_start(const endpoint_t *endpoint, const char *path);
void fetch_destroy(fetch_t **self_p);

/* To be polled for both directions, edge-triggered, until fetch_step says other
 * than FETCH_MORE. */
int fetch_fd(const fetch_t *self);

/* Sends and receives what goes without blocking. FETCH_FAILED for a broken
 * connection and for any status but 200. */
fetch_step_t fetch_step(fetch_t *self);

/* After FETCH_DONE; borrowed. */
const uint8_t *fetch_body(const fetch_t *self, size_t *size);
/* 0 before a status came. */
int fetch_status(const fetch_t *self);

/* To the end, or FETCH_FAILED after timeout_ms. */
fetch_step_t fetch_wait(fetch_t *self, uint32_t timeout_ms);

#endif
