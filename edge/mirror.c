/* SPDX-License-Identifier: Apache-2.0
 *
 * See mirror.h.
 */
#include "edge/mirror.h"

#include "common/diff.h"
#include "common/mem.h"
#include "common/touched.h"
#include "edge/ring.h"

#include <assert.h>
#include <stdlib.h>

struct mirror {
    board_t *board; /* NULL before the first */
    canvas_t canvas;
    uint32_t canvas_version;
    uint32_t history; /* counts the times that history was lost */
    uint32_t epoch;
    uint64_t seq;
    chain_t chain; /* at seq; unknown where a leader did not say */
    bool synced;
    ring_t *ring;
    touched_t *touched; /* scratch of one net diff; empty between */
    uint32_t *indices;  /* scratch of one applied diff */
    size_t indices_size;
};

mirror_t *mirror_new(size_t ring_pixels)
{
    mirror_t *self = mem_zalloc(1, sizeof *self);
    self->ring = ring_new(ring_pixels);
    return self;
}

void mirror_destroy(mirror_t **self_p)
{
    mirror_t *self = *self_p;
    if (!self)
        return;
    board_destroy(&self->board);
    ring_destroy(&self->ring);
    touched_destroy(&self->touched);
    free(self->indices);
    free(self);
    *self_p = NULL;
}

bool mirror_synced(const mirror_t *self)
{
    return self->synced;
}

const board_t *mirror_board(const mirror_t *self)
{
    return self->board;
}

const canvas_t *mirror_canvas(const mirror_t *self)
{
    return self->board ? &self->canvas : NULL;
}

uint64_t mirror_seq(const mirror_t *self)
{
    return self->seq;
}

chain_t mirror_chain(const mirror_t *self)
{
    return self->chain;
}

uint32_t mirror_epoch(const mirror_t *self)
{
    return self->epoch;
}

uint32_t mirror_canvas_version(const mirror_t *self)
{
    return self->canvas_version;
}

uint64_t mirror_oldest(const mirror_t *self)
{
    return ring_first(self->ring);
}

uint32_t mirror_history(const mirror_t *self)
{
    return self->history;
}

since_t mirror_since(const mirror_t *self, uint64_t since)
{
    if (since == self->seq)
        return SINCE_LEVEL;
    if (since > self->seq)
        return SINCE_NEWER;
    return since < ring_first(self->ring) ? SINCE_TOO_OLD : SINCE_DIFF;
}

uint64_t mirror_diff_from(const mirror_t *self, uint64_t since)
{
    return ring_from(self->ring, since);
}

uint8_t *mirror_diff(mirror_t *self, uint64_t since, uint32_t most,
                     uint64_t *from, size_t *size)
{
    *from = ring_from(self->ring, since);
    uint8_t *body = NULL;
    *size = 0;
    if (!ring_collect(self->ring, since, self->touched, most)) {
        size_t bound = diff_bound(touched_count(self->touched));
        size_t board = board_size_bytes(self->board) + DIFF_HEAD_MAX_BYTES;
        bound = bound < board ? bound : board;
        body = mem_alloc(bound);
        *size = diff_encode(body, bound, *from, self->seq, self->touched,
                            self->board);
    }
    touched_clear(self->touched);
    if (*size)
        return body;
    free(body);
    return NULL;
}

static uint32_t *s_indices(mirror_t *self, size_t count)
{
    if (count > self->indices_size) {
        self->indices_size = count;
        self->indices =
            mem_realloc(self->indices, count, sizeof *self->indices);
    }
    return self->indices;
}

/* Applies a whole diff that was found valid, and remembers what it touched. */
static void s_apply(mirror_t *self, diff_t *diff, chain_t chain)
{
    uint32_t *indices = s_indices(self, diff->count + 1);
    size_t count = 0;
    uint8_t color;
    while (diff_next(diff, &indices[count], &color) > 0)
        board_set(self->board, indices[count++], color);
    self->seq = diff->to;
    self->chain = chain;
    ring_push(self->ring, diff->to, indices, count);
}

/* The part that DIFF and RANGE share. */
static mirror_result_t s_on_body(mirror_t *self, const bus_body_t *body,
                                 uint64_t *to)
{
    diff_t diff;
    if (diff_open(&diff, body->body, body->size, board_pixels(self->board),
                  board_bits(self->board)) < 0 ||
        !diff_valid(&diff))
        return MIRROR_BAD;
    *to = diff.to;
    if (diff.from > self->seq)
        return MIRROR_BEHIND;
    if (diff.to > self->seq)
        s_apply(self, &diff, body->chain);
    else if (diff.to == self->seq && chain_differs(body->chain, self->chain))
        return MIRROR_BEHIND; /* as far, by another way: the leader tells */
    return MIRROR_OK;
}

mirror_result_t mirror_on_diff(mirror_t *self, const bus_body_t *diff)
{
    uint64_t to;
    if (!self->synced || diff->epoch < self->epoch)
        return MIRROR_OK;
    if (diff->epoch > self->epoch)
        return MIRROR_BEHIND;
    return s_on_body(self, diff, &to);
}

/* A range from before the ring begins: what it touched lets clients come back
 * from there. (It may end past the ring's start; naming more is harmless.) */
