/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounds-checked little-endian cursors over a byte range, for every binary
 * codec here. A read past the end yields zero and sets `bad`; a write past the
 * end writes nothing and sets `full`. So a codec reads or writes all its fields
 * in a row and asks once at the end. Inline because they are the inner loop of
 * each codec; they do no allocation and keep no state but their own.
 */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Longest unsigned LEB128 of 64 bits. */
#define VARINT_MAX_BYTES 10

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool bad; /* something was read that was not there */
} reader_t;

typedef struct {
    uint8_t *at;
    uint8_t *end;
    bool full; /* something was written that did not fit */
} writer_t;

static inline reader_t reader_of(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    return (reader_t){.at = at, .end = at + size};
}

static inline writer_t writer_of(void *bytes, size_t size)
{
    uint8_t *at = bytes;
    return (writer_t){.at = at, .end = at + size};
}

static inline size_t reader_left(const reader_t *r)
{
    return (size_t)(r->end - r->at);
}

/* Whole input read, and nothing missed. */
static inline bool reader_done(const reader_t *r)
{
    return !r->bad && r->at == r->end;
}

/* Borrowed view of the next `size` bytes; NULL (and bad) if fewer remain. */
static inline const uint8_t *read_bytes(reader_t *r, size_t size)
{
    if (reader_left(r) < size) {
        r->bad = true;
        r->at = r->end;
        return NULL;
    }
    const uint8_t *bytes = r->at;
    r->at += size;
    return bytes;
}

static inline uint64_t read_le(reader_t *r, size_t size)
{
    const uint8_t *bytes = read_bytes(r, size);
    uint64_t little = 0;
    if (bytes)
        memcpy(&little, bytes, size);
    return le64toh(little);
}

static inline uint8_t read_u8(reader_t *r)
{
    return (uint8_t)read_le(r, 1);
}
static inline uint16_t read_u16(reader_t *r)
{
    return (uint16_t)read_le(r, 2);
}
static inline uint32_t read_u32(reader_t *r)
{
    return (uint32_t)read_le(r, 4);
}
static inline uint64_t read_u64(reader_t *r)
{
    return read_le(r, 8);
}

/* Unsigned LEB128. Longer than 64 bits is bad. */
static inline uint64_t read_varint(reader_t *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_u8(r);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    r->bad = true;
    return 0;
}

/* Room for `size` bytes, to be filled by the caller; NULL (and full) if none.
 */
static inline uint8_t *write_room(writer_t *w, size_t size)
{
    if ((size_t)(w->end - w->at) < size) {
        w->full = true;
        w->end = w->at;
        return NULL;
    }
    uint8_t *bytes = w->at;
    w->at += size;
    return bytes;
}

/* gcc follows the path on which there is no room into the copy that the test
 * above it rules out. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif
static inline void write_bytes(writer_t *w, const void *from, size_t size)
{
    uint8_t *bytes = write_room(w, size);
    if (bytes && size)
        memcpy(bytes, from, size);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

static inline void write_le(writer_t *w, uint64_t value, size_t size)
{
    uint64_t little = htole64(value); /* one store, where a loop is eight */
    write_bytes(w, &little, size);
}

static inline void write_u8(writer_t *w, uint8_t value)
{
    write_le(w, value, 1);
}
static inline void write_u16(writer_t *w, uint16_t value)
{
    write_le(w, value, 2);
}
static inline void write_u32(writer_t *w, uint32_t value)
{
    write_le(w, value, 4);
}
static inline void write_u64(writer_t *w, uint64_t value)
{
    write_le(w, value, 8);
}

static inline void write_varint(writer_t *w, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        write_u8(w, (uint8_t)(value | 0x80));
    write_u8(w, (uint8_t)value);
}

#endif
