/* SPDX-License-Identifier: Apache-2.0
 *
 * What the persister asks of a store: history keyed by seq, so that every write
 * is idempotent. Implementations: store_sqlite.c, store_dynamodb.c,
 * store_cql.c; all pass one contract suite. One thread owns a store. Calls may
 * block up to their own deadlines: the persister runs the store on a thread of
 * its own (a zactor), its loop never waits.
 *
 *   placements  pixel; seq descending     who placed this, a user's last
 *   journal     chunk; first seq          compressed blobs, range scans
 *   snapshots   seq; part                 boards, parts below the item limit
 *   meta        name                      checkpoint, epoch
 */
#ifndef PERSISTER_STORE_H
#define PERSISTER_STORE_H

#include "common/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct store store_t;

/* Most records in one write. */
#define STORE_WRITE_MAX 65536

typedef enum {
    STORE_OK = 0,
    STORE_NONE,   /* nothing there */
    STORE_RETRY,  /* throttled, away, timed out: try the same again later */
    STORE_FAILED, /* wrong credentials, missing table, damage: a hand is needed,
                     but the same call may be tried again */
} store_result_t;

/* Progress that must survive: written after the records it speaks of. */
typedef struct {
    uint64_t checkpoint; /* highest contiguous seq in the store */
    uint32_t epoch;      /* highest epoch seen */
} store_state_t;

/* A board at `seq`. `canvas` is canvas_to_json's text. Owned by whoever holds
 * the struct; store_snapshot_free releases what a store returned. */
typedef struct {
    uint64_t seq;
    uint64_t taken_at_ms;
    uint32_t digest;
    char *canvas;
    uint8_t *pixels;
    size_t pixels_size;
} store_snapshot_t;

void store_snapshot_free(store_snapshot_t *snapshot);

/* Called with records, borrowed for the call; false ends the scan. */
typedef bool (*store_scan_fn)(void *context, const record_t *records,
                              size_t count);

/* The implementation's table; `store` objects begin with a pointer to it. */
typedef struct {
    const char *scheme; /* of the URL: "sqlite", "dynamodb", "cassandra" */
    const char *help;   /* the URL's form, for --help and docs */
    /* A store for the URL behind "scheme:". Does not connect. NULL, with
     * a line in the log, where the URL is malformed. */
    store_t *(*new)(const char *url);
    void (*destroy)(store_t **self_p);
    store_result_t (*create_tables)(store_t *self);
    /* Connects where needed and reads the state. Called again whenever the
     * state may have moved by another's hand (a grant came back). */
    store_result_t (*open)(store_t *self, store_state_t *state);
    /* Contiguous records, 1 … STORE_WRITE_MAX, beginning at checkpoint + 1 or
     * below: what is there already stays as it is, but the epoch is raised even
     * where all is. Beginning above is FAILED
     * and writes nothing. On OK all is durable, checkpoint included. On any
     * other result all, some or none is written: call again with the same. */
    store_result_t (*write)(store_t *self, const record_t *records,
                            size_t count, uint32_t epoch);
    /* Every record with from ≤ seq ≤ to, contiguous and ascending, whole as
     * they were written, out of the journal. Ends OK at `to`, at the journal's
     * end, or when visit says so; NONE where `from` itself is not there. At
     * a hole or a damaged blob: what stands before is visited, then FAILED. */
    store_result_t (*scan)(store_t *self, uint64_t from, uint64_t to,
                           store_scan_fn visit, void *context);
    /* Every row of placements once, in any order: for --verify. Of a row
     * seq, placed_at_ms, user, x, y and color are filled; the rest may be 0. */
    store_result_t (*placements)(store_t *self, store_scan_fn visit,
                                 void *context);
    /* Newest placement of a pixel; of a user. Filled as in placements. */
    store_result_t (*pixel)(store_t *self, uint16_t x, uint16_t y,
                            record_t *record);
    store_result_t (*user)(store_t *self, uint64_t user, record_t *record);
    /* A snapshot is visible whole or not at all. One of the same seq again
     * takes the place of the first (its canvas may have changed). */
    store_result_t (*put_snapshot)(store_t *self,
                                   const store_snapshot_t *snapshot);
    /* The newest whole one with seq ≤ at_most. Its digest is handed out as
     * stored: whether it fits the pixels is the caller's question. */
    store_result_t (*get_snapshot)(store_t *self, uint64_t at_most,
                                   store_snapshot_t *snapshot);
    /* Drops what snapshot_keep() (snapshots.h) would not keep at now_ms. */
    store_result_t (*thin_snapshots)(store_t *self, uint64_t now_ms);
    /* One sentence about the last result that was not OK. */
    const char *(*error)(const store_t *self);
} store_ops_t;

struct store {
    const store_ops_t *ops;
    bool only_reads; /* set before the first call: open makes nothing, a store
                        that is not there is FAILED */
};

/* "sqlite:history.db", "dynamodb:PREFIX?region=…&endpoint=…",
 * "cassandra:HOST:PORT/KEYSPACE?…". NULL, with a line in the log, for an
 * unknown scheme or a malformed URL. */
store_t *store_new(const char *url);
void store_destroy(store_t **self_p);

#endif
