/* SPDX-License-Identifier: Apache-2.0
 *
 * What the persister asks of a store: history keyed by seq, so that every write
 * is idempotent. Implementations: sqlite/, dynamodb/ and cassandra/; all pass
 * one contract suite. One thread owns a store. Calls may block up to their own
 * deadlines: the persister runs the store on a thread of its own (a zactor),
 * its loop never waits.
 *
 *   placements  pixel; seq descending     who placed this, a user's last
 *   journal     chunk; first seq          compressed blobs, range scans
 *   snapshots   seq; part                 boards, parts below the item limit
 *   replaced    epoch; first seq          what lost against another history
 *   meta        name                      checkpoint, epoch, format
 */
#ifndef PERSISTER_STORE_H
#define PERSISTER_STORE_H

#include "common/chain.h"
#include "common/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct store store_t;

/* What this program writes, and the newest that it reads. 1 is 0.1.0's, whose
 * stores carry no number (SQLite's does) and no chains; it can be written again
 * by 0.1.0 afterwards. */
#define STORE_FORMAT 2

/* Most records in one write. */
#define STORE_WRITE_MAX 65536

typedef enum {
    STORE_OK = 0,
    STORE_NONE,   /* nothing there */
    STORE_RETRY,  /* throttled, away, timed out: try the same again later */
    STORE_FAILED, /* wrong credentials, missing table, damage: a hand is needed,
                     but the same call may be tried again */
    STORE_MOVED,  /* another wrote: only from ops->write, to store_write */
    STORE_FORKED, /* another history than the store's: only from store_write */
} store_result_t;

/* Progress that must survive: written after the records it speaks of. */
typedef struct {
    uint64_t checkpoint; /* highest contiguous seq in the store */
    uint32_t epoch;      /* highest epoch seen */
} store_state_t;

/* A board at `seq`, and behind its pixels the policy (common/policy.h), if an
 * operator ever did something. `canvas` is canvas_to_json's text. Owned by
 * whoever holds the struct; store_snapshot_free releases what a store returned.
 */
typedef struct {
    uint64_t seq;
    uint64_t taken_at_ms;
    uint32_t digest;
    chain_t chain; /* at seq; unknown in what 0.1.0 wrote */
    char *canvas;
    uint8_t *pixels;
    size_t pixels_size;
} store_snapshot_t;

void store_snapshot_free(store_snapshot_t *snapshot);

/* Called with records, borrowed for the call; false ends the scan. */
typedef bool (*store_scan_fn)(void *context, const record_t *records,
                              size_t count);

/* A page of one pixel's or one user's placements, newest first. */
typedef struct {
    uint64_t before;   /* in: those below this seq. Out: those below this one
                          come next, 0: there are no more */
    record_t *records; /* the caller's, room for `max` */
    size_t max, count;
} store_page_t;

/* Called with a snapshot's seq and time; false ends the list. */
typedef bool (*store_stamp_fn)(void *context, uint64_t seq,
                               uint64_t taken_at_ms);

/* The implementation's table; `store` objects begin with a pointer to it. Calls
 * that a function below this table makes safe go through that function. */
