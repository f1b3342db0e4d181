/* SPDX-License-Identifier: Apache-2.0
 *
 * See snapshot_pack.h. The pixels are compressed with Zstandard.
 */
#include "persister/snapshot_pack.h"

#include "common/board.h"
#include "common/mem.h"

#include <zstd.h>

#include <assert.h>
#include <stdlib.h>

#define LEVEL 3

snapshot_pack_t snapshot_pack(const uint8_t *pixels, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    uint8_t *bytes = mem_alloc(room);
    size_t packed = ZSTD_compress(bytes, room, pixels, size, LEVEL);
    assert(!ZSTD_isError(packed));
    return (snapshot_pack_t){
        .bytes = bytes,
        .size = packed,
        .parts = (uint32_t)((packed + SNAPSHOT_PART_BYTES - 1) /
                            SNAPSHOT_PART_BYTES),
    };
}

void snapshot_pack_fini(snapshot_pack_t *self)
{
    free(self->bytes);
    *self = (snapshot_pack_t){0};
}

const uint8_t *snapshot_pack_part(const snapshot_pack_t *self, uint32_t part,
                                  size_t *size)
{
    assert(part < self->parts);
    size_t at = (size_t)part * SNAPSHOT_PART_BYTES;
    size_t left = self->size - at;
    *size = left < SNAPSHOT_PART_BYTES ? left : SNAPSHOT_PART_BYTES;
    return self->bytes + at;
}

uint8_t *snapshot_unpack(const uint8_t *packed, size_t packed_size, size_t size)
{
    if (size == 0 || size > BOARD_PIXELS_MAX)
        return NULL;
    uint8_t *pixels = mem_alloc(size);
    size_t got = ZSTD_decompress(pixels, size, packed, packed_size);
    if (got == size) /* an error's code is far above any size */
        return pixels;
    free(pixels);
    return NULL;
}
