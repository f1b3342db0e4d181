/* SPDX-License-Identifier: Apache-2.0
 *
 * A store that is only read from, by one thread: opened when it is first
 * needed, and again after it failed, but not too often. A visible struct.
 */
#ifndef PERSISTER_SOURCE_H
#define PERSISTER_SOURCE_H

#include "persister/store.h"

typedef struct {
    store_t *store; /* owned */
    store_state_t state;
    bool open;
    uint64_t reopen_at_ms;
} source_t;

/* -1, with a line in the log, where the URL is malformed. */
int source_init(source_t *self, const char *store_url);
void source_fini(source_t *self);

/* The store is there, as far as is known. */
bool source_ready(source_t *self);
/* The same with the state as it is now. */
bool source_ready_anew(source_t *self);
/* A call on it failed: says so, and has it opened again. */
void source_failed(source_t *self, const char *doing);

#endif
