/* SPDX-License-Identifier: Apache-2.0
 *
 * A journal blob: contiguous records, compressed, self-checking. Little-endian:
 *
 *     version u8 (1) · first seq u64 · count u32 · crc u32 · frames
 *
 * crc is CRC-32 of version, first, count and the frames: a skippable zstd frame
 * with the chain before the first record (missing if it is unknown; 0.1.0 wrote
 * none, and skips it), then one that zstd compressed. That one holds the
 * records without their seq (they run on from `first`) as 32 planes, one for
 * each byte 8 … 39 of the packed record (common/record.h), with placed_at_ms as
 * the difference to the record before: planes of equal bytes cost nothing, so
 * a record takes 10 to 15 bytes instead of 40.
 */
#ifndef PERSISTER_BLOB_H
#define PERSISTER_BLOB_H

#include "common/chain.h"
#include "common/record.h"

#include <stddef.h>
#include <stdint.h>

/* In one blob. */
#define BLOB_RECORDS_MAX 16384
#define BLOB_HEAD_BYTES 17

/* Compression contexts and scratch space, for one thread. */
typedef struct blob_codec blob_codec_t;

blob_codec_t *blob_codec_new(void);
void blob_codec_destroy(blob_codec_t **self_p);

/* Bytes that `count` records need at most. */
size_t blob_bound(size_t count);

/* 1 … BLOB_RECORDS_MAX contiguous records into `bytes`, which holds
 * blob_bound(count). `before` is the chain before the first, or unknown.
 * Returns the size. */
size_t blob_encode(blob_codec_t *self, uint8_t *bytes, chain_t before,
                   const record_t *records, size_t count);

/* How many records were read into `records` (room for BLOB_RECORDS_MAX); -1
 * where the blob is damaged or of another version. */
int blob_decode(blob_codec_t *self, record_t *records, const void *bytes,
                size_t size);

/* The chain before the first record; unknown if the blob carries none. Checks
 * nothing else. */
chain_t blob_chain(const void *bytes, size_t size);

/* The seq range without decompressing; -1 where the head is not one. */
int blob_range(const void *bytes, size_t size, uint64_t *first,
               uint32_t *count);

#endif
