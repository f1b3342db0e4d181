/* SPDX-License-Identifier: Apache-2.0
 *
 * See verify.h. One pass over the journal feeds all comparisons:
 *
 *     journal ──replay──▶ board ──digest──▶ each snapshot, the live board
 *        └──tell──▶ census ◀──see── placements
 */
#include "persister/verify.h"

#include "common/board.h"
#include "common/mem.h"
#include "persister/census.h"
#include "persister/live.h"
#include "persister/snapshots.h"
#include "persister/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the live board is ahead by may still be on its way to the store. */
#define CATCH_UP_TRIES 50
#define CATCH_UP_WAIT_US 200000
#define LOOK_UPS 1000
/* The journal's end, where each user's newest is known. */
#define RECENT 4096

typedef struct {
    uint64_t seq;
    uint32_t digest;
    chain_t chain;   /* of the history there, or unknown */
    uint64_t policy; /* its digest, of a snapshot */
    bool live;       /* of the live board, not of a snapshot */
} proof_t;

typedef struct {
    uint64_t gaps, first_gap;
    uint64_t records, disagreements;
    uint64_t snapshots, snapshots_unsound, snapshots_wrong;
    uint64_t actions, policies_wrong;
    uint64_t look_ups, look_ups_wrong;
    uint64_t chains, chains_wrong, first_fork;
    uint64_t replaced;
    const char *live_word; /* "equal", "different", "behind", "unreachable" */
} findings_t;

typedef struct {
    store_t *store;
    store_state_t state;
    live_t live;
    bool live_known;
    bool empty; /* the store could be read, and holds nothing */
    canvas_t canvas;
    bool canvas_known;
    proof_t *proofs; /* ascending by seq */
    size_t proof_count, proof_next;
    board_t *board; /* at `seq` */
    policy_t *policy;
    uint64_t seq;
    chain_t chain;    /* at seq; unknown behind a hole */
    uint64_t *newest; /* by pixel: seq */
    record_t recent[RECENT];
    size_t recent_count;
    census_t *census;
    findings_t found;
} verify_t;

static int s_compare(const void *a, const void *b)
{
    const proof_t *p = a, *q = b;
    return p->seq < q->seq ? -1 : p->seq > q->seq;
}

static void s_add_proof(verify_t *self, proof_t proof)
{
    self->proofs =
        mem_realloc(self->proofs, self->proof_count + 1, sizeof *self->proofs);
    self->proofs[self->proof_count++] = proof;
}

/* Every snapshot, newest first; the newest sound one tells the size. */
static store_result_t s_list_snapshots(verify_t *self)
{
    store_snapshot_t snapshot;
    store_result_t result = STORE_OK;
    uint64_t at_most = UINT64_MAX;
    while ((result = self->store->ops->get_snapshot(self->store, at_most,
                                                    &snapshot)) == STORE_OK) {
        canvas_t canvas;
        board_t *board = snapshot_board(&snapshot, &canvas, self->policy);
        uint64_t seq = snapshot.seq;
        self->found.snapshots++;
        if (!board)
            self->found.snapshots_unsound++;
        else
            s_add_proof(self, (proof_t){.seq = seq,
                                        .digest = snapshot.digest,
                                        .chain = snapshot.chain,
                                        .policy = policy_digest(self->policy)});
        if (board && !self->canvas_known) {
            self->canvas = canvas;
            self->canvas_known = true;
        }
        board_destroy(&board);
        store_snapshot_free(&snapshot);
        if (!seq)
            return STORE_OK;
        at_most = seq - 1;
    }
    return result == STORE_NONE ? STORE_OK : result;
}

/* The board reached a proof's seq. */
static void s_prove(verify_t *self, const proof_t *proof)
{
    bool equal = board_digest(self->board) == proof->digest;
    self->found.chains += chain_known(proof->chain);
    if (chain_differs(proof->chain, self->chain)) {
        if (!self->found.chains_wrong++)
            self->found.first_fork = proof->seq;
        fprintf(stderr, "%s at seq %" PRIu64 ": another history\n",
                proof->live ? "live board" : "snapshot", proof->seq);
    }
    if (!proof->live && proof->policy != policy_digest(self->policy)) {
        self->found.policies_wrong++;
        fprintf(stderr, "snapshot at seq %" PRIu64 ": another policy\n",
                proof->seq);
    }
    if (proof->live)
        self->found.live_word = equal ? "equal" : "different";
    else if (!equal)
        self->found.snapshots_wrong++;
    if (!equal)
        fprintf(stderr, "%s at seq %" PRIu64 ": another digest\n",
                proof->live ? "live board" : "snapshot", proof->seq);
}

