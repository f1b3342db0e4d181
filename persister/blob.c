/* SPDX-License-Identifier: Apache-2.0
 *
 * See blob.h.
 */
#include "persister/blob.h"

#include "common/cursor.h"
#include "common/mem.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define BLOB_VERSION 1
#define CRC_OFFSET 13 /* version, first and count stand before it */
/* A skippable frame: magic, size of its content, content. */
#define CHAIN_MAGIC (ZSTD_MAGIC_SKIPPABLE_START + 12)
#define CHAIN_FRAME_BYTES (4 + 4 + CHAIN_BYTES)
/* Without seq. */
#define PLANES (RECORD_BYTES - 8)
/* Level 1 is where a record costs least CPU for what it saves: higher ones
 * gain a tenth in size for several times the work. */
#define LEVEL 1

struct blob_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    uint8_t planes[PLANES * BLOB_RECORDS_MAX];
};

blob_codec_t *blob_codec_new(void)
{
    blob_codec_t *self = mem_alloc(sizeof *self);
    self->compressor = ZSTD_createCCtx();
    self->decompressor = ZSTD_createDCtx();
    if (!self->compressor || !self->decompressor)
        abort(); /* out of memory, as in mem_* */
    return self;
}

void blob_codec_destroy(blob_codec_t **self_p)
{
    if (!*self_p)
        return;
    ZSTD_freeCCtx((*self_p)->compressor);
    ZSTD_freeDCtx((*self_p)->decompressor);
    free(*self_p);
    *self_p = NULL;
}

size_t blob_bound(size_t count)
{
    return BLOB_HEAD_BYTES + CHAIN_FRAME_BYTES +
           ZSTD_compressBound(PLANES * count);
}

static uint32_t s_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = libdeflate_crc32(0, bytes, CRC_OFFSET);
    return libdeflate_crc32(crc, bytes + BLOB_HEAD_BYTES,
                            size - BLOB_HEAD_BYTES);
}

/* Bytes written: none for an unknown chain. */
static size_t s_put_chain(uint8_t *bytes, chain_t chain)
{
    if (!chain_known(chain))
        return 0;
    writer_t w = writer_of(bytes, CHAIN_FRAME_BYTES);
    write_u32(&w, CHAIN_MAGIC);
    write_u32(&w, CHAIN_BYTES);
    for (size_t i = 0; i < CHAIN_BYTES; i++)
        write_u8(&w, chain.bytes[i]);
    return CHAIN_FRAME_BYTES;
}

chain_t blob_chain(const void *bytes, size_t size)
{
    chain_t chain = CHAIN_UNKNOWN;
    reader_t r = reader_of(bytes, size);
    read_bytes(&r, BLOB_HEAD_BYTES);
    bool there = read_u32(&r) == CHAIN_MAGIC && read_u32(&r) == CHAIN_BYTES;
    const uint8_t *found = read_bytes(&r, CHAIN_BYTES);
    if (there && found)
        memcpy(chain.bytes, found, CHAIN_BYTES);
    return chain;
}

size_t blob_encode(blob_codec_t *self, uint8_t *bytes, chain_t before,
                   const record_t *records, size_t count)
{
    assert(count >= 1 && count <= BLOB_RECORDS_MAX);
    uint64_t before_ms = 0;
    for (size_t i = 0; i < count; i++) {
        assert(records[i].seq == records[0].seq + i);
        record_t record = records[i];
        record.placed_at_ms -= before_ms;
        before_ms = records[i].placed_at_ms;
        uint8_t packed[RECORD_BYTES];
        record_encode(packed, &record);
        for (size_t plane = 0; plane < PLANES; plane++)
            self->planes[plane * count + i] = packed[8 + plane];
    }
    size_t head = BLOB_HEAD_BYTES;
    head += s_put_chain(bytes + head, before);
    size_t room = ZSTD_compressBound(PLANES * count);
    size_t size = ZSTD_compressCCtx(self->compressor, bytes + head, room,
                                    self->planes, PLANES * count, LEVEL);
    assert(!ZSTD_isError(size));
    size += head;
    writer_t w = writer_of(bytes, BLOB_HEAD_BYTES);
    write_u8(&w, BLOB_VERSION);
    write_u64(&w, records[0].seq);
    write_u32(&w, (uint32_t)count);
    write_u32(&w, s_crc(bytes, size));
    return size;
}

int blob_range(const void *bytes, size_t size, uint64_t *first, uint32_t *count)
{
    reader_t r = reader_of(bytes, size);
    uint8_t version = read_u8(&r);
    *first = read_u64(&r);
    *count = read_u32(&r);
    read_u32(&r);
    if (r.bad || version != BLOB_VERSION || !*first || !*count ||
        *count > BLOB_RECORDS_MAX || *first + *count - 1 < *first)
        return -1;
    return 0;
}

int blob_decode(blob_codec_t *self, record_t *records, const void *bytes,
                size_t size)
{
    uint64_t first;
    uint32_t count;
    if (blob_range(bytes, size, &first, &count))
        return -1;
    reader_t head = reader_of((const uint8_t *)bytes + CRC_OFFSET, 4);
    if (read_u32(&head) != s_crc(bytes, size))
        return -1;
    size_t plain = ZSTD_decompressDCtx(
        self->decompressor, self->planes, PLANES * count,
        (const uint8_t *)bytes + BLOB_HEAD_BYTES, size - BLOB_HEAD_BYTES);
    if (plain != PLANES * count)
        return -1;
    uint64_t placed_at_ms = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t packed[RECORD_BYTES] = {0};
        for (size_t plane = 0; plane < PLANES; plane++)
            packed[8 + plane] = self->planes[plane * count + i];
        records[i] = record_decode(packed);
        records[i].seq = first + i;
        placed_at_ms += records[i].placed_at_ms;
        records[i].placed_at_ms = placed_at_ms;
    }
    return (int)count;
}
