/* SPDX-License-Identifier: Apache-2.0
 *
 * Journal blobs from a store: any bytes are refused or decoded, and what was
 * decoded is encoded to the same records again. The CRC would stop nearly all
 * input at the head, so it is set right first.
 */
#include "common/cursor.h"
#include "persister/blob.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static record_t s_records[BLOB_RECORDS_MAX], s_again[BLOB_RECORDS_MAX];

static void s_compare(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t left[RECORD_BYTES], right[RECORD_BYTES];
        record_encode(left, &s_records[i]);
        record_encode(right, &s_again[i]);
        if (memcmp(left, right, sizeof left))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static blob_codec_t *codec;
    if (!codec)
        codec = blob_codec_new();
    uint8_t *bytes = malloc(size + 1);
    memcpy(bytes, data, size);
    if (size >= BLOB_HEAD_BYTES) {
        uint32_t crc = libdeflate_crc32(0, bytes, BLOB_HEAD_BYTES - 4);
        crc = libdeflate_crc32(crc, bytes + BLOB_HEAD_BYTES,
                               size - BLOB_HEAD_BYTES);
        writer_t w = writer_of(bytes + BLOB_HEAD_BYTES - 4, 4);
        write_u32(&w, crc);
    }
    int count = blob_decode(codec, s_records, bytes, size);
    chain_t before = blob_chain(bytes, size);
    free(bytes);
    if (count <= 0)
        return 0;
    uint8_t *copy = malloc(blob_bound((size_t)count));
    size_t length = blob_encode(codec, copy, before, s_records, (size_t)count);
    if (blob_decode(codec, s_again, copy, length) != count)
        abort();
    if (!chain_equal(blob_chain(copy, length), before))
        abort();
    s_compare((size_t)count);
    free(copy);
    return 0;
}