static void s_prove_reached(verify_t *self)
{
    while (self->proof_next < self->proof_count &&
           self->proofs[self->proof_next].seq <= self->seq) {
        const proof_t *proof = &self->proofs[self->proof_next++];
        if (proof->seq == self->seq)
            s_prove(self, proof);
    }
}

static void s_note_newest(verify_t *self, const record_t *records, size_t count)
{
    uint32_t width = board_width(self->board);
    uint32_t height = board_height(self->board);
    for (size_t i = 0; i < count; i++)
        if (records[i].x < width && records[i].y < height)
            self->newest[records[i].y * width + records[i].x] = records[i].seq;
    size_t part = count < RECENT ? count : RECENT;
    size_t keep = RECENT - part;
    if (keep > self->recent_count)
        keep = self->recent_count;
    memmove(self->recent, self->recent + self->recent_count - keep,
            keep * sizeof *records);
    memcpy(self->recent + keep, records + count - part, part * sizeof *records);
    self->recent_count = keep + part;
}

static bool s_visit(void *context, const record_t *records, size_t count)
{
    verify_t *self = context;
    census_tell(self->census, records, count);
    s_note_newest(self, records, count);
    self->found.records += count;
    while (count) {
        size_t part = count;
        if (self->proof_next < self->proof_count) {
            uint64_t left = self->proofs[self->proof_next].seq - self->seq;
            part = left < part ? left : part;
        }
        uint64_t seq;
        size_t disagree = board_replay(self->board, records, part, &seq);
        if (disagree && !self->found.disagreements)
            fprintf(stderr,
                    "seq %" PRIu64 ": the pixel showed another colour\n", seq);
        self->found.disagreements += disagree;
        for (size_t i = 0; i < part; i++)
            self->found.actions += policy_feed(self->policy, &records[i], NULL);
        self->chain = records_chain(self->chain, records, part);
        self->seq += part;
        records += part;
        count -= part;
        s_prove_reached(self);
    }
    return true;
}

/* Behind a hole it goes on from the next sound snapshot. -1: there is none. */
static int s_skip_hole(verify_t *self)
{
    uint64_t hole = self->seq + 1;
    if (!self->found.gaps++)
        self->found.first_gap = hole;
    fprintf(stderr, "journal: nothing readable at seq %" PRIu64 "\n", hole);
    while (self->proof_next < self->proof_count &&
           self->proofs[self->proof_next].live)
        self->proof_next++;
    if (self->proof_next == self->proof_count)
        return -1;
    store_snapshot_t snapshot;
    uint64_t seq = self->proofs[self->proof_next++].seq;
    if (self->store->ops->get_snapshot(self->store, seq, &snapshot) != STORE_OK)
        return -1;
    board_destroy(&self->board);
    self->board = snapshot_board(&snapshot, NULL, self->policy);
    store_snapshot_free(&snapshot);
    self->seq = seq;
    self->chain = self->proofs[self->proof_next - 1].chain;
    return self->board ? 0 : -1;
}

/* The store could not be read for another reason than its content. */
static int s_unreadable(const verify_t *self, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, self->store->ops->error(self->store));
    return -1;
}

/* The chain that the journal's last blob says, against the one from the first
 * record on. */
static void s_prove_chain(verify_t *self)
{
    uint64_t seq = self->state.checkpoint;
    if (!self->board || self->seq != seq || !chain_known(self->chain))
        return;
    self->found.chains++;
    if (!chain_differs(self->store->chain, self->chain))
        return;
    if (!self->found.chains_wrong++)
        self->found.first_fork = seq;
    fprintf(stderr, "journal: its blobs say another history than its records "
                    "make\n");
}

static bool s_on_replaced(void *context, const record_t *records, size_t count)
{
    verify_t *self = context;
    (void)records;
    self->found.replaced += count;
    return true;
}

