/* SPDX-License-Identifier: Apache-2.0
 *
 * See bus_look.h.
 */
#include "common/bus_look.h"

#include "common/board.h"
#include "common/cursor.h"

#include <assert.h>

static void s_put_selection(writer_t *w, const selection_t *of)
{
    write_u8(w, of->has);
    selection_write(w, of);
}

static selection_t s_read_selection(reader_t *r)
{
    uint8_t has = read_u8(r);
    selection_t of = selection_read(r);
    of.has = has;
    return of;
}

size_t bus_put_look(uint8_t *bytes, const bus_look_t *look)
{
    writer_t w = writer_of(bytes, BUS_LOOK_BYTES);
    write_u8(&w, BUS_LOOK);
    write_u64(&w, look->ticket);
    write_u8(&w, look->kind);
    write_u16(&w, look->limit);
    write_u16(&w, look->color);
    s_put_selection(&w, &look->of);
    assert(!w.full);
    return (size_t)(w.at - bytes);
}

int bus_decode_look(bus_look_t *look, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    *look = (bus_look_t){.ticket = read_u64(&r)};
    look->kind = read_u8(&r);
    look->limit = read_u16(&r);
    look->color = read_u16(&r);
    look->of = s_read_selection(&r);
    bool good = reader_done(&r) && type == BUS_LOOK &&
                look->kind <= LOOK_ACTIONS && look->limit >= 1 &&
                look->limit <= BUS_LOOK_MAX;
    return good ? 0 : -1;
}

size_t bus_put_looked_head(uint8_t *bytes, uint64_t ticket)
{
    writer_t w = writer_of(bytes, BUS_LOOKED_HEAD_BYTES);
    write_u8(&w, BUS_LOOKED);
    write_u64(&w, ticket);
    return (size_t)(w.at - bytes);
}

int bus_decode_looked(bus_looked_t *looked, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    looked->ticket = read_u64(&r);
    looked->size = reader_left(&r);
    looked->json = (const char *)read_bytes(&r, looked->size);
    return reader_done(&r) && type == BUS_LOOKED && looked->size ? 0 : -1;
}

size_t bus_put_below_ask(uint8_t *bytes, const bus_below_ask_t *ask)
{
    writer_t w = writer_of(bytes, BUS_BELOW_ASK_BOUND(ask->count));
    write_u8(&w, BUS_BELOW_ASK);
    write_u64(&w, ask->ticket);
    write_u64(&w, ask->least);
    write_u16(&w, ask->width);
    write_u16(&w, ask->height);
    s_put_selection(&w, &ask->of);
    write_u8(&w, ask->takes_back);
    write_u16(&w, ask->count);
    for (size_t i = 0; i < ask->count; i++)
        s_put_selection(&w, &ask->hidden[i]);
    assert(!w.full);
    return (size_t)(w.at - bytes);
}

/* A box that is asked for lies on the board. */
static bool s_is_on_board(const bus_below_ask_t *ask)
{
    const selection_t *of = &ask->of;
    uint32_t pixels = (uint32_t)ask->width * ask->height;
    return pixels && pixels <= BOARD_PIXELS_MAX &&
           (!(of->has & HAS_BOX) || (of->x0 <= of->x1 && of->x1 < ask->width &&
                                     of->y0 <= of->y1 && of->y1 < ask->height));
}

int bus_decode_below_ask(bus_below_ask_t *ask, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    ask->ticket = read_u64(&r);
    ask->least = read_u64(&r);
    ask->width = read_u16(&r);
    ask->height = read_u16(&r);
    ask->of = s_read_selection(&r);
    ask->takes_back = read_u8(&r);
    ask->count = read_u16(&r);
    if (type != BUS_BELOW_ASK || ask->count > BUS_HIDDEN_MAX)
        return -1;
    for (size_t i = 0; i < ask->count; i++)
        ask->hidden[i] = s_read_selection(&r);
    return reader_done(&r) && s_is_on_board(ask) ? 0 : -1;
}

size_t bus_put_below_head(uint8_t *bytes, const bus_below_t *below)
{
    writer_t w = writer_of(bytes, BUS_BELOW_HEAD_BYTES);
    write_u8(&w, BUS_BELOW);
    write_u64(&w, below->ticket);
    write_u8(&w, below->status);
    write_u64(&w, below->upto);
    write_u64(&w, below->placements);
    write_u32(&w, below->spared);
    write_u32(&w, below->count);
    assert(!w.full);
    return (size_t)(w.at - bytes);
}

void bus_put_below_pixel(uint8_t *bytes, uint32_t index, uint8_t color)
{
    writer_t w = writer_of(bytes, BUS_BELOW_PIXEL_BYTES);
    write_u32(&w, index);
    write_u8(&w, color);
}

uint32_t bus_below_pixel(const bus_below_t *below, uint32_t i, uint8_t *color)
{
    assert(i < below->count);
    reader_t r = reader_of(below->pixels + (size_t)i * BUS_BELOW_PIXEL_BYTES,
                           BUS_BELOW_PIXEL_BYTES);
    uint32_t index = read_u32(&r);
    *color = read_u8(&r);
    return index;
}

int bus_decode_below(bus_below_t *below, const void *bytes, size_t size)
{
    reader_t r = reader_of(bytes, size);
    uint8_t type = read_u8(&r);
    below->ticket = read_u64(&r);
    below->status = read_u8(&r);
    below->upto = read_u64(&r);
    below->placements = read_u64(&r);
    below->spared = read_u32(&r);
    below->count = read_u32(&r);
    if (below->count > BUS_BELOW_MAX)
        return -1;
    below->pixels =
        read_bytes(&r, (size_t)below->count * BUS_BELOW_PIXEL_BYTES);
    return reader_done(&r) && type == BUS_BELOW &&
                   below->status <= BELOW_TOO_MANY
               ? 0
               : -1;
}
