/* SPDX-License-Identifier: Apache-2.0
 *
 * See record.h.
 */
#include "common/record.h"

#include "common/cursor.h"

void record_encode(uint8_t *bytes, const record_t *record)
{
    writer_t w = writer_of(bytes, RECORD_BYTES);
    write_u64(&w, record->seq);
    write_u64(&w, record->placed_at_ms);
    write_u64(&w, record->user);
    write_u32(&w, record->request);
    write_u16(&w, record->x);
    write_u16(&w, record->y);
    write_u8(&w, record->color);
    write_u8(&w, record->previous_color);
    write_u16(&w, record->flags);
    write_u32(&w, 0);
}

record_t record_decode(const uint8_t *bytes)
{
    reader_t r = reader_of(bytes, RECORD_BYTES);
    record_t record = {.seq = read_u64(&r)};
    record.placed_at_ms = read_u64(&r);
    record.user = read_u64(&r);
    record.request = read_u32(&r);
    record.x = read_u16(&r);
    record.y = read_u16(&r);
    record.color = read_u8(&r);
    record.previous_color = read_u8(&r);
    record.flags = read_u16(&r);
    return record;
}

chain_t records_chain(chain_t before, const record_t *records, size_t count)
{
    for (size_t i = 0; i < count && chain_known(before); i++) {
        uint8_t bytes[RECORD_BYTES];
        record_encode(bytes, &records[i]);
        before = chain_extend(before, bytes, 1);
    }
    return before;
}

int records_decode(const void *bytes, size_t size, uint64_t first_seq,
                   record_t *records, size_t max)
{
    size_t count = size / RECORD_BYTES;
    if (size % RECORD_BYTES || count > max)
        return -1;
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++, at += RECORD_BYTES) {
        records[i] = record_decode(at);
        uint64_t expected = i           ? records[i - 1].seq + 1
                            : first_seq ? first_seq
                                        : records[i].seq;
        if (records[i].seq != expected)
            return -1;
    }
    return (int)count;
}