static int s_replay(verify_t *self)
{
    const canvas_t *canvas = &self->canvas;
    self->board = board_new(canvas->width, canvas->height, canvas->bits);
    self->newest = mem_zalloc(board_pixels(self->board), sizeof *self->newest);
    policy_clear(self->policy);
    if (store_chain_at(self->store, 0, &self->chain) == STORE_RETRY)
        return s_unreadable(self, "journal");
    s_prove_reached(self);
    census_begin(self->census, 1);
    while (self->seq < self->state.checkpoint) {
        store_result_t result = self->store->ops->scan(
            self->store, self->seq + 1, self->state.checkpoint, s_visit, self);
        if (result == STORE_RETRY)
            return s_unreadable(self, "journal");
        if (self->seq < self->state.checkpoint && s_skip_hole(self))
            break;
    }
    s_prove_chain(self);
    return 0;
}

static bool s_tell(void *context, const record_t *records, size_t count)
{
    verify_t *self = context;
    census_tell(self->census, records, count);
    return true;
}

static bool s_see(void *context, const record_t *rows, size_t count)
{
    verify_t *self = context;
    census_see(self->census, rows, count, self->state.checkpoint);
    return true;
}

/* The first window was told by the replay. */
static int s_count_rows(verify_t *self)
{
    uint64_t first = 1;
    do {
        if (first > 1) {
            census_begin(self->census, first);
            if (self->store->ops->scan(self->store, first,
                                       first + CENSUS_WINDOW - 1, s_tell,
                                       self) == STORE_RETRY)
                return s_unreadable(self, "journal");
        }
        if (self->store->ops->placements(self->store, s_see, self) != STORE_OK)
            return s_unreadable(self, "placements");
        census_end(self->census);
        first += CENSUS_WINDOW;
    } while (first <= self->state.checkpoint);
    return 0;
}

/* A newer one may have come since: the store may be a live one. */
static int s_check_look_up(verify_t *self, store_result_t result,
                           const record_t *record, uint64_t seq)
{
    if (result == STORE_RETRY || result == STORE_FAILED)
        return s_unreadable(self, "look-up");
    uint64_t is = result == STORE_OK ? record->seq : 0;
    self->found.look_ups++;
    if (is != seq && is <= self->state.checkpoint)
        self->found.look_ups_wrong++;
    return 0;
}

static int s_look_up_pixels(verify_t *self)
{
    const store_ops_t *ops = self->store->ops;
    uint32_t pixels = board_pixels(self->board);
    uint32_t width = board_width(self->board);
    for (uint32_t i = 0; i < pixels; i += pixels / LOOK_UPS + 1) {
        record_t record;
        store_result_t result = ops->pixel(self->store, (uint16_t)(i % width),
                                           (uint16_t)(i / width), &record);
        if (s_check_look_up(self, result, &record, self->newest[i]))
            return -1;
    }
    return 0;
}

static int s_look_up_users(verify_t *self)
{
    const store_ops_t *ops = self->store->ops;
    size_t asked = 0;
    for (size_t i = self->recent_count; i-- && asked < LOOK_UPS / 10;) {
        const record_t *r = &self->recent[i];
        size_t later = i + 1;
        while (later < self->recent_count &&
               self->recent[later].user != r->user)
            later++;
        if (later < self->recent_count)
            continue;
        record_t record;
        asked++;
        if (s_check_look_up(self, ops->user(self->store, r->user, &record),
                            &record, r->seq))
            return -1;
    }
    return 0;
}

/* Until the store has what the live board shows. */
static int s_open(verify_t *self)
{
    for (int i = 0; i < CATCH_UP_TRIES; i++) {
        if (store_open(self->store, &self->state, NULL) != STORE_OK)
            return s_unreadable(self, "open");
        if (!self->live_known || self->state.checkpoint >= self->live.seq)
            return 0;
        usleep(CATCH_UP_WAIT_US);
    }
    return 0;
}