static void s_remember(mirror_t *self, const bus_body_t *range)
{
    diff_t diff;
    uint8_t color;
    if (diff_open(&diff, range->body, range->size, board_pixels(self->board),
                  board_bits(self->board)) < 0 ||
        diff.from >= ring_first(self->ring) ||
        diff.to < ring_first(self->ring) || !diff_valid(&diff))
        return;
    uint32_t *indices = s_indices(self, diff.count + 1);
    size_t count = 0;
    while (diff_next(&diff, &indices[count], &color) > 0)
        count++;
    ring_prepend(self->ring, diff.from, indices, count);
}

mirror_result_t mirror_on_range(mirror_t *self, const bus_body_t *range)
{
    uint64_t to;
    if (!self->synced || range->epoch < self->epoch)
        return MIRROR_OK;
    mirror_result_t result = s_on_body(self, range, &to);
    if (result == MIRROR_OK && to < self->seq && range->epoch > self->epoch)
        return MIRROR_DAMAGED;
    if (result != MIRROR_OK)
        return result;
    self->epoch = self->canvas.epoch = range->epoch;
    s_remember(self, range);
    return MIRROR_OK;
}

static bool s_same_shape(const canvas_t *a, const canvas_t *b)
{
    return a->width == b->width && a->height == b->height && a->bits == b->bits;
}

static void s_set_canvas(mirror_t *self, const canvas_t *canvas)
{
    canvas_t next = *canvas;
    next.epoch = self->canvas.epoch; /* a new leader alone is no news */
    if (!canvas_equal(&next, &self->canvas))
        self->canvas_version++;
    self->canvas = next;
}

static void s_reshape(mirror_t *self, const canvas_t *canvas)
{
    board_destroy(&self->board);
    touched_destroy(&self->touched);
    self->board = board_new(canvas->width, canvas->height, canvas->bits);
    assert(self->board); /* canvas_check said so */
    self->touched = touched_new(board_pixels(self->board));
}

/* packed pixels of that canvas */
static bool s_fits(const canvas_t *canvas, size_t size)
{
    uint64_t pixels = (uint64_t)canvas->width * canvas->height;
    return canvas->bits == 8 ? size == pixels : size == (pixels + 1) / 2;
}

/* Whether what this edge showed is in the board's history. The leader compared
 * the two when it was asked; by the heads alone it shows where they are level,
 * and where the board is behind: then what it lacks was shown, and is gone. */
static bool s_is_lost(const mirror_t *self, const bus_board_t *board)
{
    history_view_t mine = {.head = {self->seq, self->chain}};
    history_view_t theirs = {.head = {board->seq, board->chain}};
    bool news = board->epoch > self->epoch || !self->synced;
    bool told =
        board->relation == HISTORY_FORKED || board->relation == HISTORY_BEHIND;
    if ((news && told) ||
        history_relate(&mine, &theirs, NULL) == HISTORY_FORKED)
        return true;
    return board->epoch > self->epoch && board->seq < self->seq;
}

mirror_result_t mirror_on_board(mirror_t *self, const bus_board_t *board)
{
    canvas_t canvas;
    if (canvas_from_json(&canvas, board->json, board->json_size) < 0 ||
        !s_fits(&canvas, board->pixels_size))
        return MIRROR_BAD;
    if (self->board && board->epoch < self->epoch)
        return MIRROR_OK;
    bool forked = self->board && s_is_lost(self, board);
    if (self->synced && board->epoch == self->epoch &&
        board->seq <= self->seq && !forked)
        return MIRROR_OK; /* a late answer: the feed was faster */
    bool first = !self->board;
    bool same = !first && s_same_shape(&canvas, &self->canvas);
    bool lost = !first && (!same || forked);
    if (!same)
        s_reshape(self, &canvas);
    if (board_load(self->board, board->pixels, board->pixels_size) < 0)
        return MIRROR_BAD;
    self->seq = board->seq;
    self->chain = board->chain;
    self->epoch = board->epoch;
    s_set_canvas(self, &canvas);
    self->canvas.epoch = board->epoch;
    self->synced = true;
    ring_reset(self->ring, self->seq);
    self->history += lost;
    return lost ? MIRROR_LOST : MIRROR_OK;
}

mirror_result_t mirror_on_beat(mirror_t *self, const bus_beat_t *beat)
{
    if (!self->synced || beat->epoch > self->epoch)
        return MIRROR_BEHIND;
    if (beat->epoch < self->epoch)
        return MIRROR_OK;
    if (beat->seq > self->seq)
        return MIRROR_BEHIND;
    bool forked =
        beat->seq == self->seq && chain_differs(beat->chain, self->chain);
    if (beat->seq < self->seq ||
        (!forked && beat->digest == board_digest(self->board)))
        return MIRROR_OK;
    if (forked)
        return MIRROR_BEHIND; /* the leader says whose history it is */
    self->synced = false;
    return MIRROR_DAMAGED;
}

mirror_result_t mirror_on_canvas(mirror_t *self, const bus_body_t *body)
{
    canvas_t canvas;
    if (canvas_from_json(&canvas, (const char *)body->body, body->size) < 0)
        return MIRROR_BAD;
    if (!self->synced)
        return MIRROR_OK;
    if (body->epoch < self->epoch)
        return MIRROR_OK;
    if (!s_same_shape(&canvas, &self->canvas))
        return MIRROR_DAMAGED;
    s_set_canvas(self, &canvas);
    return MIRROR_OK;
}
