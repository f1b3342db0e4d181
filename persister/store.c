/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h: which stores there are, and what holds for all of them about the
 * history that they keep.
 */
#include "persister/store.h"

#include "common/log.h"
#include "persister/stores.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A new store is one line here and one in stores.h. */
static const store_ops_t *const kinds[] = {
    &store_sqlite,
    &store_dynamodb,
    &store_cql,
};

#define KINDS (sizeof kinds / sizeof *kinds)
/* How often another may write between our look and our write. */
#define MOVES_MAX 4

store_t *store_new(const char *url)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t length = strlen(kinds[i]->scheme);
        if (!strncmp(url, kinds[i]->scheme, length) && url[length] == ':')
            return kinds[i]->new (url + length + 1);
    }
    char known[256] = "";
    for (size_t i = 0, used = 0; i < KINDS && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 i ? ", " : "", kinds[i]->help);
    /* The URL may carry a password: only what stands before the colon. */
    char scheme[32];
    snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(url, ":"), url);
    char quoted[80];
    log_error("store_unknown", "scheme=%s known=\"%s\"",
              log_quote(quoted, sizeof quoted, scheme), known);
    return NULL;
}

void store_destroy(store_t **self_p)
{
    if (*self_p)
        (*self_p)->ops->destroy(self_p);
}

void store_page_begin(store_page_t *page)
{
    page->count = 0;
    page->before = 0;
}

bool store_page_add(store_page_t *page, const record_t *record)
{
    if (page->count == page->max) {
        page->before = page->records[page->count - 1].seq;
        return false;
    }
    page->records[page->count++] = *record;
    return true;
}

/* ---- Chains ----------------------------------------------------------- */

static bool s_extend(void *context, const record_t *records, size_t count)
{
    position_t *at = context;
    at->chain = records_chain(at->chain, records, count);
    at->seq += count;
    return true;
}

/* From a position up to seq; NONE where a record between is not readable. */
static store_result_t s_walk(store_t *self, position_t from, uint64_t seq,
                             chain_t *chain)
{
    assert(from.seq <= seq && chain_known(from.chain));
    store_result_t result = STORE_OK;
    if (from.seq < seq)
        result = self->ops->scan(self, from.seq + 1, seq, s_extend, &from);
    if (result == STORE_RETRY)
        return result;
    if (from.seq != seq)
        return STORE_NONE;
    *chain = from.chain;
    return STORE_OK;
}

/* From the newest snapshot behind which every record is there. */
static store_result_t s_walk_from_snapshot(store_t *self, uint64_t seq,
                                           chain_t *chain)
{
    store_snapshot_t snapshot;
    store_result_t result = STORE_NONE;
    uint64_t at_most = seq;
    while (result == STORE_NONE) {
        result = self->ops->get_snapshot(self, at_most, &snapshot);
        if (result != STORE_OK)
            break;
        position_t from = {snapshot.seq, snapshot.chain};
        if (!chain_known(from.chain))
            from.chain = chain_of_board(snapshot.seq, snapshot.digest);
        at_most = snapshot.seq - 1;
        store_snapshot_free(&snapshot);
        result = s_walk(self, from, seq, chain);
        if (!from.seq)
            break;
    }
    return result;
}

store_result_t store_chain_at(store_t *self, uint64_t seq, chain_t *chain)
{
    *chain = CHAIN_UNKNOWN;
    if (self->opened && seq == self->state.checkpoint &&
        chain_known(self->chain)) {
        *chain = self->chain;
        return STORE_OK;
    }
    /* Where nothing is written yet, its beginning is still the leader's to
     * say. */
    if (!self->state.checkpoint)
        return STORE_NONE;
    position_t from = {0, chain_legacy_origin()};
    store_result_t result = self->ops->position(self, seq, &from);
    if (result != STORE_OK && result != STORE_NONE)
        return result;
    result = s_walk(self, from, seq, chain);
    return result == STORE_NONE ? s_walk_from_snapshot(self, seq, chain)
                                : result;
}

store_result_t store_open(store_t *self, store_state_t *state, chain_t *chain)
{
    store_result_t result = self->ops->open(self, state);
    if (result != STORE_OK)
        return result;
    /* A cut always raises the epoch: equal ones are one history. */
    bool same = self->opened && state->epoch == self->state.epoch &&
                state->checkpoint == self->state.checkpoint;
    self->opened = same;
    self->state = *state;
    if (!same) {
        self->chain = CHAIN_UNKNOWN;
        result = state->checkpoint
                     ? store_chain_at(self, state->checkpoint, &self->chain)
                     : STORE_OK;
    }
    if (result == STORE_NONE) {
        log_warn("history_without_chain", "checkpoint=%" PRIu64,
                 state->checkpoint);
        result = STORE_OK;
    }
    self->opened = result == STORE_OK;
    if (chain)
        *chain = self->chain;
    return result;
}

/* ---- Writing ---------------------------------------------------------- */

/* What of the records the store has already. */
static size_t s_known(const store_t *self, const record_t *records,
                      size_t count)
{
    uint64_t next = self->state.checkpoint + 1;
    if (records[0].seq >= next)
        return 0;
    uint64_t known = next - records[0].seq;
    return known < count ? (size_t)known : count;
}

/* One try. Records that begin at checkpoint + 1 are compared and written; those
 * above are left to the store to refuse. */
static store_result_t s_write(store_t *self, chain_t before,
                              const record_t *records, size_t count,
                              uint32_t epoch)
{
    size_t known = s_known(self, records, count);
    chain_t theirs = records_chain(before, records, known);
    const store_state_t *state = &self->state;
    bool level = records[0].seq + known == state->checkpoint + 1;
    if (level && chain_differs(theirs, self->chain))
        return STORE_FORKED;
    if (known == count) /* nothing but the epoch can be new */
        return epoch > state->epoch
                   ? self->ops->write(self, CHAIN_UNKNOWN, records + count - 1,
                                      1, epoch)
                   : STORE_OK;
    chain_t chain = chain_known(self->chain) ? self->chain : theirs;
    if (!chain_known(chain) && !state->checkpoint)
        chain = chain_legacy_origin();
    records += known;
    count -= known;
    store_result_t result =
        self->ops->write(self, chain, records, count, epoch);
    if (result == STORE_OK) {
        self->state.checkpoint = records[count - 1].seq;
        self->chain = records_chain(chain, records, count);
    }
    return result;
}

store_result_t store_write(store_t *self, chain_t before,
                           const record_t *records, size_t count,
                           uint32_t epoch)
{
    assert(count >= 1 && count <= STORE_WRITE_MAX);
    store_result_t result = STORE_MOVED;
    store_state_t state;
    for (int i = 0; i < MOVES_MAX && result == STORE_MOVED; i++) {
        bool gap = records[0].seq > self->state.checkpoint + 1;
        result = STORE_OK;
        if (!self->opened || gap || i)
            result = store_open(self, &state, NULL);
        if (result == STORE_OK)
            result = s_write(self, before, records, count, epoch);
    }
    if (result == STORE_OK && epoch > self->state.epoch)
        self->state.epoch = epoch;
    /* What a failed one has left is read again. */
    self->opened = result == STORE_OK || result == STORE_FORKED;
    return result == STORE_MOVED ? STORE_RETRY : result;
}

store_result_t store_cut(store_t *self, uint64_t after, uint32_t epoch,
                         uint64_t *cut)
{
    assert(self->opened && epoch > self->state.epoch);
    assert(after < self->state.checkpoint);
    self->opened = false;
    *cut = 0;
    return self->ops->cut(self, after, epoch, cut);
}