static int s_prepare(verify_t *self)
{
    self->found.live_word = self->live_known ? "behind" : "unreachable";
    if (s_open(self))
        return -1;
    if (s_list_snapshots(self) != STORE_OK)
        return s_unreadable(self, "snapshots");
    if (self->live_known && self->state.checkpoint >= self->live.seq)
        s_add_proof(self, (proof_t){.seq = self->live.seq,
                                    .digest = self->live.digest,
                                    .chain = self->live.chain,
                                    .live = true});
    if (!self->canvas_known && self->live_known) {
        self->canvas = self->live.canvas;
        self->canvas_known = true;
    }
    if (self->proof_count)
        qsort(self->proofs, self->proof_count, sizeof *self->proofs, s_compare);
    self->empty = !self->state.checkpoint;
    if (self->empty)
        fprintf(stderr, "the store is empty\n");
    if (self->canvas_known || self->empty)
        return 0;
    fprintf(stderr, "no sound snapshot and no broker tells the board's size\n");
    return -1;
}

static int s_check(verify_t *self)
{
    if (s_prepare(self))
        return -1;
    if (!self->canvas_known)
        return 0; /* an empty store */
    if (s_replay(self) || s_count_rows(self))
        return -1;
    if (self->store->ops->replaced(self->store, s_on_replaced, self) !=
        STORE_OK)
        return s_unreadable(self, "replaced");
    if (!self->board)
        return 0; /* lost in a hole */
    return s_look_up_pixels(self) || s_look_up_users(self) ? -1 : 0;
}

static bool s_clean(const verify_t *self, const census_counts_t *rows)
{
    const findings_t *f = &self->found;
    bool live =
        !strcmp(f->live_word, "equal") || !strcmp(f->live_word, "unreachable");
    return live && !(f->gaps | f->disagreements | f->snapshots_unsound |
                     f->snapshots_wrong | f->policies_wrong |
                     f->look_ups_wrong | f->chains_wrong | rows->missing |
                     rows->extra | rows->doubled | rows->wrong);
}

static void s_print(const verify_t *self, const census_counts_t *rows, bool ok)
{
    const findings_t *f = &self->found;
    printf("{\"ok\":%s,\"empty\":%s,\"checkpoint\":%" PRIu64
           ",\"epoch\":%" PRIu32 ",\"records\":%" PRIu64 ",\"gaps\":%" PRIu64
           ",\"first_gap\":%" PRIu64 ",\"disagreements\":%" PRIu64,
           ok ? "true" : "false", self->empty ? "true" : "false",
           self->state.checkpoint, self->state.epoch, f->records, f->gaps,
           f->first_gap, f->disagreements);
    printf(",\"rows\":%" PRIu64 ",\"rows_missing\":%" PRIu64
           ",\"rows_extra\":%" PRIu64 ",\"rows_doubled\":%" PRIu64
           ",\"rows_wrong\":%" PRIu64,
           rows->rows, rows->missing, rows->extra, rows->doubled, rows->wrong);
    printf(",\"snapshots\":%" PRIu64 ",\"snapshots_unsound\":%" PRIu64
           ",\"snapshots_wrong\":%" PRIu64 ",\"look_ups\":%" PRIu64
           ",\"look_ups_wrong\":%" PRIu64,
           f->snapshots, f->snapshots_unsound, f->snapshots_wrong, f->look_ups,
           f->look_ups_wrong);
    printf(",\"actions\":%" PRIu64 ",\"policies_wrong\":%" PRIu64, f->actions,
           f->policies_wrong);
    printf(",\"chains\":%" PRIu64 ",\"chains_wrong\":%" PRIu64
           ",\"first_fork\":%" PRIu64 ",\"replaced\":%" PRIu64,
           f->chains, f->chains_wrong, f->first_fork, f->replaced);
    printf(",\"live\":\"%s\",\"live_seq\":%" PRIu64 "}\n", f->live_word,
           self->live.seq);
}

int verify(const char *store, const char *brokers,
           const bus_security_t *security)
{
    verify_t *self = mem_zalloc(1, sizeof *self);
    self->store = store_new(store);
    self->census = census_new();
    self->policy = policy_new();
    bool ok = false;
    if (self->store) {
        self->store->only_reads = true;
        self->live_known = !live_ask(&self->live, brokers, security);
        int readable = s_check(self);
        census_counts_t rows = census_counts(self->census);
        ok = !readable && s_clean(self, &rows);
        s_print(self, &rows, ok);
    }
    census_destroy(&self->census);
    store_destroy(&self->store);
    board_destroy(&self->board);
    policy_destroy(&self->policy);
    free(self->newest);
    free(self->proofs);
    free(self);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
