/* SPDX-License-Identifier: Apache-2.0
 *
 * See below.h. A pixel needs two colours: an undo takes back the newest
 * placement only, before anybody covers it.
 */
#include "persister/below.h"

#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

/* Of users, whose selections are found by hash. */
#define SLOTS 4096u

enum {
    MARKED = 1,     /* a selected placement was here */
    TOP_LATER = 2,  /* `top` came after the last of those … */
    NEXT_LATER = 4, /* … `next` did */
    HIDDEN = 8,     /* the newest placement does not count */
};

typedef struct {
    uint8_t top;   /* the newest placement that counts */
    uint8_t next;  /* the one before it */
    uint8_t shown; /* what the board shows */
    uint8_t flags;
} cell_t;

struct below {
    selection_t of;
    bool takes_back;
    uint16_t x0, y0, width, height; /* of the cells */
    uint16_t board_width;
    cell_t *cells;
    selection_t *hidden;      /* those without a user first … */
    uint16_t loose, *next_of; /* … and how many; else the next in its slot */
    uint16_t slots[SLOTS];    /* index + 1 into `hidden`; 0: none */
    uint64_t seq, placements;
};

static size_t s_slot(uint64_t user)
{
    return (size_t)((user * UINT64_C(0x9E3779B97F4A7C15)) >> 52);
}

static void s_take_hidden(below_t *self, const bus_below_ask_t *ask)
{
    uint16_t at = 0;
    self->hidden = mem_zalloc(ask->count + 1u, sizeof *self->hidden);
    self->next_of = mem_zalloc(ask->count + 1u, sizeof *self->next_of);
    for (uint16_t i = 0; i < ask->count; i++)
        if (!(ask->hidden[i].has & HAS_USER))
            self->hidden[at++] = ask->hidden[i];
    self->loose = at;
    for (uint16_t i = 0; i < ask->count; i++) {
        if (!(ask->hidden[i].has & HAS_USER))
            continue;
        uint16_t *slot = &self->slots[s_slot(ask->hidden[i].user)];
        self->next_of[at] = *slot;
        self->hidden[at] = ask->hidden[i];
        *slot = ++at;
    }
}

below_t *below_new(const bus_below_ask_t *ask)
{
    below_t *self = mem_zalloc(1, sizeof *self);
    const selection_t *of = &ask->of;
    bool box = of->has & HAS_BOX;
    assert(!box || (of->x1 < ask->width && of->y1 < ask->height));
    self->of = *of;
    self->takes_back = ask->takes_back;
    self->board_width = ask->width;
    self->x0 = box ? of->x0 : 0;
    self->y0 = box ? of->y0 : 0;
    self->width = box ? (uint16_t)(of->x1 - of->x0 + 1) : ask->width;
    self->height = box ? (uint16_t)(of->y1 - of->y0 + 1) : ask->height;
    self->cells =
        mem_zalloc((size_t)self->width * self->height, sizeof *self->cells);
    s_take_hidden(self, ask);
    return self;
}

void below_destroy(below_t **self_p)
{
    below_t *self = *self_p;
    if (!self)
        return;
    free(self->cells);
    free(self->hidden);
    free(self->next_of);
    free(self);
    *self_p = NULL;
}

/* Taken back by another rollback. */
static bool s_is_hidden(const below_t *self, const record_t *record)
{
    for (uint16_t i = 0; i < self->loose; i++)
        if (selection_has(&self->hidden[i], record))
            return true;
    for (uint16_t i = self->slots[s_slot(record->user)]; i;
         i = self->next_of[i - 1])
        if (selection_has(&self->hidden[i - 1], record))
            return true;
    return false;
}

static void s_place(cell_t *cell, const record_t *record, bool hidden,
                    bool mine)
{
    uint8_t flags = cell->flags & MARKED;
    if (hidden) {
        cell->flags |= HIDDEN;
        return;
    }
    if (cell->flags & TOP_LATER)
        flags |= NEXT_LATER;
    if (!mine)
        flags |= TOP_LATER;
    cell->next = cell->top;
    cell->top = record->color;
    cell->flags = flags;
}

static void s_undo(cell_t *cell, bool hidden)
{
    if (hidden || (cell->flags & HIDDEN))
        return;
    cell->top = cell->next;
    cell->flags &= (uint8_t)~TOP_LATER;
    if (cell->flags & NEXT_LATER)
        cell->flags |= TOP_LATER;
}

static void s_player(below_t *self, cell_t *cell, const record_t *record)
{
    bool others = s_is_hidden(self, record);
    bool mine = !others && selection_has(&self->of, record);
    bool hidden = others || (mine && self->takes_back);
    if (mine) {
        self->placements++;
        cell->flags |= MARKED;
        cell->flags &= (uint8_t) ~(TOP_LATER | NEXT_LATER);
    }
    if (record->flags & RECORD_UNDO)
        s_undo(cell, hidden);
    else
        s_place(cell, record, hidden, mine);
}

void below_feed(below_t *self, const record_t *records, size_t count)
{
    for (const record_t *r = records; r < records + count; r++) {
        unsigned x = (unsigned)r->x - self->x0, y = (unsigned)r->y - self->y0;
        if (record_is_control(r) || x >= self->width || y >= self->height)
            continue;
        cell_t *cell = &self->cells[(size_t)y * self->width + x];
        cell->shown = r->color;
        if (record_is_players(r))
            s_player(self, cell, r);
    }
    if (count)
        self->seq = records[count - 1].seq;
}

uint64_t below_seq(const below_t *self)
{
    return self->seq;
}

static uint32_t s_index(const below_t *self, size_t cell)
{
    uint32_t x = self->x0 + (uint32_t)(cell % self->width);
    uint32_t y = self->y0 + (uint32_t)(cell / self->width);
    return y * self->board_width + x;
}

uint8_t *below_answer(const below_t *self, uint64_t ticket, size_t *size)
{
    size_t cells = (size_t)self->width * self->height;
    bus_below_t answer = {
        .ticket = ticket, .upto = self->seq, .placements = self->placements};
    for (size_t i = 0; i < cells; i++) {
        const cell_t *cell = &self->cells[i];
        if (!(cell->flags & MARKED))
            continue;
        answer.spared += (cell->flags & TOP_LATER) != 0;
        answer.count += cell->top != cell->shown;
    }
    bool many = answer.count > BUS_BELOW_MAX;
    if (many) {
        answer.status = BELOW_TOO_MANY;
        answer.count = 0;
    }
    uint8_t *bytes = mem_alloc(BUS_BELOW_HEAD_BYTES +
                               (size_t)answer.count * BUS_BELOW_PIXEL_BYTES);
    *size = bus_put_below_head(bytes, &answer);
    for (size_t i = 0; i < cells && !many; i++) {
        const cell_t *cell = &self->cells[i];
        if (!(cell->flags & MARKED) || cell->top == cell->shown)
            continue;
        bus_put_below_pixel(bytes + *size, s_index(self, i), cell->top);
        *size += BUS_BELOW_PIXEL_BYTES;
    }
    return bytes;
}