typedef struct {
    const char *scheme; /* of the URL: "sqlite", "dynamodb", "cassandra" */
    const char *help;   /* the URL's form, for --help and docs */
    /* A store for the URL behind "scheme:". Does not connect. NULL, with
     * a line in the log, where the URL is malformed. */
    store_t *(*new)(const char *url);
    void (*destroy)(store_t **self_p);
    /* Makes what is missing and brings an older format up. */
    store_result_t (*create_tables)(store_t *self);
    /* Connects where needed and reads the state; FAILED for a newer format.
     * Called again whenever the state may have moved by another's hand (a grant
     * came back). After a cut that broke off it says the state that the cut is
     * going to leave. */
    store_result_t (*open)(store_t *self, store_state_t *state);
    /* Contiguous records, 1 … STORE_WRITE_MAX, beginning at checkpoint + 1 or
     * below: what is there already stays as it is, but the epoch is raised even
     * where all is. `before` is the chain before the first, which blobs are
     * stamped with. Beginning above is FAILED and writes nothing. MOVED where
     * the checkpoint is not what open or the last write left. On OK all is
     * durable, checkpoint included. On any other result all, some or none is
     * written: call again with the same. Ends a cut that broke off first. */
    store_result_t (*write)(store_t *self, chain_t before,
                            const record_t *records, size_t count,
                            uint32_t epoch);
    /* Takes every record above `after` out of the history, with its rows, blobs
     * and snapshots, and keeps it aside among the replaced; the checkpoint is
     * `after` then, the epoch `epoch`, which is above the one that was. *cut is
     * their number. May break off at any point: called again with the same, or
     * by the next write of whoever opens the store then, it goes on. */
    store_result_t (*cut)(store_t *self, uint64_t after, uint32_t epoch,
                          uint64_t *cut);
    /* Every record that was ever cut off, by epoch and seq. */
    store_result_t (*replaced)(store_t *self, store_scan_fn visit,
                               void *context);
    /* Every record with from ≤ seq ≤ to, contiguous and ascending, whole as
     * they were written, out of the journal. Ends OK at `to`, at the journal's
     * end, or when visit says so; NONE where `from` itself is not there. At
     * a hole or a damaged blob: what stands before is visited, then FAILED. */
    store_result_t (*scan)(store_t *self, uint64_t from, uint64_t to,
                           store_scan_fn visit, void *context);
    /* The highest seq ≤ at_most at which a blob of the journal says the chain.
     * NONE where there is none. */
    store_result_t (*position)(store_t *self, uint64_t at_most,
                               position_t *position);
    /* Every row of placements once, in any order: for --verify. Of a row
     * seq, placed_at_ms, user, x, y and color are filled; the rest may be 0. */
    store_result_t (*placements)(store_t *self, store_scan_fn visit,
                                 void *context);
    /* Newest placement of a pixel; of a user. Filled as in placements. */
    store_result_t (*pixel)(store_t *self, uint16_t x, uint16_t y,
                            record_t *record);
    store_result_t (*user)(store_t *self, uint64_t user, record_t *record);
    /* One pixel's placements, filled as in placements. A page may be short, or
     * empty, though there are more: a store looks only so far at once. */
    store_result_t (*history)(store_t *self, uint16_t x, uint16_t y,
                              store_page_t *page);
    /* One user's, likewise. DynamoDB's index may lack the last second's. */
    store_result_t (*user_history)(store_t *self, uint64_t user,
                                   store_page_t *page);
    /* A snapshot is visible whole or not at all. One of the same seq again
     * takes the place of the first (its canvas may have changed). */
    store_result_t (*put_snapshot)(store_t *self,
                                   const store_snapshot_t *snapshot);
    /* The newest whole one with seq ≤ at_most. Its digest is handed out as
     * stored: whether it fits the pixels is the caller's question. */
    store_result_t (*get_snapshot)(store_t *self, uint64_t at_most,
                                   store_snapshot_t *snapshot);
    /* Seq and time of the newest one, without its board. */
    store_result_t (*newest_snapshot)(store_t *self, uint64_t *seq,
                                      uint64_t *taken_at_ms);
    /* All of them, newest first, without their boards. */
    store_result_t (*snapshots)(store_t *self, store_stamp_fn visit,
                                void *context);
    /* Drops what snapshot_keep() (snapshots.h) would not keep at now_ms. */
    store_result_t (*thin_snapshots)(store_t *self, uint64_t now_ms);
    /* One sentence about the last result that was not OK. */
    const char *(*error)(const store_t *self);
} store_ops_t;

struct store {
    const store_ops_t *ops;
    bool only_reads; /* set before the first call: open makes nothing, a store
                        that is not there is FAILED */
    bool opened;     /* `state` and `chain` count */
    store_state_t state;
    chain_t chain; /* at state.checkpoint */
};

/* For the stores: a page that was asked for is begun, empty, with nothing
 * behind it; one more row on it, or false, if it is full: then it ends here. */
void store_page_begin(store_page_t *page);
bool store_page_add(store_page_t *page, const record_t *record);

/* "sqlite:history.db", "dynamodb:PREFIX?region=…&endpoint=…",
 * "cassandra:HOST:PORT/KEYSPACE?…". NULL, with a line in the log, for an
 * unknown scheme or a malformed URL. */
store_t *store_new(const char *url);
void store_destroy(store_t **self_p);

/* Opens it, and computes the chain at the checkpoint (store_chain_at): unknown
 * where nothing is written yet. */
store_result_t store_open(store_t *self, store_state_t *state, chain_t *chain);

/* The chain at seq ≤ checkpoint, from the nearest blob that says one and the
 * records behind it. A history that 0.1.0 began starts from its first record
 * with chain_legacy_origin(); where that record is gone, from the newest
 * snapshot behind which all is there, with chain_of_board(). NONE, and unknown,
 * where there is none. */
store_result_t store_chain_at(store_t *self, uint64_t seq, chain_t *chain);

/* Writes records that follow on from the store's own history, of an opened
 * store. `before` is the chain before the first of them as their sender says
 * it; unknown: believed to be the store's. FORKED, with nothing written, where
 * they belong to another history. */
store_result_t store_write(store_t *self, chain_t before,
                           const record_t *records, size_t count,
                           uint32_t epoch);

/* The cut of store_ops_t, on an opened store. */
store_result_t store_cut(store_t *self, uint64_t after, uint32_t epoch,
                         uint64_t *cut);

#endif
