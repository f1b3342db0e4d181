/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_query.h.
 */
#include "common/bus_query.h"

#include "common/board.h"
#include "common/cursor.h"

#include <assert.h>

/* What follows the ticket: nothing for a type that asks nothing more. */
static void s_put_details(writer_t *w, bus_type_t type,
                          const bus_query_t *query)
{
    if (type == BUS_PIXEL || type == BUS_HISTORY) {
        write_u16(w, query->x);
        write_u16(w, query->y);
    }
    if (type == BUS_USER)
        write_u64(w, query->user);
    if (type == BUS_HISTORY || type == BUS_PAST_DIFF)
        write_u64(w, query->from);
    if (type == BUS_HISTORY)
        write_u16(w, query->max);
    if (type == BUS_PAST_DIFF) {
        write_u64(w, query->to);
        write_u16(w, query->width);
        write_u16(w, query->height);
        write_u8(w, query->bits);
    }
}

static bool s_is_question(uint8_t type)
{
    return type == BUS_PIXEL || type == BUS_USER || type == BUS_HISTORY ||
           type == BUS_PAST_DIFF || type == BUS_SNAPSHOTS;
}

size_t bus_put_query(uint8_t *bytes, bus_type_t type, const bus_query_t *query)
{
    assert(s_is_question((uint8_t)type));
    writer_t w = writer_of(bytes, BUS_SMALL_MAX);
    write_u8(&w, (uint8_t)type);
    write_u64(&w, query->ticket);
    s_put_details(&w, type, query);
    return (size_t)(w.at - bytes);
}

static void s_read_details(reader_t *r, uint8_t type, bus_query_t *query)
{
    if (type == BUS_PIXEL || type == BUS_HISTORY) {
        query->x = read_u16(r);
        query->y = read_u16(r);
    }
    if (type == BUS_USER)
        query->user = read_u64(r);
    if (type == BUS_HISTORY || type == BUS_PAST_DIFF)
        query->from = read_u64(r);
    if (type == BUS_HISTORY)
        query->max = read_u16(r);
    if (type == BUS_PAST_DIFF) {
        query->to = read_u64(r);
        query->width = read_u16(r);
        query->height = read_u16(r);
        query->bits = read_u8(r);
    }
}

static bool s_makes_sense(uint8_t type, const bus_query_t *query)
{
    if (type == BUS_HISTORY)
        return query->max >= 1 && query->max <= BUS_HISTORY_MAX;
    if (type == BUS_PAST_DIFF)
        return query->from <= query->to && query->width && query->height &&
               (uint32_t)query->width * query->height <= BOARD_PIXELS_MAX &&
               (query->bits == 4 || query->bits == 8);
    return true;
}

int bus_decode_query(bus_query_t *query, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    *query = (bus_query_t){.ticket = read_u64(&r)};
    s_read_details(&r, type, query);
    return s_is_question(type) && reader_done(&r) && s_makes_sense(type, query)
               ? 0
               : -1;
}

size_t bus_put_answer(uint8_t *bytes, const bus_answer_t *answer)
{
    writer_t w = writer_of(bytes, BUS_SMALL_MAX);
    write_u8(&w, BUS_ANSWER);
    write_u64(&w, answer->ticket);
    write_u8(&w, answer->status);
    uint8_t *record = write_room(&w, RECORD_BYTES);
    record_encode(record, &answer->record);
    return (size_t)(w.at - bytes);
}

int bus_decode_answer(bus_answer_t *answer, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    answer->ticket = read_u64(&r);
    answer->status = read_u8(&r);
    const uint8_t *record = read_bytes(&r, RECORD_BYTES);
    if (!reader_done(&r) || type != BUS_ANSWER ||
        answer->status > BUS_STORE_FAILED)
        return -1;
    answer->record = record_decode(record);
    return 0;
}

size_t bus_put_page_head(uint8_t *bytes, const bus_page_t *page)
{
    writer_t w = writer_of(bytes, BUS_PAGE_HEAD_BYTES);
    write_u8(&w, BUS_PAGE);
    write_u64(&w, page->ticket);
    write_u8(&w, page->status);
    write_u64(&w, page->next);
    return (size_t)(w.at - bytes);
}

int bus_decode_page(bus_page_t *page, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    page->ticket = read_u64(&r);
    page->status = read_u8(&r);
    page->next = read_u64(&r);
    page->size = reader_left(&r);
    page->bytes = read_bytes(&r, page->size);
    return reader_done(&r) && type == BUS_PAGE && page->status <= BUS_TOO_MUCH
               ? 0
               : -1;
}
