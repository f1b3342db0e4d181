/* SPDX-License-Identifier: Apache-2.0
 *
 * A recorded canvas to be placed again: steps of little-endian u32 time, u32
 * placements so far, u32 n, then n × u32 = offset (20 bits) | color << 20, with
 * offset = y × 1000 + x. Read once before the workers are forked; each placer
 * gets the pixels that are its share, in the order of the record, so that the
 * order within a pixel holds whatever the placers' pace.
 */
#ifndef LOAD_REPLAY_H
#define LOAD_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#define REPLAY_WIDTH 1000u
#define REPLAY_PIXELS (1u << 20)

typedef struct {
    uint32_t *entries; /* offset | color << 20, grouped by placer */
    uint32_t count;
    uint32_t *starts; /* of each placer's group, and the end */
    uint32_t placers;
    uint8_t *final; /* colour of each offset after the whole record */
} replay_t;

/* Unpacked bytes of an .xz file, the caller's (free); NULL where it cannot be
 * read or is longer than max. */
uint8_t *xz_read(const char *path, size_t max, size_t *size);

/* -1, with a line in the log, where the file cannot be read or is malformed.
 * At most `limit` entries, 0 for all. */
int replay_load(replay_t *self, const char *path, uint32_t placers,
                uint32_t limit);
/* The same from bytes in memory. */
int replay_parse(replay_t *self, const uint8_t *bytes, size_t size,
                 uint32_t placers, uint32_t limit);
void replay_free(replay_t *self);

#endif
