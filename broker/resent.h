/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds a placement that comes a second time in the log's last minute and in
 * the batch that is being decided. A user's last placement alone would not do:
 * with a short cooldown one user may have several under way at once. The index
 * is built on the first question, follows the log as long as questions come,
 * and is dropped by resent_rest. It takes 16 MiB; beyond RESENT_RECORDS_MAX in
 * a minute the oldest are forgotten.
 */
#ifndef BROKER_RESENT_H
#define BROKER_RESENT_H

#include "broker/batch.h"
#include "broker/history.h"

#include <stdbool.h>

#define RESENT_RECORDS_MAX (1u << 20)
#define RESENT_WINDOW_MS HISTORY_RECENT_MS

typedef struct resent resent_t;

typedef struct {
    uint64_t user;
    uint32_t request;
    bool keyless;
} resent_key_t;

resent_t *resent_new(void);
void resent_destroy(resent_t **self_p);

/* The seq of the newest record of (user, request) that is keyless or not as
 * asked, and not before history_recent; 0 if there is none. `batch` follows the
 * history; NULL: none does. */
uint64_t resent_find(resent_t *self, const history_t *history,
                     const batch_t *batch, const resent_key_t *key);

/* Starts loading what resent_find will look at. */
void resent_prefetch(resent_t *self, const resent_key_t *key);

/* Call each second: frees the index if nobody asked for RESENT_WINDOW_MS. */
void resent_rest(resent_t *self, uint64_t mono_ms);
/* Forgets all: another history, or a batch that was given up. */
void resent_clear(resent_t *self);

#endif
