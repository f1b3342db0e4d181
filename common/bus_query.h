/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions of an edge to the persisters about the past, and their answers;
 * otherwise as common/bus.h. Look-ups (PIXEL, USER) are answered at once by an
 * ANSWER of one record; what may take longer by a PAGE.
 */
#ifndef COMMON_BUS_QUERY_H
#define COMMON_BUS_QUERY_H

#include "common/bus.h"

/* Placements in one answer to HISTORY, snapshots in one to SNAPSHOTS. */
#define BUS_HISTORY_MAX 100
#define BUS_SNAPSHOTS_MAX 4096
#define BUS_STAMP_BYTES 16

/* type · ticket u64 · then
 *     PIXEL      x u16 · y u16
 *     USER       user u64
 *     HISTORY    x u16 · y u16 · from u64 · max u16
 *     PAST_DIFF  from u64 · to u64 · width u16 · height u16 · bits u8
 *     SNAPSHOTS  nothing */
typedef struct {
    uint64_t ticket;
    uint64_t user;
    uint16_t x, y;
    uint64_t from, to;      /* HISTORY: placements below `from` */
    uint16_t max;           /* 1 … BUS_HISTORY_MAX */
    uint16_t width, height; /* of the board */
    uint8_t bits;
} bus_query_t;

/* TOO_MUCH: only in a PAGE. */
enum { BUS_FOUND = 0, BUS_NONE = 1, BUS_STORE_FAILED = 2, BUS_TOO_MUCH = 3 };

/* type · ticket u64 · status u8 · record of 40 bytes (zero unless found) */
typedef struct {
    uint64_t ticket;
    uint8_t status;
    record_t record;
} bus_answer_t;

/* type · ticket u64 · status u8 · next u64 · bytes to the end:
 *     HISTORY    packed records, newest first; next: those below it come next,
 *                0: there are no more
 *     PAST_DIFF  a public DIFF message
 *     SNAPSHOTS  seq u64 · taken_at_ms u64, each, newest first */
typedef struct {
    uint64_t ticket;
    uint8_t status;
    uint64_t next;
    const uint8_t *bytes; /* borrowed */
    size_t size;
} bus_page_t;

/* The caller appends the bytes behind it. */
#define BUS_PAGE_HEAD_BYTES 18

size_t bus_put_query(uint8_t *bytes, bus_type_t type, const bus_query_t *query);
size_t bus_put_answer(uint8_t *bytes, const bus_answer_t *answer);
size_t bus_put_page_head(uint8_t *bytes, const bus_page_t *page);

/* Each -1 where the message is malformed or has bytes too many. */
int bus_decode_query(bus_query_t *query, const void *bytes, size_t size);
int bus_decode_answer(bus_answer_t *answer, const void *bytes, size_t size);
int bus_decode_page(bus_page_t *page, const void *bytes, size_t size);

#endif
