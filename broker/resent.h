/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds a placement that an edge sends again after a fail-over in the log's
 * last minute. A user's last placement alone would not do: with a short
 * cooldown one user may have several under way at once. The index is built on
 * the first question, follows the log as long as questions come, and is dropped
 * by resent_rest. Its memory is bounded by RESENT_RECORDS_MAX.
 */
#ifndef BROKER_RESENT_H
#define BROKER_RESENT_H

#include "broker/history.h"

#include <stdbool.h>

#define RESENT_RECORDS_MAX (1u << 20)
/* An edge gives a placement up after 6 s; fail-over adds the lease. */
#define RESENT_WINDOW_MS 60000

typedef struct resent resent_t;

resent_t *resent_new(void);
void resent_destroy(resent_t **self_p);

/* The seq of the newest record of (user, request) that is keyless or not as
 * asked; 0 where there is none. */
uint64_t resent_find(resent_t *self, const history_t *history, uint64_t user,
                     uint32_t request, bool keyless);

/* Frees the index where nobody asked for RESENT_WINDOW_MS; call now and then.
 */
void resent_rest(resent_t *self);
/* Forgets all: another history. */
void resent_clear(resent_t *self);

#endif
