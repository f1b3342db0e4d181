/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_errand.h.
 */
#include "common/bus_errand.h"

#include "common/cursor.h"

#include <assert.h>

size_t bus_errand_bound(const bus_errand_t *errand)
{
    return 1 + 8 + 2 + errand->token_size + errand->json_size;
}

size_t bus_put_errand(uint8_t *bytes, bus_type_t type,
                      const bus_errand_t *errand)
{
    writer_t w = writer_of(bytes, bus_errand_bound(errand));
    assert(errand->token_size <= TOKEN_MAX_BYTES);
    write_u8(&w, (uint8_t)type);
    write_u64(&w, errand->ticket);
    if (type == BUS_ERRAND) {
        write_u16(&w, (uint16_t)errand->token_size);
        write_bytes(&w, errand->token, errand->token_size);
    }
    write_bytes(&w, errand->json, errand->json_size);
    return (size_t)(w.at - bytes);
}

int bus_decode_errand(bus_errand_t *errand, bus_type_t type, const void *bytes,
                      size_t size)
{
    reader_t r = reader_of(bytes, size);
    *errand = (bus_errand_t){0};
    if (read_u8(&r) != type)
        return -1;
    errand->ticket = read_u64(&r);
    if (type == BUS_ERRAND) {
        errand->token_size = read_u16(&r);
        errand->token = (const char *)read_bytes(&r, errand->token_size);
        if (!errand->token_size || errand->token_size > TOKEN_MAX_BYTES)
            return -1;
    }
    errand->json_size = reader_left(&r);
    errand->json = (const char *)read_bytes(&r, errand->json_size);
    return r.bad || !errand->json_size || errand->json_size > BUS_ERRAND_MAX
               ? -1
               : 0;
}
