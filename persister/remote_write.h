/* SPDX-License-Identifier: Apache-2.0
 *
 * How the remote stores write: blob by blob, each followed by a move of the
 * checkpoint, so that a long write that breaks off is not begun from its start
 * again. The checkpoint and the epoch never go back, whoever else writes; where
 * they are found to have gone back (tables emptied, an old copy put back),
 * nothing is moved: what was below would be a hole. Where another moved the
 * checkpoint meanwhile the result is MOVED: it may be another history.
 */
#ifndef PERSISTER_REMOTE_WRITE_H
#define PERSISTER_REMOTE_WRITE_H

#include "persister/store.h"

#include <stdbool.h>
#include <stddef.h>

/* What a store brings; `self` is the store. */
typedef struct {
    /* The state as it stands there. */
    store_result_t (*read_state)(void *self, store_state_t *state);
    /* 1 … JOURNAL_RECORDS_MAX records, placements and blob; may come twice. */
    store_result_t (*put_records)(void *self, chain_t before,
                                  const record_t *records, size_t count);
    /* Puts `to` where `from` stands, {0, 0} being none; *applied is false where
     * another stands there. */
    store_result_t (*put_state)(void *self, store_state_t from,
                                store_state_t to, bool *applied);
    /* Remembers a sentence as the store's error. */
    void (*fail)(void *self, const char *why);
} remote_writer_t;

/* The write of store.h. *state is what the store knows of its state, and is
 * kept up to date. */
store_result_t remote_write(const remote_writer_t *writer, void *self,
                            store_state_t *state, chain_t before,
                            const record_t *records, size_t count,
                            uint32_t epoch);

#endif
