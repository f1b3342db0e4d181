/* SPDX-License-Identifier: Apache-2.0
 *
 * Immutable bytes shared by many answers: counted, freed with the last one. One
 * thread owns the count; a thread-pool job may fill a blob that it alone knows.
 */
#ifndef EDGE_HTTP_BLOB_H
#define EDGE_HTTP_BLOB_H

#include <stddef.h>
#include <stdint.h>

/* Someone who sends a blob; embedded, zeroed before its first use. */
typedef struct blob_reader {
    struct blob_reader *next;
    struct blob_reader **at; /* where the list points here; NULL: reads none */
    /* The blob is to be given up: the connection ends. */
    void (*on_revoked)(struct blob_reader *reader);
} blob_reader_t;

typedef struct {
    unsigned refs;
    blob_reader_t *readers;
    int file; /* a memory file with the same bytes, for sendfile(); or -1 */
    size_t size;
    uint8_t bytes[];
} blob_t;

/* Room for `size` bytes, one reference: the caller's. */
blob_t *blob_new(size_t size);
/* The same with a copy of `bytes` in it. */
blob_t *blob_of(const void *bytes, size_t size);
/* Gives up what the blob does not need; the only reference moves along. */
blob_t *blob_shrink(blob_t *self, size_t size);
blob_t *blob_ref(blob_t *self);
/* Safe on NULL; nulls the caller's pointer. */
void blob_unref(blob_t **self_p);

/* Is sent by that reader, until it leaves. Both fine if it reads none. */
void blob_read(blob_t *self, blob_reader_t *reader);
void blob_leave(blob_reader_t *reader);
/* Tells all who read it. */
void blob_revoke(blob_t *self);

/* Gives a blob that no one shares yet its file; it stays without one where the
 * kernel has none left. */
void blob_open_file(blob_t *self);

/* Bytes of text, gzipped; NULL where that would not be shorter. */
blob_t *blob_gzip(const void *bytes, size_t size, int level);

#endif
