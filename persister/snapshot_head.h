/* SPDX-License-Identifier: Apache-2.0
 *
 * How the remote stores keep a snapshot: a head, and a body of parts
 * (snapshot_pack.h) that the head names. The head is written behind all parts
 * and dropped before them: what has a head is whole. A second snapshot of the
 * same seq has a body of its own, so the first stays whole until its head is
 * replaced.
 */
#ifndef PERSISTER_SNAPSHOT_HEAD_H
#define PERSISTER_SNAPSHOT_HEAD_H

#include "persister/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_BODY_SIZE 80
#define SNAPSHOT_HEADS_MAX 65536 /* read at once */

typedef struct {
    uint64_t seq, taken_at_ms, digest;
    uint64_t size; /* of the pixels */
    uint64_t parts;
    char *body, *canvas; /* owned */
} snapshot_head_t;

void snapshot_head_fini(snapshot_head_t *self);

/* The name of a snapshot's body: "SEQ-TAKEN_AT", and "-CHAIN" if it is known.
 * So the chain needs no column that 0.1.0's tables lack. */
void snapshot_body_name(const store_snapshot_t *snapshot,
                        char name[SNAPSHOT_BODY_SIZE]);

/* The chain that such a name says, or unknown. */
chain_t snapshot_body_chain(const char *name);

/* Parts as they are read, which must come in order. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    uint64_t count;
} snapshot_parts_t;

void snapshot_parts_fini(snapshot_parts_t *self);

/* False, nothing taken, where `part` is not the next or beyond all limits. */
bool snapshot_parts_add(snapshot_parts_t *self, uint64_t part,
                        const void *bytes, size_t size);

/* The snapshot of a head and its parts: OK; NONE, with a line in the log, where
 * a part is missing or damaged. */
store_result_t snapshot_of_parts(const snapshot_head_t *head,
                                 const snapshot_parts_t *parts,
                                 store_snapshot_t *snapshot);

/* Heads as they are read, newest first, up to `capacity`. */
typedef struct {
    snapshot_head_t *heads;
    size_t count, capacity;
    bool damaged; /* one could not be read */
} snapshot_heads_t;

snapshot_heads_t snapshot_heads_of(size_t capacity);
void snapshot_heads_fini(snapshot_heads_t *self);

/* The newest whole snapshot with seq ≤ at_most: the first head that `heads`
 * finds and whose body `body` reads. A damaged one (NONE) is passed over for
 * the one before. */
typedef struct {
    store_result_t (*heads)(void *self, uint64_t at_most,
                            snapshot_heads_t *heads);
    store_result_t (*body)(void *self, const snapshot_head_t *head,
                           store_snapshot_t *snapshot);
} snapshot_reader_t;
store_result_t snapshot_newest(const snapshot_reader_t *reader, void *self,
                               uint64_t at_most, store_snapshot_t *snapshot);

/* Seq and time of the newest head; NONE where there is none. */
store_result_t
snapshot_newest_head(store_result_t (*heads)(void *self, uint64_t at_most,
                                             snapshot_heads_t *heads),
                     void *self, uint64_t *seq, uint64_t *taken_at_ms);

/* Seq and time of each head, newest first, until `visit` says false. */
store_result_t
snapshot_heads_visit(store_result_t (*heads)(void *self, uint64_t at_most,
                                             snapshot_heads_t *heads),
                     void *self, store_stamp_fn visit, void *context);

/* Calls `drop` for each head that snapshot_keep would not keep at now_ms, until
 * one does not give OK. */
typedef store_result_t (*snapshot_drop_fn)(void *context,
                                           const snapshot_head_t *head);
store_result_t snapshot_heads_thin(const snapshot_heads_t *self,
                                   uint64_t now_ms, snapshot_drop_fn drop,
                                   void *context);
/* The same for each head above `after`. */
store_result_t snapshot_heads_cut(const snapshot_heads_t *self, uint64_t after,
                                  snapshot_drop_fn drop, void *context);

#endif
