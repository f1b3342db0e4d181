/* SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot's pixels as a remote store keeps them: compressed, then cut into
 * parts below the limit of an item or row.
 */
#ifndef PERSISTER_SNAPSHOT_PACK_H
#define PERSISTER_SNAPSHOT_PACK_H

#include <stddef.h>
#include <stdint.h>

/* With Base64 and the item's other members below 400 KB. */
#define SNAPSHOT_PART_BYTES (256u << 10)
/* Of a board of BOARD_PIXELS_MAX with a byte each, however it compresses. */
#define SNAPSHOT_PARTS_MAX 320u

typedef struct {
    uint8_t *bytes; /* owned */
    size_t size;
    uint32_t parts;
} snapshot_pack_t;

snapshot_pack_t snapshot_pack(const uint8_t *pixels, size_t size);
void snapshot_pack_fini(snapshot_pack_t *self);

/* Where part 0 … parts - 1 begins, and its size. */
const uint8_t *snapshot_pack_part(const snapshot_pack_t *self, uint32_t part,
                                  size_t *size);

/* The pixels, owned by the caller, where the packed bytes give exactly `size`
 * of them; else NULL. */
uint8_t *snapshot_unpack(const uint8_t *packed, size_t packed_size,
                         size_t size);

#endif
