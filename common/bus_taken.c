/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_taken.h.
 */
#include "common/bus_taken.h"

#include "common/cursor.h"

#include <assert.h>

size_t bus_put_taken_rows(uint8_t *bytes, const bus_taken_t *rows, size_t count)
{
    writer_t w = writer_of(bytes, count * BUS_TAKEN_ROW_BYTES);
    assert(count <= BUS_TAKEN_MAX);
    for (size_t i = 0; i < count; i++) {
        write_u64(&w, rows[i].key);
        write_u32(&w, rows[i].count);
    }
    return (size_t)(w.at - bytes);
}

int bus_decode_taken_rows(bus_taken_t *rows, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    size_t count = size / BUS_TAKEN_ROW_BYTES;
    if (size % BUS_TAKEN_ROW_BYTES || count > BUS_TAKEN_MAX)
        return -1;
    for (size_t i = 0; i < count; i++) {
        rows[i].key = read_u64(&r);
        rows[i].count = read_u32(&r);
        if (!rows[i].count)
            return -1;
    }
    return (int)count;
}

size_t bus_put_taken(uint8_t *bytes, const bus_taken_t *rows, size_t count)
{
    *bytes = BUS_TAKEN;
    return 1 + bus_put_taken_rows(bytes + 1, rows, count);
}

int bus_decode_taken(bus_taken_t *rows, const void *bytes, size_t size)
{
    if (bus_type(bytes, size) != BUS_TAKEN)
        return -1;
    return bus_decode_taken_rows(rows, (const uint8_t *)bytes + 1, size - 1);
}
